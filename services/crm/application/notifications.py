"""The "send me a test notification" button (T4)."""

from services.crm.application.clock import Clock
from services.crm.store.database import Database, Session
from services.crm.store.outbox import Outbox
from shared.auth.tokens import SignedIn
from shared.events.ids import derived_id, new_id
from shared.events.notifications import NotificationKind, NotificationRaised


class Notifications:
    """Pop-ups that crm itself asks for."""

    def __init__(self, database: Database, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    async def test(self, who: SignedIn) -> NotificationRaised:
        """Raise a test pop-up on the rep's screens."""
        notification_id = new_id()
        event = NotificationRaised(
            event_id=derived_id("notification-raised", notification_id),
            occurred_at=self._clock(),
            account_id=who.account_id,
            user_id=who.user_id,
            notification_id=notification_id,
            kind=NotificationKind.TEST,
        )

        async def body(session: Session) -> None:
            await self._outbox.add(who.account_id, [event], session)

        await self._database.in_transaction(body)
        return event
