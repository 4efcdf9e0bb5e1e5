"""A mail that is read, pinned and deleted, on a real database."""

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.crm.collaborators import Collaborators
from services.crm.handlers import MessageHandler
from services.crm.model.accounts import User
from services.crm.rules.files import MessageEvent
from services.crm.store.database import Database
from shared.auth.tokens import Role
from shared.directory.contract import RecordRef
from shared.events.engagements import EngagementJudged
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from tests.integration.crm.people import People, as_user, client
from tests.integration.crm.uploads import Upload
from tests.unit.crm.made import clicked, decided, judged, sent

pytestmark = pytest.mark.requirement("R3")
HTML = '<p onclick="alert(1)">Dear <b>Hanako</b></p><img src="https://a.example/logo.png">'


def refs(people: People) -> tuple[RecordRef, RecordRef]:
    """Hanako and the deal."""
    return (
        RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id),
        RecordRef(record_type=RecordType.DEAL, record_id=people.deal.id),
    )


def life(people: People, message_id: UUID) -> list[MessageEvent]:
    """Sent, logged on Hanako and the deal, opened, clicked."""
    of: dict[str, Any] = {
        "message_id": message_id,
        "account_id": people.account_id,
        "user_id": people.rep.id,
    }
    return [sent(**of), decided(*refs(people), **of), judged("x", 60, **of), clicked(**of)]


async def play(crm: Collaborators, events: list[MessageEvent]) -> None:
    """One at a time."""
    for event in events:
        await MessageHandler(crm.stores.messages)([(event, ())])


async def prepared(crm: Collaborators, people: People, **more: Any) -> Upload:
    """A mail that nothing has happened to."""
    upload = Upload(crm, people)
    upload.question = upload.question.model_copy(update=more)
    await crm.directory.prepare(upload.question)
    return upload


async def logged(crm: Collaborators, people: People, **more: Any) -> Upload:
    """A logged mail with body and attachment."""
    upload = await prepared(crm, people, **more)
    await play(crm, life(people, upload.question.message_id))
    assert await upload.put(html=HTML) == 204
    await upload.attach()
    return upload


async def asked(
    crm: Collaborators, people: People, user: User, method: str, path: str, **more: Any
) -> httpx.Response:
    """An answer of the API."""
    async with client(crm) as http:
        return await http.request(method, path, headers=as_user(crm, people, user), **more)


def path(upload: Upload, *further: str) -> str:
    """Where the mail is."""
    return "/".join((f"/v1/messages/{upload.question.message_id}", *further))


async def left(crm: Collaborators, database: Database, people: People, upload: Upload) -> dict[str, int]:
    """What there is of the mail: timeline rows, bodies, files in GridFS."""
    await crm.attachments.sweep()
    id_ = upload.question.message_id
    return {
        "rows": await database.collection("timeline", []).count_documents({"message_id": id_}),
        "bodies": await database.collection("bodies", []).count_documents({"_id": id_}),
        "files": await database.collection("attachments.files", []).count_documents(
            {"metadata.message_id": id_}
        ),
    }


@pytest.mark.requirement("L13")
async def test_a_logged_mail_is_read_by_colleagues(crm: Collaborators, people: People) -> None:
    """Header, records by name, attachments, reasons in the reader's language, opens and clicks."""
    upload = await logged(crm, people)
    answer = await asked(crm, people, people.admin, "GET", path(upload))
    assert answer.status_code == 200
    mail = answer.json()
    assert (mail["subject"], mail["user_name"], mail["logged"], mail["deletable"]) == (
        "Offer",
        "Rep",
        True,
        True,
    )
    assert [one["name"] for one in mail["records"]] == ["山田 花子", "Renewal"]
    assert [one["name"] for one in mail["attachments"]] == ["offer.pdf"]
    assert [one["kind"] for one in mail["engagements"]] == ["click", "open"]
    assert mail["decision"]["reasons"] == [
        {
            "rule": "record-ticked",
            "setting": None,
            "entry_id": None,
            "sentence": "The record was ticked when the mail was sent.",
            "user_id": None,
            "at": None,
        }
    ]
    assert [one["name"] for one in mail["decision"]["records"]] == ["山田 花子", "Renewal"]


