"""Attachments: uploaded by receipt, kept if the mail is logged, named on its timelines."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from services.crm.adapters.sweeper import sweep_until
from services.crm.application.attachments import MAX_READ_BYTES, MAX_STORED_BYTES
from services.crm.collaborators import Collaborators
from services.crm.model.accounts import EmailSettings
from services.crm.model.failures import DatabaseAway
from services.crm.store.attachments import CutOff
from services.crm.store.database import Database
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.http.limits import MIB
from tests.integration.crm.people import Clock, People, client
from tests.integration.crm.uploads import Upload

PDF = b"%PDF-1.7 an offer"
SHA = hashlib.sha256(PDF).hexdigest()


def on_hanako(people: People) -> RecordRef:
    """Where the mail is logged."""
    return RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id)


async def an_upload(crm: Collaborators, people: People) -> Upload:
    """Of a prepared mail."""
    upload = Upload(crm, people)
    await crm.directory.prepare(upload.question)
    return upload


async def files_of(database: Database, upload: Upload) -> tuple[int, int]:
    """How many GridFS files and chunks there are of a mail's attachments."""
    of = {"message_id": upload.question.message_id}
    ids = [entry["_id"] async for entry in database.collection("attachment_files", []).find(of)]
    chunks = database.collection("attachments.chunks", [])
    files = database.collection("attachments.files", [])
    whole = await files.count_documents({"metadata.message_id": upload.question.message_id})
    return int(whole), int(await chunks.count_documents({"files_id": {"$in": ids}}))


async def pieces_of(size: int, piece: bytes = b"x" * MIB) -> AsyncIterator[bytes]:
    """So many bytes, never whole in memory."""
    while size > 0:
        yield piece[:size]
        size -= len(piece)


@pytest.mark.requirement("L10", "L2")
@pytest.mark.parametrize("early", [True, False])
async def test_an_attachment_of_a_logged_mail_is_kept_and_read_again(
    crm: Collaborators, people: People, database: Database, early: bool
) -> None:
    """Uploaded before the decision or after it; its timeline names it; a colleague downloads it."""
    upload = await an_upload(crm, people)
    if not early:
        await upload.decide(on_hanako(people))
    answer = await upload.attach(PDF, sha256=SHA, name="見積書.pdf")
    expected = {"index": 0, "name": "見積書.pdf", "size": 17, "stored": True, "reason": None, "sha256": SHA}
    assert (answer.status_code, answer.json()) == (200, expected)
    if early:
        assert (await upload.download()).status_code == 404  # nobody has decided yet
        assert await upload.named() == []
        await upload.decide(on_hanako(people))
    assert await upload.named() == [("見積書.pdf", 17, True, None)]
    found = await upload.download()
    assert found.content == PDF
    assert found.headers["content-type"] == "application/pdf"
    assert found.headers["content-length"] == "17"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-security-policy"].startswith("sandbox")
    assert found.headers["content-disposition"].startswith("attachment; ")
    assert found.headers["content-disposition"].endswith("filename*=UTF-8''%E8%A6%8B%E7%A9%8D%E6%9B%B8.pdf")
    await crm.attachments.sweep()
    assert await files_of(database, upload) == (1, 1)


@pytest.mark.requirement("L2")
@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("end", ["not logged", "cancelled"])
async def test_attachments_of_other_mail_go(
    crm: Collaborators, people: People, database: Database, early: bool, end: str
) -> None:
    """Content and all, whatever came first."""
    upload = await an_upload(crm, people)
    if early:
        assert (await upload.attach()).json()["stored"] is True
    await (upload.decide() if end == "not logged" else upload.cancel())
    if not early:
        answer = (await upload.attach()).json()
        assert (answer["stored"], answer["reason"]) == (False, "not_logged")
    assert (await upload.download()).status_code == 404
    assert await upload.named() == []
    await crm.attachments.sweep()
    assert await files_of(database, upload) == (0, 0)


@pytest.mark.requirement("L1")
async def test_a_mail_prepared_without_log_keeps_none(crm: Collaborators, people: People) -> None:
    """It is decided at prepare already."""
    upload = Upload(crm, people)
    upload.question = upload.question.model_copy(update={"log": False})
    await crm.directory.prepare(upload.question)
    assert (await upload.attach()).json()["reason"] == "not_logged"


