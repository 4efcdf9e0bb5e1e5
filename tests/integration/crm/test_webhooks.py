"""Webhooks (A6, B9) on a real database, to a real receiver that verifies with the library of the standard."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jsonschema
import pytest
import pytest_asyncio
from standardwebhooks import Webhook as Verifier

from services.crm.adapters.webhook_courier import TO_ONE, Courier, carry_until
from services.crm.adapters.webhook_sender import WebhookSender
from services.crm.collaborators import Collaborators, collaborate
from services.crm.handlers import MessageHandler
from services.crm.model.failures import DatabaseAway
from services.crm.model.webhooks import (
    Answer,
    DeliveryState,
    DeliveryTrouble,
    NewWebhook,
    WebhookDelivery,
    WebhookType,
)
from services.crm.rules.webhooks import FAILING, KEPT, OLD_SECRET, PAUSES
from services.crm.settings import CrmSettings
from services.crm.store import webhooks as store
from services.crm.store.database import Database
from shared.events.engagements import Verdict
from shared.events.ids import new_id
from shared.health.progress import Progress
from shared.http.problems import Problem
from tests.integration.crm.own_database import configuration
from tests.integration.crm.people import Clock, People, as_user, asked, client, make_people
from tests.integration.crm.test_pages_of_others import browser
from tests.loopback import Asked, Loopback, loopback, response
from tests.unit.crm.made import ON_DEAL, cancelled, clicked, decided, judged, sent

pytestmark = pytest.mark.requirement("A6", "B9")
PATH = "/v1/webhooks"
EVERY = tuple(WebhookType)
DOCUMENT = json.loads((Path(__file__).parents[3] / "contracts" / "openapi" / "crm.json").read_text())


@pytest.fixture
def crm(database: Database, clock: Clock, tmp_path: Path) -> Collaborators:
    settings = CrmSettings(webhook_http_to_loopback=True)
    return collaborate(replace(configuration(tmp_path), settings=settings), database, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def people(crm: Collaborators, database: Database) -> People:
    """With nothing that other tests have left."""
    for collection in ("webhooks", "webhook_deliveries"):
        await database.whole[collection].delete_many({})
    return await make_people(crm)


class Receiver:
    """Answers as it is told; each body by its `webhook-id`, verified when it came."""

    def __init__(self, served: Loopback) -> None:
        self._served = served
        self.secret = ""

    @property
    def url(self) -> str:
        return f"{self._served.address}/in"

    @property
    def asked(self) -> list[Asked]:
        return self._served.asked

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [Verifier(self.secret).verify(one.body, one.headers) for one in self.asked]

    @property
    def types(self) -> list[str]:
        return [body["type"] for body in self.bodies]


@asynccontextmanager
async def receiver(statuses: Sequence[int] = (204,), pause_s: float = 0) -> AsyncIterator[Receiver]:
    """The last status stays."""
    left = list(statuses)

    async def answer(_: Asked) -> list[bytes | float]:
        return [pause_s, *response(left.pop(0) if len(left) > 1 else left[0], b"")]

    async with loopback(answer) as served:
        yield Receiver(served)


async def made(crm: Collaborators, people: People, to: Receiver, *types: WebhookType) -> NewWebhook:
    new = await crm.webhooks.make(people.who(people.admin), to.url, types or EVERY)
    to.secret = new.secret.get_secret_value()
    return new


async def mailed(crm: Collaborators, people: People, *events: Callable[..., Any]) -> tuple[UUID, list[Any]]:
    """A mail of the rep's with these events, handled."""
    question = asked(people)
    await crm.directory.prepare(question)
    of = {"message_id": question.message_id, "account_id": people.account_id, "user_id": people.rep.id}
    happened = [event(**of) for event in events]
    await handled(crm, happened)
    return question.message_id, happened


async def handled(crm: Collaborators, events: Sequence[Any]) -> None:
    await MessageHandler(crm.stores.messages)([(event, ()) for event in events])


async def carried(crm: Collaborators) -> int:
    """Try all that is due; how many attempts."""
    sender, attempts = WebhookSender(crm.configuration.settings.webhook_reach), 0
    courier = Courier(crm.webhook_post, sender)
    try:
        while await courier.begin():
            attempts += 1
            await courier.end()
    finally:
        await sender.close()
    return attempts