async def test_a_body_is_cleaned_and_its_images_wait_to_be_asked_for(
    crm: Collaborators, people: People
) -> None:
    upload = await logged(crm, people)
    body = (await asked(crm, people, people.admin, "GET", path(upload, "body"))).json()
    assert body == {"html": "<p>Dear <b>Hanako</b></p><img>", "text": "Hi", "held_back": 1}
    body = (
        await asked(crm, people, people.admin, "GET", path(upload, "body"), params={"images": "true"})
    ).json()
    assert (body["html"], body["held_back"]) == (
        '<p>Dear <b>Hanako</b></p><img src="https://a.example/logo.png">',
        0,
    )


async def test_a_mail_that_is_not_logged_is_its_sender_s_alone(crm: Collaborators, people: People) -> None:
    """While nobody has decided, and when it was decided against it."""
    upload = await prepared(crm, people)
    assert await upload.put() == 204
    for end in (None, "decided"):
        if end:
            await upload.decide()
        assert (await asked(crm, people, people.rep, "GET", path(upload))).json()["logged"] is False
        for user in (people.admin, people.stranger):
            for further in ((), ("body",), ("thread",)):
                assert (await asked(crm, people, user, "GET", path(upload, *further))).status_code == 404
            assert (await asked(crm, people, user, "DELETE", path(upload))).status_code == 404
    assert (await asked(crm, people, people.rep, "GET", path(upload, "body"))).status_code == 404


async def test_another_account_finds_nothing(crm: Collaborators, people: People) -> None:
    """By any route, whatever its user's role."""
    upload = await logged(crm, people)
    id_, hanako = upload.question.message_id, people.hanako.id
    for method, where in (
        ("GET", path(upload)),
        ("GET", path(upload, "body")),
        ("GET", path(upload, "thread")),
        ("DELETE", path(upload)),
        ("GET", f"/v1/contacts/{hanako}/pins"),
        ("PUT", f"/v1/contacts/{hanako}/pins/{id_}"),
        ("DELETE", f"/v1/contacts/{hanako}/pins/{id_}"),
    ):
        assert (await asked(crm, people, people.stranger, method, where)).status_code == 404, where
    opened = await crm.sign_ins.open_session(people.stranger)
    async with client(crm) as http:
        http.cookies.set("kaifu_session", opened.cookie.get_secret_value())
        http.headers["X-CSRF-Token"] = opened.session.csrf_token
        associations = f"/mail/{id_}/associations"
        for page in (f"/mail/{id_}", f"/mail/{id_}/body", associations, f"{associations}/edit"):
            assert (await http.get(page)).status_code == 404
        assert (await http.post(associations)).status_code == 404
        assert (await http.post(f"/mail/{id_}/delete")).status_code == 404
        assert (await http.put(f"/contacts/{hanako}/pins/{id_}")).status_code == 404
    assert (await asked(crm, people, people.rep, "GET", path(upload))).status_code == 200


async def test_a_colleague_may_not_delete(crm: Collaborators, people: People) -> None:
    """403, and the mail stands."""
    upload = await logged(crm, people)
    colleague = crm.accounts.user(people.account_id, "Colleague", "colleague@own.example", Role.REP)
    answer = await asked(crm, people, colleague, "DELETE", path(upload))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:kaifu:problem:forbidden")
    mail = await crm.mails.get(people.who(colleague), upload.question.message_id, "en")
    assert (mail.logged, mail.deletable) == (True, False)


