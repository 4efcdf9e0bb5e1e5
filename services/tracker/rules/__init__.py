"""The rules of verdicts: one file a family, each rule with its source and its doubt.

RULESET_VERSION names all of it, data files included. Bump it (year.month.number) with every change
that can alter a verdict, a confidence or evidence for any input: replay compares by it, and
`tests/unit/tracker/test_rules.py` fails on a change without a bump.
"""

from services.tracker.rules import (
    default,
    inferred,
    own_views,
    prefetch,
    privacy,
    proxies,
    repeats,
    timing,
)
from services.tracker.rules.rule import Rule

RULESET_VERSION = "2026.11.1"

FAMILIES = (prefetch, own_views, privacy, proxies, repeats, inferred, timing, default)
ALL_RULES: tuple[Rule, ...] = tuple(rule for family in FAMILIES for rule in family.RULES)