async def deliveries(crm: Collaborators, people: People, new: NewWebhook) -> tuple[WebhookDelivery, ...]:
    return (await crm.webhooks.deliveries(people.who(people.admin), new.webhook.id)).items


async def until(look: Callable[[], Awaitable[bool] | bool]) -> None:
    async with asyncio.timeout(20):
        while True:
            found = look()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


def validated(body: dict[str, Any]) -> None:
    """As the OpenAPI document says."""
    content = DOCUMENT["webhooks"][body["type"]]["post"]["requestBody"]["content"]
    schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
    jsonschema.validate(body, schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


async def test_what_happens_to_a_mail_arrives_signed_as_the_contract_says(
    crm: Collaborators, people: People
) -> None:
    """Each once, also when the events come again; no address, subject or name among it."""
    async with receiver() as here, receiver() as opens:
        await made(crm, people, here)
        await made(crm, people, opens, WebhookType.OPENED)
        corrected = lambda **of: judged(revision=1, verdict=Verdict.MACHINE, **of)  # noqa: E731
        logged = lambda **of: decided(ON_DEAL, **of)  # noqa: E731
        _, events = await mailed(crm, people, sent, judged, clicked, corrected, logged)
        await handled(crm, events[:2])
        await mailed(crm, people, decided)
        await carried(crm)
        again = {one.headers["webhook-id"] for one in here.asked}
        # one transaction folds an open and its correction: nothing was ever told of that open
        assert sorted(here.types) == ["mail.clicked", "mail.logged", "mail.not_logged", "mail.sent"]
        assert opens.asked == []
        await handled(crm, events)
        assert await carried(crm) == 0
        assert len(again) == 4
        _, (open_,) = await mailed(crm, people, judged)
        of = {"message_id": open_.message_id, "account_id": people.account_id, "user_id": people.rep.id}
        await handled(crm, [corrected(**of)])
        await carried(crm)
        assert here.types[4:] == ["mail.opened", "mail.engagement_corrected"]
        assert opens.types == ["mail.opened"]
        assert opens.asked[0].headers["webhook-id"] == here.asked[4].headers["webhook-id"]
        for body in here.bodies:
            validated(body)
        text = b"".join(one.body for one in here.asked).decode()
        for private in ("@", "Offer", "山田", "sakura", people.rep.name + '"', "example.com"):
            assert private not in text


async def test_it_is_written_with_the_change_or_not_at_all(
    crm: Collaborators, people: People, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiver() as here:
        new = await made(crm, people, here)
        question = asked(people)
        await crm.directory.prepare(question)
        of = {"message_id": question.message_id, "account_id": people.account_id, "user_id": people.rep.id}
        real = crm.stores.messages._announcer.tell

        async def broken(*arguments: Any) -> bool:
            await real(*arguments)
            raise DatabaseAway("cut off")

        with monkeypatch.context() as patch:
            patch.setattr(crm.stores.messages._announcer, "tell", broken)
            with pytest.raises(DatabaseAway):
                await handled(crm, [sent(**of)])
        assert await deliveries(crm, people, new) == ()
        message = await crm.stores.messages.get(people.account_id, question.message_id)
        assert message is not None
        assert message.sent_at is None
        await handled(crm, [sent(**of)])
        assert [one.type for one in await deliveries(crm, people, new)] == ["mail.sent"]


async def test_a_mail_that_is_called_off_and_sent_after_all_was_sent_once(
    crm: Collaborators, people: People
) -> None:
    async with receiver() as here:
        await made(crm, people, here)
        message_id, _ = await mailed(crm, people, sent)
        await carried(crm)
        of: dict[str, Any] = {
            "message_id": message_id,
            "account_id": people.account_id,
            "user_id": people.rep.id,
        }
        for event in (cancelled(20, **of), sent(30, event_id=new_id(), **of)):
            await handled(crm, [event])
        await carried(crm)
        assert here.types == ["mail.sent"]


async def test_attempts_follow_the_standard_and_end(crm: Collaborators, people: People, clock: Clock) -> None:
    """The same id and body each time; then it is given up, and may be sent again by hand."""
    async with receiver([500] * 10 + [204]) as here:
        new = await made(crm, people, here, WebhookType.SENT)
        await mailed(crm, people, sent)
        for number, pause in enumerate((*PAUSES, None), 1):
            assert await carried(crm) == 1
            (one,) = await deliveries(crm, people, new)
            assert (one.attempts, one.status_code, one.trouble) == (number, 500, DeliveryTrouble.ANSWER)
            if pause is None:
                break
            assert (one.state, await carried(crm)) == (DeliveryState.WAITING, 0)
            assert one.next_at is not None
            assert one.tried_at is not None
            assert one.next_at - one.tried_at == pause
            clock.ahead += pause
        assert (one.state, one.next_at, len(here.asked)) == (DeliveryState.GIVEN_UP, None, 10)
        clock.ahead += timedelta(days=1)
        assert await carried(crm) == 0
        who = people.who(people.admin)
        again = await crm.webhooks.again(who, new.webhook.id, one.id)
        assert (again.state, again.attempts) == (DeliveryState.WAITING, 0)
        clock.ahead = timedelta()
        clock.ahead = timedelta(days=5)
        assert await carried(crm) == 1
        (one,) = await deliveries(crm, people, new)
        assert (one.state, one.status_code, one.trouble) == (DeliveryState.DELIVERED, 204, None)
        assert len({(asked.headers["webhook-id"], asked.body) for asked in here.asked}) == 1


async def test_an_endpoint_that_is_gone_is_switched_off(crm: Collaborators, people: People) -> None:
    async with receiver([410]) as here:
        new = await made(crm, people, here, WebhookType.SENT)
        for _ in range(3):
            await mailed(crm, people, sent)
        assert await carried(crm) == 1
        who = people.who(people.admin)
        webhook = await crm.webhooks.get(who, new.webhook.id)
        assert (webhook.active, webhook.switched_off) == (False, "gone")
        rows = await deliveries(crm, people, new)
        assert {one.state for one in rows} == {DeliveryState.GIVEN_UP}
        assert sorted(str(one.trouble) for one in rows) == ["answer", "switched_off", "switched_off"]
        await mailed(crm, people, sent)
        assert await carried(crm) == 0
        entry = (await crm.audit.page(who)).items[0]
        assert (entry.action, entry.user_id) == ("webhook.switched_off", None)
        assert entry.after == {"url": here.url, "reason": "gone"}
        await crm.webhooks.change(who, new.webhook.id, active=True)
        assert (await crm.webhooks.get(who, new.webhook.id)).switched_off is None


async def test_five_days_of_failures_switch_it_off_and_one_success_begins_anew(
    crm: Collaborators, people: People, clock: Clock
) -> None:
    async with receiver([500, 204, 500]) as here:
        new, who = await made(crm, people, here, WebhookType.SENT), people.who(people.admin)

        async def attempt(days: float) -> bool:
            clock.ahead = timedelta(days=days)
            await mailed(crm, people, sent)
            await carried(crm)
            return (await crm.webhooks.get(who, new.webhook.id)).active

        assert await attempt(0)
        assert await attempt(4.9)  # the first one's second attempt arrives
        assert await attempt(5.1)
        assert await attempt(9.8)
        assert not await attempt(5.1 + FAILING / timedelta(days=1))
        assert (await crm.webhooks.get(who, new.webhook.id)).switched_off == "failing"


async def test_for_a_day_both_secrets_sign(crm: Collaborators, people: People, clock: Clock) -> None:
    async with receiver() as here:
        new = await made(crm, people, here)
        who, old = people.who(people.admin), here.secret
        here.secret = (await crm.webhooks.rotate(who, new.webhook.id)).secret.get_secret_value()
        await crm.webhooks.test(who, new.webhook.id)
        await carried(crm)
        clock.ahead = OLD_SECRET + timedelta(seconds=1)
        await crm.webhooks.test(who, new.webhook.id)
        await carried(crm)
        assert here.types == ["webhook.test"] * 2
        validated(here.bodies[0])
        signatures = [len(one.headers["webhook-signature"].split(" ")) for one in here.asked]
        assert signatures == [2, 1]
        Verifier(old).verify(here.asked[0].body, here.asked[0].headers)
        with pytest.raises(Exception, match="No matching"):
            Verifier(old).verify(here.asked[1].body, here.asked[1].headers)


async def test_a_dead_endpoint_delays_no_other(crm: Collaborators, people: People) -> None:
    """Hundreds wait for one that never answers; another gets its own at once, and few at a time go to one."""
    async with receiver(pause_s=30) as dead, receiver() as well:
        await made(crm, people, dead)
        for _ in range(30):
            await mailed(crm, people, sent, judged, clicked)
        await made(crm, people, well)
        sender = WebhookSender(crm.configuration.settings.webhook_reach)
        stopping, progress = asyncio.Event(), Progress(stalled_after_s=60)
        carrying = asyncio.create_task(carry_until(stopping, crm.webhook_post, sender, progress))
        await until(lambda: len(dead.asked) >= TO_ONE)
        began = time.monotonic()
        await mailed(crm, people, sent, judged, clicked)
        await until(lambda: len(well.asked) == 3)
        assert time.monotonic() - began < 2.5
        assert len(dead.asked) == TO_ONE
        stopping.set()
        await sender.close()
        await carrying


async def test_two_processes_send_it_once(crm: Collaborators, people: People) -> None:
    async with receiver(pause_s=0.1) as here:
        await made(crm, people, here, WebhookType.SENT)
        for _ in range(12):
            await mailed(crm, people, sent)
        counts = await asyncio.gather(*(carried(crm) for _ in range(3)))
        assert sum(counts) == 12
        assert len({one.headers["webhook-id"] for one in here.asked}) == len(here.asked) == 12


async def test_a_process_that_ends_in_the_middle_of_an_attempt_loses_nothing(
    crm: Collaborators, people: People, clock: Clock
) -> None:
    """Another one tries it a minute later, under the same id; the first one's late word changes nothing."""
    async with receiver() as here:
        new = await made(crm, people, here, WebhookType.SENT)
        await mailed(crm, people, sent)
        lost = await crm.webhook_post.take(())
        assert lost is not None
        assert await carried(crm) == 0
        clock.ahead = timedelta(seconds=61)
        assert await carried(crm) == 1
        await crm.webhook_post.settle(lost, Answer(status_code=500, trouble=DeliveryTrouble.ANSWER))
        (one,) = await deliveries(crm, people, new)
        assert (one.state, one.attempts, one.status_code) == (DeliveryState.DELIVERED, 2, 204)
        assert here.asked[0].headers["webhook-id"] == str(lost.delivery.message_id)


async def test_no_page_shows_or_changes_another_account_s(crm: Collaborators, people: People) -> None:
    async with receiver() as here, await browser(crm, people.stranger) as stranger:
        new = await made(crm, people, here)
        tested = await crm.webhooks.test(people.who(people.admin), new.webhook.id)
        path = f"/settings/webhooks/{new.webhook.id}"
        data = {"url": here.url, "types": "mail.sent"}
        for method, url in (
            ("GET", path),
            ("POST", path),
            ("POST", f"{path}/secret"),
            ("POST", f"{path}/test"),
            ("POST", f"{path}/remove"),
            ("POST", f"{path}/deliveries/{tested.id}/again"),
        ):
            answer = await stranger.request(method, url, data=data if method == "POST" else None)
            assert answer.status_code == 404, (method, url)
        scripted = {"HX-Request": "true"}
        assert (await stranger.get(f"{path}/deliveries", headers=scripted)).status_code == 404
        assert str(new.webhook.id) not in (await stranger.get("/settings/webhooks")).text
        assert await crm.webhooks.get(people.who(people.admin), new.webhook.id) == new.webhook


async def test_an_account_without_webhooks_asks_nothing_of_the_database(
    crm: Collaborators, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its endpoints are read once in five seconds; a change counts at once in the process that makes it."""
    asked_for: list[UUID] = []
    real = store.Webhooks.all

    async def all_(self: Any, account_id: UUID, *more: Any) -> Any:
        asked_for.append(account_id)
        return await real(self, account_id, *more)

    monkeypatch.setattr(store.Webhooks, "all", all_)
    for _ in range(5):
        await mailed(crm, people, sent, judged)
    assert asked_for == [people.account_id]
    async with receiver() as here:
        new = await made(crm, people, here, WebhookType.SENT)
        await mailed(crm, people, sent)
        assert len(await deliveries(crm, people, new)) == 1
        await crm.webhooks.remove(people.who(people.admin), new.webhook.id)
        assert await carried(crm) == 0
        assert here.asked == []


async def test_what_is_over_goes_after_thirty_days(
    crm: Collaborators, people: People, database: Database, clock: Clock
) -> None:
    async with receiver() as here:
        await made(crm, people, here, WebhookType.SENT)
        await mailed(crm, people, sent)
        (waiting,) = await database.whole["webhook_deliveries"].find({}).to_list(None)
        await carried(crm)
        (done,) = await database.whole["webhook_deliveries"].find({}).to_list(None)
    assert waiting["forget_at"] is None
    assert abs(done["forget_at"] - clock() - KEPT) < timedelta(minutes=1)
    indexes = await database.whole["webhook_deliveries"].index_information()
    assert indexes["forget_at_1"]["expireAfterSeconds"] == 0


async def test_the_api(crm: Collaborators, people: People) -> None:
    """Make, read, change, try, list, send again, rotate, remove; each change stands in the audit log."""
    async with receiver() as here, client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        body = {"url": here.url, "types": ["mail.opened", "mail.sent"]}
        answer = await http.post(PATH, json=body)
        assert answer.status_code == 201, answer.text
        new = answer.json()
        here.secret = new["secret"]
        assert new["webhook"]["types"] == ["mail.sent", "mail.opened"]
        path = f"{PATH}/{new['webhook']['id']}"
        listed = await http.get(PATH)
        assert listed.json()["webhooks"] == [new["webhook"]]
        assert here.secret not in listed.text
        assert (await http.patch(path, json={"active": False})).json()["active"] is False
        tested = (await http.post(f"{path}/test")).json()
        assert (tested["type"], tested["state"]) == ("webhook.test", "waiting")
        await carried(crm)
        (row,) = (await http.get(f"{path}/deliveries")).json()["items"]
        assert (row["state"], row["status_code"], row["attempts"]) == ("delivered", 204, 1)
        second = (await http.post(PATH, json=body)).json()["webhook"]["id"]
        assert (await http.post(f"{PATH}/{second}/deliveries/{row['id']}/again")).status_code == 404
        assert (await http.delete(f"{PATH}/{second}")).status_code == 204
        again = await http.post(f"{path}/deliveries/{row['id']}/again")
        assert (again.status_code, again.json()["state"]) == (202, "waiting")
        await carried(crm)
        assert len(here.asked) == 2
        assert (await http.post(f"{path}/secret")).json()["secret"] != here.secret
        assert (await http.delete(path)).status_code == 204
        assert (await http.get(path)).status_code == 404
        assert await refusals(http) == [422] * 6
    actions = [entry.action for entry in (await crm.audit.page(people.who(people.admin))).items]
    assert actions == [
        "webhook.removed",
        "webhook.secret_changed",
        "webhook.removed",
        "webhook.made",
        "webhook.changed",
        "webhook.made",
    ]


async def refusals(http: httpx.AsyncClient) -> list[int]:
    good = {"url": "https://hooks.example/", "types": ["mail.sent"]}
    bad: list[dict[str, Any]] = [
        good | {"url": "http://hooks.example/"},
        good | {"url": "https://10.0.0.1/"},
        good | {"types": []},
        good | {"types": ["webhook.test"]},
        good | {"types": ["mail.sent"], "secret": "mine"},
        good | {"url": ""},
    ]
    return [(await http.post(PATH, json=body)).status_code for body in bad]


async def test_only_super_admins(crm: Collaborators, people: People) -> None:
    who = people.who(people.rep)
    with pytest.raises(Problem, match="super admin"):
        await crm.webhooks.make(who, "https://hooks.example/", EVERY)
    with pytest.raises(Problem, match="super admin"):
        await crm.webhooks.all(who)


async def test_no_secret_or_address_of_an_endpoint_is_logged(
    crm: Collaborators, people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    async with receiver([500, 410]) as here:
        new = await made(crm, people, here)
        await crm.webhooks.test(people.who(people.admin), new.webhook.id)
        await carried(crm)
    said = capsys.readouterr()
    assert "a webhook did not arrive" in said.out + said.err
    assert here.url not in said.out + said.err
    assert here.secret not in said.out + said.err