async def test_a_decision_in_the_middle_of_an_upload_is_seen(
    crm: Collaborators, people: People, database: Database, clock: Clock
) -> None:
    """The file stays for good, although the upload read that nobody had decided."""
    upload = await an_upload(crm, people)
    assert (await upload.attach(b"first", index=1)).status_code == 200
    await upload.decided_meanwhile(people)
    assert (await upload.attach()).json()["stored"] is True
    clock.ahead = timedelta(days=31)
    await crm.attachments.sweep()
    assert await files_of(database, upload) == (2, 2)
    assert len(await upload.named()) == 2


@pytest.mark.requirement("A2")
async def test_with_attachments_off_they_are_named_and_not_stored(
    crm: Collaborators, people: People, database: Database
) -> None:
    """The timeline says which and why."""
    await crm.email_settings.change(people.who(people.admin), EmailSettings(log_attachments=False))
    upload = await an_upload(crm, people)
    answer = (await upload.attach(PDF)).json()
    assert (answer["stored"], answer["reason"], answer["size"]) == (False, "attachments_off", 17)
    await upload.decide(on_hanako(people))
    assert await upload.named() == [("offer.pdf", 17, False, "attachments_off")]
    assert (await upload.download()).status_code == 404
    assert await files_of(database, upload) == (0, 0)


@pytest.mark.requirement("L10")
async def test_fifty_megabytes_are_stored_and_one_byte_more_is_not(
    crm: Collaborators, people: People, database: Database
) -> None:
    """Neither whole in memory; the one left out is named with its size."""
    upload = await an_upload(crm, people)
    await upload.decide(on_hanako(people))
    exactly = (await upload.attach(pieces_of(MAX_STORED_BYTES), index=0, name="fits")).json()
    assert (exactly["stored"], exactly["size"]) == (True, 50 * 1024 * 1024)
    over = (await upload.attach(pieces_of(MAX_STORED_BYTES + 1), index=1, name="over")).json()
    assert (over["stored"], over["reason"], over["size"]) == (False, "too_large", 50 * 1024 * 1024 + 1)
    assert await upload.named() == [
        ("fits", MAX_STORED_BYTES, True, None),
        ("over", MAX_STORED_BYTES + 1, False, "too_large"),
    ]
    assert await files_of(database, upload) == (1, 50)
    assert (await upload.download(0)).headers["content-length"] == str(MAX_STORED_BYTES)


@pytest.mark.requirement("L10")
@pytest.mark.parametrize("announced", [True, False])
async def test_what_is_far_too_large_is_not_read_and_named_all_the_same(
    crm: Collaborators, people: People, database: Database, announced: bool
) -> None:
    """413; announced or found out on the way."""
    upload = await an_upload(crm, people)
    await upload.decide(on_hanako(people))
    size = MAX_READ_BYTES + 1
    answer = await upload.attach(b"x" * size if announced else pieces_of(size))
    assert answer.status_code == 413
    assert await upload.named() == [("offer.pdf", size, False, "too_large")]
    assert await files_of(database, upload) == (0, 0)


async def test_the_same_again_changes_nothing_and_other_content_replaces(
    crm: Collaborators, people: People, database: Database
) -> None:
    """Of what was replaced, nothing is left."""
    upload = await an_upload(crm, people)
    await upload.decide(on_hanako(people))
    first = (await upload.attach(PDF)).json()
    assert (await upload.attach(PDF)).json() == first
    assert await files_of(database, upload) == (1, 1)
    assert (await upload.attach(b"%PDF-1.7 another")).json()["size"] == 16
    await crm.attachments.sweep()
    assert await files_of(database, upload) == (1, 1)
    assert (await upload.download()).content == b"%PDF-1.7 another"
    assert [name for name, *_ in await upload.named()] == ["offer.pdf"]


async def test_content_that_differs_from_its_hash_is_not_kept(
    crm: Collaborators, people: People, database: Database
) -> None:
    """422, and what was there before stays."""
    upload = await an_upload(crm, people)
    await upload.decide(on_hanako(people))
    await upload.attach(PDF)
    answer = await upload.attach(b"cut off", sha256=SHA)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:kaifu:problem:content-differs"
    assert (await upload.download()).content == PDF
    assert await files_of(database, upload) == (1, 1)


