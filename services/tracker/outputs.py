"""What is told: changes as events of email.engagements and notifications, with derived ids."""

from collections.abc import Iterator
from uuid import UUID

from services.tracker.model import Change, Judgement
from services.tracker.rules.rulesets import CURRENT
from shared.events.base import Event, unchecked
from shared.events.engagements import EngagementJudged, EngagementKind
from shared.events.ids import derived_id
from shared.events.notifications import NotificationKind, NotificationRaised, NotificationRetracted

_engagement_judged = unchecked(EngagementJudged)  # what it is made of was checked when the hit was decoded


def events_of(change: Change, ruleset_version: str = CURRENT.version) -> Iterator[Event]:
    """The engagement, and a pop-up raised or retracted where that changed."""
    yield engagement_of(change, ruleset_version)
    raised_before = change.previous is not None and change.previous.raises
    if change.judgement.raises and not raised_before:
        yield _raised(change)
    elif raised_before and not change.judgement.raises:
        yield _retracted(change)


def engagement_of(change: Change, ruleset_version: str) -> EngagementJudged:
    """The judgement as it is told."""
    judged, hit, sent = change.judgement, change.hit, change.sent
    verdict, confidence, evidence = judged.finding
    return _engagement_judged(
        event_id=derived_id("engagement-judged", judged.engagement_id, change.revision, verdict),
        occurred_at=hit.happened_at,
        account_id=sent.account_id,
        engagement_id=judged.engagement_id,
        revision=change.revision,
        message_id=change.message_id,
        user_id=sent.user_id,
        hit_id=hit.hit_id,
        kind=judged.kind,
        verdict=verdict,
        evidence=evidence,
        confidence=confidence,
        ruleset_version=ruleset_version,
        session_id=judged.session_id,
        folded_into=judged.folded_into,
        first=judged.first,
        inferred=judged.inferred,
        anonymous=sent.anonymous,
        candidates=judged.candidates,
        link_index=None if judged.inferred else hit.link_index,
    )


def _raised(change: Change) -> NotificationRaised:
    judged, hit, sent = change.judgement, change.hit, change.sent
    notification_id = _notification_id(judged)
    is_open = judged.kind is EngagementKind.OPEN
    return NotificationRaised(
        event_id=derived_id("notification-raised", notification_id),
        occurred_at=hit.at,
        account_id=sent.account_id,
        user_id=sent.user_id,
        notification_id=notification_id,
        kind=NotificationKind.OPENED if is_open else NotificationKind.CLICKED,
        message_id=change.message_id,
        engagement_id=judged.engagement_id,
        hit_id=hit.hit_id,
        verdict=judged.finding.verdict,
        link_index=hit.link_index,
        candidates=judged.candidates,
        first=judged.first,
        previous_at=judged.previous_at,
    )


def _retracted(change: Change) -> NotificationRetracted:
    judged = change.judgement
    notification_id = _notification_id(judged)
    return NotificationRetracted(
        event_id=derived_id("notification-retracted", notification_id),
        occurred_at=change.hit.at,
        account_id=change.sent.account_id,
        user_id=change.sent.user_id,
        notification_id=notification_id,
        message_id=change.message_id,
        engagement_id=judged.engagement_id,
        rule=judged.finding.evidence[0].rule,
    )


def _notification_id(judged: Judgement) -> UUID:
    return derived_id("notification", judged.engagement_id)
