"""One step of the fold: a hit, judged after all hits before it in time.

`step` is a pure function of the hit, what came before (the cursor) and what is around (the message, the
reports of viewing, hits before and after). So the judgements of a message depend on its hits, not on the
order of their arrival.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.tracker import session, verdict
from services.tracker.attribution import answered_slots, candidates, replier
from services.tracker.model import (
    COUNTED,
    Cursor,
    Finding,
    Hit,
    Judgement,
    Lasting,
    Recent,
    Sent,
    Surroundings,
)
from services.tracker.notify import is_suspicious, raises
from services.tracker.rules import inferred, repeats
from services.tracker.rules.rulesets import RuleSet
from shared.events.engagements import EngagementKind
from shared.events.ids import derived_id

_MOST_RECENT = 32  # hits that a repetition is looked for among; a flood of clients within 10 s has more


def engagement_id(hit: Hit, kind: EngagementKind) -> UUID:
    """The engagement of this kind that the hit makes; for a click, OPEN is the inferred one."""
    return derived_id("engagement", hit.hit_id, kind)


def step(
    cursor: Cursor, hit: Hit, known: Surroundings, rules: RuleSet, *, was_inferred: bool
) -> tuple[Cursor, tuple[Judgement, ...]]:
    """The cursor after the hit, and its judgements: none (not to be judged), one, or an inferred open first.

    Of a reply there is none but the open that it proves, and none when that is known.
    `was_inferred`: an open was inferred from this click or reply before; if it counts no longer, that is said
    too.
    """
    sent = known.sent
    if sent.judged_from is None or hit.at < sent.judged_from:
        return cursor, ()
    if hit.told_by is not None:
        return _replied(cursor, hit, sent, was_inferred)
    recent = _still_recent(hit, cursor.recent)
    original = repeats.original(hit, recent)
    if original is not None:
        return cursor, _repetition(cursor, hit, sent, original, was_inferred)
    if hit.doubts or len(known.around) > 1:
        known = known._replace(was_read=_was_read(cursor.lasting, hit))
    finding = verdict.in_context(hit, known, rules)
    if finding.verdict in COUNTED:
        held = rules.holds and is_suspicious(hit, finding, sent) and not _is_clear(cursor, hit)
        return _counted(cursor, hit, sent, recent, finding, was_inferred, held)
    return _uncounted(cursor, hit, sent, recent, finding, was_inferred)


def _is_clear(cursor: Cursor, hit: Hit) -> bool:
    """Whoever goes on with a mail that was read is no scanner, unless something speaks against it."""
    return not hit.doubts and _was_read(cursor.lasting, hit)


def _was_read(lasting: Lasting, hit: Hit) -> bool:
    """Whether an open or a click counted before this hit; a restart may remember the hit itself."""
    firsts = [first for first in (lasting.first_open, lasting.first_click) if first is not None]
    if not firsts:
        return False
    own = {engagement_id(hit, kind) for kind in EngagementKind}
    return any(first not in own for first in firsts)


def _still_recent(hit: Hit, recent: tuple[Recent, ...]) -> tuple[Recent, ...]:
    """In the order of their time, so that none is too old to be repeated while the first is not."""
    if not recent or hit.at - recent[0].at <= repeats.OPEN_WINDOW:
        return recent
    return repeats.still_recent(hit, recent)


def _repetition(
    cursor: Cursor, hit: Hit, sent: Sent, known: Recent, was_inferred: bool
) -> tuple[Judgement, ...]:
    """It shares the verdict of what it repeats: the same client, the same cause."""
    first = known.finding
    finding = Finding(first.verdict, first.confidence, (repeats.evidence(hit, known), *first.evidence))
    judgement = Judgement(
        engagement_id(hit, hit.kind),
        hit.kind,
        finding,
        known.session_id,
        candidates(sent, hit.slot),
        folded_into=known.engagement_id,
    )
    if not was_inferred:
        return (judgement,)
    return _inferred_in_vain(cursor, hit, judgement), judgement


def _uncounted(
    cursor: Cursor, hit: Hit, sent: Sent, recent: tuple[Recent, ...], finding: Finding, was_inferred: bool
) -> tuple[Cursor, tuple[Judgement, ...]]:
    """It neither begins nor prolongs a reading."""
    this = engagement_id(hit, hit.kind)
    reading = session.current(cursor, hit)
    session_id = derived_id("session", this) if reading is None else reading.session_id
    judgement = Judgement(this, hit.kind, finding, session_id, candidates(sent, hit.slot))
    after = cursor._replace(recent=_with(recent, hit, judgement))
    if not was_inferred:
        return after, (judgement,)
    return after, (_inferred_in_vain(cursor, hit, judgement), judgement)


def _counted(
    cursor: Cursor,
    hit: Hit,
    sent: Sent,
    recent: tuple[Recent, ...],
    finding: Finding,
    was_inferred: bool,
    held: bool,
) -> tuple[Cursor, tuple[Judgement, ...]]:
    this = engagement_id(hit, hit.kind)
    reading = session.current(cursor, hit)
    after = session.continued(reading, hit, this)
    lasting, is_first = _remembered(cursor.lasting, hit, this)
    judgement = Judgement(
        this,
        hit.kind,
        finding,
        after.session_id,
        candidates(sent, hit.slot),
        first=is_first,
        raises=raises(reading, hit),
        held=held,
        previous_at=_read_before(cursor.lasting, hit),
    )
    judgements: tuple[Judgement, ...] = (judgement,)
    if hit.kind is EngagementKind.CLICK:
        lasting, opened = _inferred(lasting, hit, judgement)
        if opened is None and was_inferred:
            opened = _inferred_in_vain(cursor, hit, judgement)
        judgements = (judgement,) if opened is None else (opened, judgement)
    sessions = {**cursor.sessions, hit.slot: after}
    lasting = replace(lasting, read_at={**(cursor.lasting.read_at or {}), hit.slot: after.last})
    return Cursor(lasting, sessions, _with(recent, hit, judgement)), judgements


def _read_before(lasting: Lasting, hit: Hit) -> datetime | None:
    """A hit that is read again after a restart may find itself remembered: that is no reading before it."""
    known = (lasting.read_at or {}).get(hit.slot)
    return known if known is not None and known < hit.at else None


def _remembered(lasting: Lasting, hit: Hit, this: UUID) -> tuple[Lasting, bool]:
    """What lasts after a counted hit, and whether it is the first of its kind.

    A hit that is read again after a restart may find itself remembered already: it is still the first.
    """
    if hit.kind is EngagementKind.CLICK:
        is_first = lasting.first_click in (None, this)
        return (Lasting(lasting.first_open, this, lasting.opened) if is_first else lasting), is_first
    return _opened(lasting, hit.slot, this)


def _opened(lasting: Lasting, slot: int | None, this: UUID) -> tuple[Lasting, bool]:
    is_first = lasting.first_open in (None, this)
    if lasting.open_of(slot) is not None and lasting.first_open is not None:
        return lasting, is_first
    opened = {**(lasting.opened or {}), slot: this}
    return Lasting(lasting.first_open or this, lasting.first_click, opened), is_first


def _inferred(lasting: Lasting, hit: Hit, click: Judgement) -> tuple[Lasting, Judgement | None]:
    """The open that the click proves, unless one is known before it."""
    this = engagement_id(hit, EngagementKind.OPEN)
    if lasting.open_of(hit.slot) not in (None, this):
        return lasting, None
    lasting, is_first = _opened(lasting, hit.slot, this)
    opened = click._replace(
        engagement_id=this,
        kind=EngagementKind.OPEN,
        finding=inferred.from_click(click.finding),
        first=is_first,
        inferred=True,
        raises=False,
    )
    return lasting, opened


def _replied(
    cursor: Cursor, reply: Hit, sent: Sent, was_inferred: bool
) -> tuple[Cursor, tuple[Judgement, ...]]:
    """The open that the reply proves, unless one is known before it. It raises nothing and begins no reading:
    the rep has the reply at hand, and what is fetched later is news as before."""
    this, slot = engagement_id(reply, EngagementKind.OPEN), replier(sent, reply.slot)
    known = cursor.lasting.open_by(slot)
    opened = Judgement(
        this,
        EngagementKind.OPEN,
        inferred.from_reply(reply, sent),
        derived_id("session", this),
        candidates(sent, reply.slot),
        inferred=True,
    )
    if known in (None, this) and opened.finding.verdict in COUNTED:
        lasting, is_first = _opened_by_reply(cursor.lasting, reply, sent, this)
        return cursor._replace(lasting=lasting), (opened._replace(first=is_first),)
    return cursor, (opened._replace(folded_into=known),) if was_inferred else ()


def _opened_by_reply(lasting: Lasting, reply: Hit, sent: Sent, this: UUID) -> tuple[Lasting, bool]:
    read_at = dict(lasting.read_at or {})
    for slot in answered_slots(sent, reply.slot):
        lasting, is_first = _opened(lasting, slot, this)
        read_at[slot] = max(read_at.get(slot, reply.happened_at), reply.happened_at)
    return replace(lasting, read_at=read_at), is_first


def _inferred_in_vain(cursor: Cursor, hit: Hit, click: Judgement) -> Judgement:
    """An open that was inferred and told, and is not counted after all."""
    return click._replace(
        engagement_id=engagement_id(hit, EngagementKind.OPEN),
        kind=EngagementKind.OPEN,
        finding=inferred.from_click(click.finding),
        folded_into=cursor.lasting.open_of(hit.slot),
        first=False,
        inferred=True,
        raises=False,
    )


def _with(recent: tuple[Recent, ...], hit: Hit, judgement: Judgement) -> tuple[Recent, ...]:
    known = Recent(
        hit.at,
        hit.kind,
        hit.slot,
        hit.link_index,
        hit.client,
        hit.is_head,
        judgement.engagement_id,
        judgement.session_id,
        judgement.finding,
    )
    return (*recent[-_MOST_RECENT:], known)