async def test_an_upload_that_is_cut_off_leaves_nothing(
    crm: Collaborators, people: People, database: Database, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """Where its end is noticed at once; and where the process died, the sweeper finds it an hour later."""
    upload = await an_upload(crm, people)

    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * (2 * MIB)
        raise ClientDisconnect

    assert (await upload.attach(breaks())).status_code == 400
    assert await files_of(database, upload) == (0, 0)

    async def dies(*_: Any) -> None:
        """Nothing is cleaned up by a process that is gone."""

    monkeypatch.setattr(crm.attachments, "_discard", dies)
    assert (await upload.attach(breaks())).status_code == 400
    assert await files_of(database, upload) == (0, 2)
    clock.ahead = timedelta(minutes=59)
    await crm.attachments.sweep()
    assert await files_of(database, upload) == (0, 2)  # it might still be under way
    clock.ahead = timedelta(minutes=61)
    await crm.attachments.sweep()
    assert await files_of(database, upload) == (0, 0)


async def test_what_nobody_decides_goes_after_thirty_days(
    crm: Collaborators, people: People, database: Database, clock: Clock
) -> None:
    """And a decision that comes even later names nothing that is not there."""
    upload = await an_upload(crm, people)
    await upload.attach(PDF)
    clock.ahead = timedelta(days=29)
    await crm.attachments.sweep()
    assert await files_of(database, upload) == (1, 1)
    clock.ahead = timedelta(days=31)
    await crm.attachments.sweep()
    assert await files_of(database, upload) == (0, 0)
    await upload.decide(on_hanako(people))
    assert await upload.named() == []


async def test_the_sweeper_sweeps_until_it_is_stopped() -> None:
    """A database that is away does not end it."""

    stopping, asked = asyncio.Event(), 0

    class Uploads:
        """Away, then there, then enough."""

        async def sweep(self) -> int:
            nonlocal asked
            asked += 1
            if asked == 1:
                raise DatabaseAway
            if asked == 3:
                stopping.set()
            return 1

    await asyncio.wait_for(sweep_until(stopping, Uploads(), every_s=0.01), 5)
    assert asked == 3


async def test_attachments_need_their_own_receipt(crm: Collaborators, people: People) -> None:
    """As bodies do; and a mail of another account is not there."""
    upload = await an_upload(crm, people)
    assert (await upload.attach(receipt="nonsense")).status_code == 403
    assert (await upload.attach(receipt=upload.receipt(message_id=new_id()))).status_code == 403
    assert (await upload.attach(user=people.admin)).status_code == 403
    assert (await upload.attach(user=people.stranger)).status_code == 403
    assert (await upload.attach(receipt=upload.receipt(expires_at=crm.clock()))).status_code == 410
    assert (await Upload(crm, people).attach()).status_code == 404
    await upload.attach()
    await upload.decide(on_hanako(people))
    assert (await upload.download()).status_code == 200
    assert (await upload.download(user=people.stranger)).status_code == 404
    assert (await upload.download(index=1)).status_code == 404


@pytest.mark.parametrize(
    ("index", "query"), [(200, {}), (0, {"name": "x" * 256}), (0, {"name": ""}), (0, {"sha256": "ABC"})]
)
async def test_bounds(crm: Collaborators, people: People, index: int, query: dict[str, str]) -> None:
    """422 beyond them."""
    upload = await an_upload(crm, people)
    assert (await upload.attach(index=index, **query)).status_code == 422


async def test_the_pages_cookie_downloads_too(crm: Collaborators, people: People) -> None:
    """The timeline's link is followed by a browser, which has no token; without either it is 401."""
    upload = await an_upload(crm, people)
    await upload.attach(PDF)
    await upload.decide(on_hanako(people))
    opened = await crm.sign_ins.open_session(people.admin)
    async with client(crm) as http:
        http.cookies.set("kaifu_session", opened.cookie.get_secret_value())
        assert (await http.get(upload.path(0))).content == PDF
        page = await http.get(f"/contacts/{people.hanako.id}")
        assert upload.path(0) in page.text
        http.cookies.clear()
        assert (await http.get(upload.path(0))).status_code == 401


async def test_a_large_attachment_is_read_piece_by_piece(crm: Collaborators, people: People) -> None:
    """Whoever takes one piece has not made the database send the others; in the end it is whole."""
    upload = await an_upload(crm, people)
    await upload.decide(on_hanako(people))
    content = bytes(range(256)) * (3 * MIB // 256) + b"the rest"
    await upload.attach(content)
    _, pieces = await crm.attachments.open(people.account_id, upload.question.message_id, 0)
    first = await anext(pieces)
    assert first == content[:MIB]
    await upload.attach(b"another")
    await crm.attachments.sweep()
    with pytest.raises(CutOff):  # what was not read yet is gone with the file
        await anext(pieces)
    await upload.attach(content)
    _, pieces = await crm.attachments.open(people.account_id, upload.question.message_id, 0)
    assert b"".join([piece async for piece in pieces]) == content
