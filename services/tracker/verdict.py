"""The verdict on a hit: first by itself, then with what is known around it."""

from services.tracker.model import Finding, Hit, Surroundings
from services.tracker.rules import default, own_views, timing
from services.tracker.rules.rule import Rule
from services.tracker.rules.rulesets import RuleSet
from shared.events.hits import HitRecorded


def alone(hit: HitRecorded, rules: RuleSet) -> Finding:
    """What agent, address, method, headers and endpoint say, whatever else happened."""
    for find in rules.alone:
        finding = find(hit)
        if finding is not None:
            return finding
    return default.find(hit)


def doubts(hit: HitRecorded, rules: RuleSet) -> tuple[Rule, ...]:
    """Signs that decide nothing alone."""
    return tuple(doubt for find in rules.doubts for doubt in find(hit))


def in_context(hit: Hit, known: Surroundings, rules: RuleSet) -> Finding:
    """The same with what is known around the hit, and the time since the send as evidence."""
    hit = default.paired(hit, known.around) if rules.pairs_head else hit
    finding = hit.finding
    for find in rules.in_context:
        found = find(hit, known)
        if found is not None:
            finding = found
            break
    residual = own_views.residual(hit, finding) if rules.says_residual else ()
    if finding.evidence[0].rule == timing.BEFORE_SEND.id:
        return finding
    after = timing.evidence(hit, known.sent)
    return Finding(finding.verdict, finding.confidence, (*finding.evidence, *residual, after))
