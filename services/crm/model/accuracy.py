"""Verdicts in numbers: what hits were taken for, by day, provider, rule and rule set. Names no person."""

from datetime import date
from enum import StrEnum

from services.crm.model.base import Model
from shared.events.engagements import Verdict

ByVerdict = dict[Verdict, int]


class Provider(StrEnum):
    """Through which mail service, or what kind of client, a hit came."""

    GMAIL = "gmail"
    YAHOO = "yahoo"
    MICROSOFT = "microsoft"
    APPLE_PRIVACY = "apple_privacy"
    DIRECT = "direct"
    SCANNER = "scanner"
    ROBOT = "robot"
    OWN_VIEW = "own_view"
    OTHER = "other"


class DayVerdicts(Model):
    """A UTC day, also one without any hit."""

    day: date
    verdicts: ByVerdict


class ProviderVerdicts(Model):
    """What the hits through one provider were taken for."""

    provider: Provider
    hits: int
    verdicts: ByVerdict


class RuleHits(Model):
    """How many hits a rule decided. `confidence`: its mean, 0 to 1."""

    rule: str
    hits: int
    confidence: float


class RulesetHits(Model):
    """How many verdicts stand by a version of the rules."""

    version: str
    hits: int


class VerdictChange(Model):
    """How many hits were first taken for `was`, and now for `now`."""

    was: Verdict
    now: Verdict
    hits: int


class Corrections(Model):
    """What was said anew after the rep was told.

    `revised`: hits judged more than once. `changed`: those whose verdict is another now. `taken_back`: those
    that counted as a person's and no longer do; `found_after`: those that did not and now do.
    """

    revised: int
    changed: int
    taken_back: int
    found_after: int
    changes: tuple[VerdictChange, ...]


class Accuracy(Model):
    """From `first` to `last`, UTC days. Of the whole account, or of one user's mail.

    `hits` have a verdict each; `repeats` of them repeat another and are not counted again. `inferred` opens
    are no hits and in no other number here. `providers`, `rules`, `rulesets`: the most frequent first.
    """

    first: date
    last: date
    whole_account: bool
    hits: int
    repeats: int
    inferred: int
    verdicts: ByVerdict
    days: tuple[DayVerdicts, ...]
    providers: tuple[ProviderVerdicts, ...]
    rules: tuple[RuleHits, ...]
    rulesets: tuple[RulesetHits, ...]
    corrections: Corrections
