"""The rules of verdicts: one file a family, each rule with its source and its doubt.

`rulesets` names which of them speak in which version. Make a new rule set (year.month.number) with every
change that can alter a verdict, a confidence or evidence for any input, data files included: replay
compares by it, and `tests/unit/tracker/test_rules.py` fails on a change without one.
"""

from services.tracker.rules import (
    agents,
    apple,
    bursts,
    claims,
    default,
    headers,
    inferred,
    own_views,
    prefetch,
    privacy,
    proxies,
    repeats,
    senders,
    signs,
    threads,
    timing,
)
from services.tracker.rules.rule import Rule
from services.tracker.rules.rulesets import CURRENT

RULESET_VERSION = CURRENT.version

FAMILIES = (
    headers,
    prefetch,
    own_views,
    apple,
    privacy,
    proxies,
    agents,
    senders,
    claims,
    repeats,
    inferred,
    threads,
    bursts,
    timing,
    signs,
    default,
)
ALL_RULES: tuple[Rule, ...] = tuple(dict.fromkeys(rule for family in FAMILIES for rule in family.RULES))
