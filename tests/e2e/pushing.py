"""What the server's other parts put on the topic of notifications, and what the extension makes of it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from playwright.async_api import BrowserContext

from deploy.local.rep import Rep, until
from deploy.local.stack import Stack
from shared.bus.producer import EventPublisher
from shared.events.notifications import NotificationKind, NotificationRaised, NotificationRetracted
from shared.settings import KafkaSettings
from tests.e2e.chromium import worker_of

_SHOWN = "chrome.notifications.getAll().then((all) => Object.keys(all))"
_KEEP = """() => {
    if (self.created) return;
    self.created = chrome.notifications.create;
    chrome.notifications.create = (name, options) =>
        self.created.call(chrome.notifications, name, { ...options, requireInteraction: true });
}"""
_BADGE = "chrome.action.getBadgeText({})"


class Pushing:
    """Publishes events for one rep."""

    def __init__(self, publisher: EventPublisher, account_id: UUID, user_id: UUID) -> None:
        self._publisher = publisher
        self._account_id = account_id
        self._user_id = user_id

    async def raised(
        self, message_id: UUID | None = None, *, id_: UUID | None = None, age: timedelta = timedelta()
    ) -> UUID:
        """A pop-up about an open; returns its id."""
        event = NotificationRaised(
            event_id=uuid4(),
            occurred_at=datetime.now(UTC) - age,
            account_id=self._account_id,
            user_id=self._user_id,
            notification_id=id_ or uuid4(),
            kind=NotificationKind.OPENED,
            message_id=message_id or uuid4(),
        )
        await self._publisher.publish(event)
        return event.notification_id

    async def retracted(self, id_: UUID) -> None:
        """Evidence speaks against it."""
        event = NotificationRetracted(
            event_id=uuid4(),
            occurred_at=datetime.now(UTC),
            account_id=self._account_id,
            user_id=self._user_id,
            notification_id=id_,
            message_id=uuid4(),
            engagement_id=uuid4(),
            rule="bursts.many-links",
        )
        await self._publisher.publish(event)


@asynccontextmanager
async def pushing_to(stack: Stack, api: Rep) -> AsyncIterator[Pushing]:
    """Events for this rep, on the stack's broker."""
    me = await api.get("/v1/me")
    kafka = KafkaSettings(bootstrap=stack.addresses["broker"])
    publisher = EventPublisher(kafka)
    await publisher.start()
    try:
        yield Pushing(publisher, UUID(me["account_id"]), UUID(me["user_id"]))
    finally:
        await publisher.stop()


async def on_screen(browser: BrowserContext) -> set[str]:
    """The pop-ups: the ids of those about a notification, the names of others."""
    names: list[str] = await (await worker_of(browser)).evaluate(_SHOWN)
    return {name.split(" ")[1] if name.startswith("raised ") else name for name in names}


async def shown(browser: BrowserContext, *wanted: UUID | str, leaving: Iterable[UUID] = ()) -> None:
    """Wait until exactly these are on screen. No other may be there meanwhile but what is about to leave."""
    expected = {str(one) for one in wanted}
    allowed = expected | {str(one) for one in leaving}

    async def look() -> bool | None:
        there = await on_screen(browser)
        assert there <= allowed, "a pop-up that may not be there"
        return there == expected or None

    await until(look, f"pop-ups {wanted}", 10.0)


async def kept_on_screen(browser: BrowserContext) -> None:
    """Pop-ups stay until they are cleared, else Chromium takes each away after some seconds."""
    await (await worker_of(browser)).evaluate(_KEEP)


async def nothing_on_screen(browser: BrowserContext) -> None:
    """The rep closes every pop-up."""
    await (await worker_of(browser)).evaluate(
        "chrome.notifications.getAll().then((all) => Promise.all(Object.keys(all).map((name) => "
        "chrome.notifications.clear(name))))"
    )


async def badge(browser: BrowserContext, text: str) -> None:
    """Wait until the toolbar icon says so."""
    worker = await worker_of(browser)

    async def look() -> bool | None:
        return await worker.evaluate(_BADGE) == text or None

    await until(look, f"{text!r} on the icon", 10.0)
