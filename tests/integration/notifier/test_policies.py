"""A rep's policy from crm to the screen: crm, broker and notifier as they run, and are killed (B8)."""

import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection

from deploy.local.rep import until
from shared.bus.producer import EventPublisher
from shared.events.ids import new_id
from shared.events.notifications import NotificationKind, NotificationRaised
from shared.tokens import keyring
from tests.integration.crm.people import People, as_user, asked, client, make_people
from tests.integration.crm.stage import Stage, stage
from tests.integration.crm_keys import Crm
from tests.integration.notifier.test_notifier import Notifier, heard, running

pytestmark = [pytest.mark.integration, pytest.mark.requirement("B8")]
ALL_DAY = {"days": [1, 2, 3, 4, 5, 6, 7], "begin": "00:00", "end": "00:00"}
POLICY = "/v1/notifications/policy"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("crm")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def keys() -> AsyncIterator[Crm]:
    async with Crm().serving() as serving:
        yield serving


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def publisher(here: Stage) -> AsyncIterator[EventPublisher]:
    client_ = EventPublisher(here.broker.settings)
    await client_.start()
    yield client_
    await client_.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def notifier(
    here: Stage, keys: Crm, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Notifier]:
    folder = tmp_path_factory.mktemp("notifier")
    keyring.create(folder / "cursor.json")
    async with running(here.broker, keys, folder / "cursor.json", folder) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def people(here: Stage) -> People:
    return await make_people(here.crm)


class Screen:
    """What a rep's client is told of a notification that is published now."""

    def __init__(self, notifier: Notifier, keys: Crm, publisher: EventPublisher, people: People) -> None:
        self._notifier, self._keys, self._publisher, self._people = notifier, keys, publisher, people

    async def silence(self, **fields: Any) -> str | None:
        """None: it comes up."""
        event = raised(self._people, **fields)
        async with self._notifier.screen(self._keys.signs_in(self._people.rep.id)) as socket:
            await heard(socket)
            await self._publisher.publish(event)
            while (frame := (await heard(socket))[0]).get("event", {}).get("event_id") != str(event.event_id):
                pass
        silent: str | None = frame.get("silent")
        return silent

    async def becomes(self, wanted: str | None, **fields: Any) -> None:
        """A change takes a moment from crm's database to the notifier."""

        async def look() -> bool | None:
            return True if await self.silence(**fields) == wanted else None

        await until(look, f"a notification that is {wanted or 'not silent'}")


def raised(people: People, **fields: Any) -> NotificationRaised:
    about: dict[str, Any] = {"kind": NotificationKind.OPENED, "message_id": new_id(), "candidates": (0,)}
    return NotificationRaised(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        account_id=people.account_id,
        user_id=people.rep.id,
        notification_id=uuid4(),
        **{**about, **fields},
    )


@pytest.fixture
def screen(notifier: Notifier, keys: Crm, publisher: EventPublisher, people: People) -> Screen:
    return Screen(notifier, keys, publisher, people)


