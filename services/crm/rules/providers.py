"""Which mail service or kind of client a hit came through, by the rules that spoke about it."""

from collections.abc import Sequence

from services.crm.model.accuracy import Provider
from shared.events.engagements import Evidence

BY_RULE: dict[str, Provider | None] = {
    "proxies.yahoo": Provider.YAHOO,
    "senders.scanner": Provider.SCANNER,
    "senders.microsoft-link": Provider.MICROSOFT,
    "senders.microsoft-picture": Provider.MICROSOFT,
    "senders.image-proxy-link": Provider.ROBOT,
    "senders.google-link": Provider.GMAIL,
    "senders.google-picture": Provider.GMAIL,
    "senders.yahoo-picture": Provider.YAHOO,
    "senders.data-centre": None,  # a sign beside others
    "own-views.same-proxy": None,  # said of an open that is taken for the recipient's
    "headers.without-language": None,
    "headers.not-for-a-page": None,
    "default.head-alone": Provider.ROBOT,
}
"""Where a rule says something else than its family."""

BY_FAMILY: dict[str, Provider | None] = {
    "prefetch": Provider.GMAIL,
    "proxies": Provider.GMAIL,
    "own-views": Provider.OWN_VIEW,
    "privacy": Provider.APPLE_PRIVACY,
    "headers": Provider.ROBOT,
    "agents": Provider.ROBOT,
    "claims": Provider.ROBOT,
    "bursts": Provider.SCANNER,
    "signs": Provider.SCANNER,
    "default": Provider.DIRECT,
    "repeats": None,
    "inferred": None,
    "threads": None,
    "timing": None,
}
MIXED = frozenset({"senders"})
"""Families whose rules have nothing in common: each stands in `BY_RULE`."""


def provider_of(evidence: Sequence[Evidence]) -> Provider:
    """By the first rule that tells; OTHER if none does."""
    for said in evidence:
        provider = _of_rule(said.rule)
        if provider is not None:
            return provider
    return Provider.OTHER


def _of_rule(rule: str) -> Provider | None:
    return BY_RULE[rule] if rule in BY_RULE else BY_FAMILY.get(rule.partition(".")[0])
