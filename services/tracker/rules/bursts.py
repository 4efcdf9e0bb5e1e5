"""Fetches that follow each other as no reader's do: by number, distinctness, order and pace.

Each judges a hit by those of the same message around it, before and after. Prefer these to lists: a scanner
hides its name and its network more easily than that it looks at everything at once.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from services.tracker.model import Finding, Hit
from services.tracker.rules.rule import Rule
from shared.events.engagements import EngagementKind, Verdict

AROUND = timedelta(seconds=30)  # before and after: what a burst is looked for in
_AT_ONCE = timedelta(seconds=1)
MANY = 3
_READING = timedelta(seconds=5)  # between opening a mail and following its first link
_PACE = timedelta(seconds=1)
MAILS_WITHIN = timedelta(seconds=10)
_SOURCE = "One site's log of 836 scanner bursts: all links within milliseconds, by browser-like agents"

LINKS_AT_ONCE = Rule(
    "bursts.links-at-once",
    Verdict.MACHINE,
    0.9,
    _SOURCE,
    "Two recipients who share an address of the mail may follow different links within the same second.",
)
MANY_LINKS = Rule(
    "bursts.many-links",
    Verdict.MACHINE,
    0.8,
    "In use elsewhere: three distinct links within 30 s; here by one client and without a reading before",
    "A reader without pictures who opens every link at once looks the same.",
)
PICTURE_AND_LINK = Rule(
    "bursts.picture-and-link",
    Verdict.MACHINE,
    0.75,
    "Nobody opens a mail and follows its link within a second; a scanner does",
    "A mail that was open before, shown again by the way to its link, with pictures from the cache.",
)
WITH_THE_BURST = Rule(
    "bursts.with-the-burst",
    Verdict.MACHINE,
    0.8,
    f"{_SOURCE}; the same client loaded the picture, most often before the links",
    "The scanner stands before the reader: both may have the office's address.",
)
MANY_MAILS = Rule(
    "bursts.many-mails",
    Verdict.MACHINE,
    0.75,
    "A scanner goes through all mails to its domain together; nobody opens three within ten seconds",
    "Two colleagues behind one address may read at the same time.",
)
PROXY_FOLLOWS = Rule(
    "bursts.proxy-follows",
    Verdict.MACHINE,
    0.75,
    "An image proxy follows no links: who fetches both from one address of a mail service checks the mail",
    "Two people whose mail is with the same service, in the same half minute.",
)
RULES = (LINKS_AT_ONCE, MANY_LINKS, PICTURE_AND_LINK, WITH_THE_BURST, MANY_MAILS, PROXY_FOLLOWS)
_MAY_BE = (Verdict.HUMAN, Verdict.PRIVACY_PROXY)


def find(hit: Hit, around: Sequence[Hit], *, was_read: bool) -> Finding | None:
    """A finding when the hit is part of a burst.

    `around`: the message's hits within AROUND, itself included, by time. `was_read`: opened before.
    """
    if len(around) < 2:
        return None
    links = [other for other in around if other.kind is EngagementKind.CLICK]
    if not links:
        return None
    if hit.finding.verdict is Verdict.PROXIED_HUMAN:
        return _proxied(hit, links)
    if hit.finding.verdict not in _MAY_BE:
        return None
    if hit.kind is EngagementKind.OPEN:
        return _picture(hit, around, links)
    return _link(hit, around, links, was_read)


def _proxied(hit: Hit, links: Sequence[Hit]) -> Finding | None:
    """A link from the proxy's network before the picture or with it; a check of a person's click is later.

    Only where that network is known: Google's and Yahoo's pictures have none here.
    """
    follows = hit.address is not None and any(
        link.address == hit.address and link.at <= hit.at + _READING for link in links
    )
    return PROXY_FOLLOWS.finding() if follows else None


def find_over_mails(hit: Hit, elsewhere: Sequence[tuple[UUID, Hit]], *, seen: int = 0) -> Finding | None:
    """A finding when the same client fetched from several mails to one domain within seconds.

    `elsewhere`: hits on the account's other mails to the domain, with their messages. `seen`: from how many
    mails the client was seen to fetch when the hit came.
    """
    if hit.finding.verdict is not Verdict.HUMAN:
        return None
    near = {
        message for message, other in elsewhere if _within(other, hit, MAILS_WITHIN) and _alike(other, hit)
    }
    mails = max(len(near) + 1, seen)
    return MANY_MAILS.finding(mails=mails) if mails >= MANY else None


def is_same_thing(one: Hit, other: Hit) -> bool:
    """Whether the same address was fetched in the same way; however often, that is no burst."""
    return (
        one.kind is other.kind
        and one.slot == other.slot
        and one.link_index == other.link_index
        and one.is_head == other.is_head
    )


def matters(hit: Hit, others: Sequence[Hit]) -> bool:
    """Whether the hit can be part of a burst with these: different things were fetched, a link among them."""
    if all(is_same_thing(one, hit) for one in others):
        return False
    return any(one.kind is EngagementKind.CLICK or one.is_head for one in (hit, *others))


def _link(hit: Hit, around: Sequence[Hit], links: Sequence[Hit], was_read: bool) -> Finding | None:
    shared = [other for other in links if _may_share(other, hit)]
    if (at_once := _most_distinct(shared, hit.at, _AT_ONCE)) >= 2:
        return LINKS_AT_ONCE.finding(links=min(at_once, MANY))
    if any(
        _is_direct_picture(other) and _within(other, hit, _AT_ONCE) and _same(other, hit) for other in around
    ):
        return PICTURE_AND_LINK.finding()
    own = [other for other in links if _same(other, hit)]
    if _most_distinct(own, hit.at, AROUND) < MANY:
        return None
    is_read = was_read or _is_whole(own) or _is_read_in(around, own)
    return None if is_read and _has_pace(own) else MANY_LINKS.finding(links=MANY)


def _picture(hit: Hit, around: Sequence[Hit], links: Sequence[Hit]) -> Finding | None:
    own = [other for other in links if _same(other, hit)]
    if any(_within(other, hit, _AT_ONCE) for other in own):
        return PICTURE_AND_LINK.finding()
    for link in own:
        found = _link(link, around, links, was_read=False)
        if found is not None and found.evidence[0].rule != PICTURE_AND_LINK.id:
            return WITH_THE_BURST.finding()
    return None


def _most_distinct(links: Sequence[Hit], at: datetime, span: timedelta) -> int:
    """The most different links within one span of time that holds this moment."""
    starts = [link.at for link in links if link.at <= at and at - link.at <= span]
    return max(
        (_distinct(link for link in links if begin <= link.at <= begin + span) for begin in starts), default=0
    )


def _has_pace(own: Sequence[Hit]) -> bool:
    """Whether it went through the links as a person does, one after the other; twice the same is one."""
    firsts: dict[int | None, datetime] = {}
    for link in sorted(own):
        firsts.setdefault(link.link_index, link.at)
    times = sorted(firsts.values())
    return all(later - earlier >= _PACE for earlier, later in pairwise(times))


def _is_whole(own: Sequence[Hit]) -> bool:
    """Whether each came with what a browser sends for a person, and nothing speaks against one."""
    return all(other.has_language and not other.doubts for other in own)


def _is_read_in(around: Sequence[Hit], own: Sequence[Hit]) -> bool:
    """Whether the mail was open for a while before the first of the links."""
    first = min(other.at for other in own)
    return any(other.kind is EngagementKind.OPEN and first - other.at >= _READING for other in around)


def _is_direct_picture(hit: Hit) -> bool:
    return hit.kind is EngagementKind.OPEN and hit.finding.verdict is Verdict.HUMAN


def _distinct(links: Iterable[Hit]) -> int:
    return len({link.link_index for link in links})


def _within(one: Hit, other: Hit, span: timedelta) -> bool:
    return abs(one.at - other.at) <= span


def _may_share(one: Hit, other: Hit) -> bool:
    """Addresses made for two recipients are two mails; one that serves all is one."""
    return one.slot == other.slot


def _same(one: Hit, other: Hit) -> bool:
    """The same client of the same mail, as far as can be told: one of agent and address agrees."""
    return _may_share(one, other) and _alike(one, other)


def _alike(one: Hit, other: Hit) -> bool:
    return one.browser == other.browser or (one.address is not None and one.address == other.address)