async def notifications(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The next frames about notifications; rows change for other reasons, too."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        (frame,) = await heard(socket)
        if frame["type"] != "ready" and frame.get("event", {}).get("type") != "feed_changed":
            found.append(frame)
    return found


async def put(here: Stage, people: People, policy: dict[str, Any]) -> None:
    async with client(here.crm) as http:
        answer = await http.put(POLICY, json=policy, headers=as_user(here.crm, people, people.rep))
        assert answer.status_code == 200


async def test_a_changed_policy_acts_in_the_running_notifier_and_in_one_that_is_started_again(
    here: Stage, people: People, screen: Screen, notifier: Notifier
) -> None:
    assert await screen.silence() is None
    await put(here, people, {"opens": "first", "clicks": False})
    await screen.becomes("not_first")
    assert await screen.silence(first=True) is None
    assert await screen.silence(kind=NotificationKind.CLICKED) == "clicks_off"
    await notifier.process.stop(signal.SIGKILL)
    await notifier.process.start()
    assert await screen.silence() == "not_first"
    assert await screen.silence(first=True) is None
    await put(here, people, {"quiet_hours": [ALL_DAY]})
    await screen.becomes("quiet_hours")
    await put(here, people, {})
    await screen.becomes(None)


async def test_a_muted_contact_is_silent_unless_it_may_have_been_another_candidate(
    here: Stage, people: People, screen: Screen, notifier: Notifier
) -> None:
    """The running crm lets the mails follow; a mail that is prepared later is muted at once."""
    both = asked(people, "hanako@sakura.example", "liam@northwind.example")
    await here.crm.directory.prepare(both)
    rep = people.who(people.rep)
    assert await screen.silence(message_id=both.message_id) is None
    await here.crm.mutes.mute_contact(rep, people.hanako.id, muted=True)
    await screen.becomes("muted", message_id=both.message_id, candidates=(0,))
    later = asked(people, "liam@northwind.example", "hanako@sakura.example")
    await here.crm.directory.prepare(later)
    await screen.becomes("muted", message_id=later.message_id, candidates=(1,))
    for _ in range(2):
        for candidates in ((1,), (0, 1), ()):
            assert await screen.silence(message_id=both.message_id, candidates=candidates) is None
        assert await screen.silence(message_id=both.message_id, candidates=(0,)) == "muted"
        await notifier.process.stop(signal.SIGKILL)
        await notifier.process.start()
    await here.crm.mutes.mute_contact(rep, people.liam.id, muted=True)
    await screen.becomes("muted", message_id=both.message_id, candidates=(0, 1))
    await here.crm.mutes.mute_contact(rep, people.hanako.id, muted=False)
    await screen.becomes(None, message_id=both.message_id, candidates=(0, 1))


async def test_what_was_missed_is_summed_up_without_what_is_silent(
    here: Stage, people: People, screen: Screen, notifier: Notifier, keys: Crm, publisher: EventPublisher
) -> None:
    mail = asked(people)
    await here.crm.directory.prepare(mail)
    await here.crm.mutes.mute_mail(people.who(people.rep), mail.message_id, muted=True)
    await screen.becomes("muted", message_id=mail.message_id)
    token = keys.signs_in(people.rep.id)
    old = {"occurred_at": datetime(2026, 1, 5, 9, 0, tzinfo=UTC)}
    loud = [raised(people).model_copy(update=old) for _ in range(2)]
    silent = raised(people, message_id=mail.message_id).model_copy(update=old)
    async with notifier.screen(token) as socket:
        (ready,) = await heard(socket)
        for event in (loud[0], silent, loud[1]):
            await publisher.publish(event)
        while (await heard(socket))[0].get("event", {}).get("event_id") != str(loud[1].event_id):
            pass
    async with notifier.screen(token, ready["cursor"]) as socket:
        told, summary = await notifications(socket, 2)
    assert (told["silent"], told["event"]["event_id"]) == ("muted", str(silent.event_id))
    assert (summary["type"], summary["count"]) == ("summary", 2)
    assert summary["notification_ids"] == [str(event.notification_id) for event in loud]


async def test_a_broker_that_started_anew_gets_it_all_back(
    here: Stage, people: People, screen: Screen, notifier: Notifier, publisher: EventPublisher
) -> None:
    """crm ends, as its runner would start it again, and restores; a notifier that knows nothing reads it."""
    await put(here, people, {"clicks": False})
    await screen.becomes("clicks_off", kind=NotificationKind.CLICKED)
    await notifier.process.stop(signal.SIGKILL)
    await here.process.stop(signal.SIGKILL)
    await here.broker.kill()
    await here.broker.start()
    await here.process.start()
    await notifier.process.start()
    assert await screen.silence(kind=NotificationKind.CLICKED) == "clicks_off"