@pytest.mark.parametrize("by", ["rep", "admin"])
async def test_a_deleted_mail_goes_from_every_record_for_good(
    crm: Collaborators, people: People, database: Database, by: str
) -> None:
    """Rows, body, files; redeliveries, a late decision, late uploads bring nothing back."""
    upload = await logged(crm, people)
    assert await left(crm, database, people, upload) == {"rows": 4, "bodies": 1, "files": 1}
    user = getattr(people, by)
    for _ in range(2):
        assert (await asked(crm, people, user, "DELETE", path(upload))).status_code == 204
    nothing = {"rows": 0, "bodies": 0, "files": 0}
    assert await left(crm, database, people, upload) == nothing
    events = life(people, upload.question.message_id) * 2
    random.Random(3).shuffle(events)
    await play(crm, events)
    assert await upload.put(html=HTML) == 204
    assert (await upload.attach()).json()["reason"] == "not_logged"
    assert await left(crm, database, people, upload) == nothing
    for method, further in (("GET", ()), ("GET", ("body",)), ("GET", ("attachments", "0"))):
        assert (await asked(crm, people, people.rep, method, path(upload, *further))).status_code == 404
    entries = [
        one for one in await crm.stores.audit.newest(people.account_id, 20) if one.action == "mail.deleted"
    ]
    assert [(one.user_id, one.before) for one in entries] == [
        (user.id, {"message_id": str(upload.question.message_id)})
    ]
    detail = await crm.feed.detail(people.account_id, people.rep.id, upload.question.message_id)
    assert (detail.opens, detail.clicks) == (1, 1)  # the rep's own feed still counts


async def test_a_mail_that_is_deleted_before_its_decision_is_logged_nowhere(
    crm: Collaborators, people: People, database: Database
) -> None:
    upload = await prepared(crm, people)
    assert await upload.put() == 204
    await upload.attach()
    assert (await asked(crm, people, people.rep, "DELETE", path(upload))).status_code == 204
    await play(crm, life(people, upload.question.message_id))
    assert await left(crm, database, people, upload) == {"rows": 0, "bodies": 0, "files": 0}


async def test_a_decision_in_the_middle_of_a_deletion_is_seen(
    crm: Collaborators, people: People, database: Database
) -> None:
    """And writes no rows for good."""
    upload = await prepared(crm, people)
    await upload.decided_meanwhile(people)
    assert (await asked(crm, people, people.rep, "DELETE", path(upload))).status_code == 204
    assert (await left(crm, database, people, upload))["rows"] == 0


async def test_a_deletion_in_the_middle_of_a_correction_is_seen(
    crm: Collaborators, people: People, database: Database
) -> None:
    """A correction that names the recipient writes a row and else nothing of the mail."""
    upload = await prepared(crm, people)
    sending, decision, opening, _ = life(people, upload.question.message_id)
    assert isinstance(opening, EngagementJudged)
    await play(crm, [sending, decision, opening.model_copy(update={"candidates": (0, 1)})])
    assert (await left(crm, database, people, upload))["rows"] == 2
    upload.meanwhile(lambda: asked(crm, people, people.rep, "DELETE", path(upload)))
    await play(crm, [opening.model_copy(update={"revision": 1, "event_id": new_id()})])
    assert (await left(crm, database, people, upload))["rows"] == 0


@pytest.mark.parametrize("turn", range(4))
async def test_a_deletion_and_what_comes_at_the_same_time_end_without_rows(
    crm: Collaborators, people: People, database: Database, turn: int
) -> None:
    """Decision, engagement, correction and uploads beside it: whoever is second sees the first."""
    upload = await prepared(crm, people)
    sending, decision, opening, click = life(people, upload.question.message_id)
    await play(crm, [sending] if turn % 2 else [sending, decision])
    assert isinstance(opening, EngagementJudged)
    corrected = opening.model_copy(update={"revision": 1, "event_id": new_id(), "candidates": (0,)})
    vague = opening.model_copy(update={"candidates": (0, 1)})
    await play(crm, [vague])
    answer, *_ = await asyncio.gather(
        asked(crm, people, people.rep, "DELETE", path(upload)),
        play(crm, [decision]),
        play(crm, [corrected]),
        play(crm, [click]),
        upload.put(),
        upload.attach(),
    )
    assert answer.status_code == 204
    assert await left(crm, database, people, upload) == {"rows": 0, "bodies": 0, "files": 0}


