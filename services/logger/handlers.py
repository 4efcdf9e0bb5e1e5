"""email.sends: a sent mail is decided on; the rest of its life is no matter of logging."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from services.logger import rules
from services.logger.model import Decision
from shared.directory.contract import LogInputs
from shared.events.base import Event
from shared.events.ids import derived_id
from shared.events.log_decisions import LogDecided
from shared.events.notifications import NotificationKind, NotificationRaised
from shared.events.sends import MessageSent
from shared.log_rules.engine import RULESET_VERSION, decide
from shared.telemetry.names import LOG_DECISIONS


class Directory(Protocol):
    """What is asked of crm."""

    async def log_inputs(self, account_id: UUID, message_id: UUID) -> LogInputs:
        """What the rules read. Raises RetryLater (crm is away), InvalidMessage (crm does not know it)."""


Publish = Callable[[Iterable[Event]], Awaitable[None]]
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


class SendHandler:
    """Decides and publishes. Effects are keyed by derived ids, so a repeated event adds nothing."""

    def __init__(self, directory: Directory, publish: Publish, clock: Clock = utc_now) -> None:
        self._directory = directory
        self._publish = publish
        self._clock = clock

    async def __call__(self, event: Event) -> None:
        """Returns when the broker has acknowledged all effects.

        Raises RetryLater, PublishFailed (the same event is to be given again), InvalidMessage.
        """
        if not isinstance(event, MessageSent):
            return
        inputs = await self._directory.log_inputs(event.account_id, event.message_id)
        decision = decide(inputs)
        now = self._clock()
        effects: list[Event] = [log_decided(event, decision, now)]
        if rules.refused(inputs, decision) and rules.still_news(event, now):
            effects.append(refusal(event, decision, now))
        await self._publish(effects)
        LOG_DECISIONS.labels(decision.outcome.value).inc()


def log_decided(sent: MessageSent, decision: Decision, now: datetime) -> LogDecided:
    """The event for crm; the same message under the same rules has the same id."""
    return LogDecided(
        event_id=derived_id("log-decided", sent.message_id, RULESET_VERSION),
        occurred_at=now,
        account_id=sent.account_id,
        message_id=sent.message_id,
        user_id=sent.user_id,
        outcome=decision.outcome,
        reasons=decision.reasons,
        records=decision.records,
        recipients=decision.recipients,
        ruleset_version=RULESET_VERSION,
    )


def refusal(sent: MessageSent, decision: Decision, now: datetime) -> NotificationRaised:
    """The pop-up for the rep: the first reason decides what it says."""
    notification_id = derived_id("notification", "log-refused", sent.message_id)
    return NotificationRaised(
        event_id=derived_id("notification-raised", notification_id),
        occurred_at=now,
        account_id=sent.account_id,
        user_id=sent.user_id,
        notification_id=notification_id,
        kind=NotificationKind.LOG_REFUSED,
        message_id=sent.message_id,
        reason=decision.reasons[0].rule,
    )