async def test_a_thread_is_its_other_logged_mails_newest_first(crm: Collaborators, people: People) -> None:
    """Of one mailbox: another rep's mail system gives the same numbers."""
    one, two, unlogged, deleted, elsewhere = [
        await prepared(crm, people, provider_thread_id=thread) for thread in ("t", "t", "t", "t", "other")
    ]
    for seconds, upload in enumerate((one, two, unlogged, deleted, elsewhere)):
        of: dict[str, Any] = {
            "message_id": upload.question.message_id,
            "account_id": people.account_id,
            "user_id": people.rep.id,
        }
        on = () if upload is unlogged else refs(people)
        await play(crm, [sent(10 + seconds, **of), decided(*on, **of)])
    third = await prepared(crm, people, provider_thread_id="t")
    await asked(crm, people, people.rep, "DELETE", path(deleted))
    await third.decide(*refs(people))
    found = (await asked(crm, people, people.admin, "GET", path(one, "thread"))).json()
    assert [mail["id"] for mail in found] == [
        str(third.question.message_id),
        str(two.question.message_id),
    ]
    assert (await asked(crm, people, people.admin, "GET", path(elsewhere, "thread"))).json() == []


async def test_pins_stand_on_top_of_their_record_alone(crm: Collaborators, people: People) -> None:
    """The newest pin first; pinning again changes nothing; a deleted mail is no pin any more."""
    first, second = await logged(crm, people), await logged(crm, people)
    pins = f"/v1/contacts/{people.hanako.id}/pins"

    async def pinned() -> list[str]:
        found = await asked(crm, people, people.admin, "GET", pins)
        return [row["message_id"] for row in found.json()]

    ids = [str(one.question.message_id) for one in (first, second)]
    for id_ in (*ids, ids[0]):
        assert (await asked(crm, people, people.rep, "PUT", f"{pins}/{id_}")).status_code == 204
    assert await pinned() == [ids[1], ids[0]]
    on_deal = await asked(crm, people, people.rep, "GET", f"/v1/deals/{people.deal.id}/pins")
    assert on_deal.json() == []
    assert (await asked(crm, people, people.rep, "PUT", f"{pins}/{new_id()}")).status_code == 404
    elsewhere = f"/v1/companies/{people.sakura.id}/pins/{ids[0]}"
    assert (await asked(crm, people, people.rep, "PUT", elsewhere)).status_code == 404
    await asked(crm, people, people.rep, "DELETE", path(second))
    assert await pinned() == [ids[0]]
    for _ in range(2):
        assert (await asked(crm, people, people.rep, "DELETE", f"{pins}/{ids[0]}")).status_code == 204
    assert await pinned() == []


async def test_ten_mails_are_pinned_and_no_more(crm: Collaborators, people: People) -> None:
    """Asked for at the same time, too; one that was deleted makes room."""
    uploads = []
    for _ in range(12):
        uploads.append(await prepared(crm, people))
        await uploads[-1].decide(*refs(people))
    pins = f"/v1/contacts/{people.hanako.id}/pins"
    answers = await asyncio.gather(
        *(asked(crm, people, people.rep, "PUT", f"{pins}/{one.question.message_id}") for one in uploads)
    )
    assert sorted(answer.status_code for answer in answers) == [204] * 10 + [409] * 2
    rows = (await asked(crm, people, people.rep, "GET", pins)).json()
    assert len(rows) == 10
    await asked(crm, people, people.rep, "DELETE", f"/v1/messages/{rows[0]['message_id']}")
    (refused,) = [one for one, answer in zip(uploads, answers, strict=True) if answer.status_code == 409][:1]
    again = await asked(crm, people, people.rep, "PUT", f"{pins}/{refused.question.message_id}")
    assert again.status_code == 204
