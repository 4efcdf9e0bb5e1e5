"""What ingest and logger ask, on a real database."""

import asyncio
from typing import Any

import pytest

from services.crm.collaborators import Collaborators
from services.crm.model.accounts import EmailSettings
from shared.directory.contract import RecordRef
from shared.events.ids import new_id
from shared.events.log_decisions import RecordType
from shared.http.problems import Problem
from tests.integration.crm.people import People, as_user, asked, client

SERVICES = {"Authorization": "Bearer the services' token", "Content-Type": "application/json"}


async def test_preparing_records_the_mail_with_its_contacts(crm: Collaborators, people: People) -> None:
    """Recipients in their slots, contacts found whatever the case of the address."""
    question = asked(people, "stranger@else.example", "HANAKO@sakura.EXAMPLE")
    policy = await crm.directory.prepare(question)
    assert (policy.tracked, policy.logged, policy.anonymous) == (True, True, False)
    message = await crm.stores.messages.get(people.account_id, question.message_id)
    assert message is not None
    assert message.draft is not None
    assert [to.contact_id for to in message.draft.recipients] == [None, people.hanako.id]
    assert [to.slot for to in message.draft.recipients] == [0, 1]


async def test_asking_again_gives_the_first_answer(crm: Collaborators, people: People) -> None:
    """Byte for byte, also when settings changed and when two ask at once."""
    question = asked(people)
    first, *others = await asyncio.gather(*(crm.directory.prepare(question) for _ in range(5)))
    assert {other.model_dump_json() for other in others} == {first.model_dump_json()}
    await crm.email_settings.change(people.who(people.admin), EmailSettings(tracking=False))
    later = question.model_copy(update={"prepared_at": question.prepared_at.replace(year=2099)})
    assert await crm.directory.prepare(later) == first


async def test_the_same_id_for_another_mail_is_refused(crm: Collaborators, people: People) -> None:
    """By fingerprint, and for another user's mail."""
    question = asked(people)
    await crm.directory.prepare(question)
    for other in (
        {"fingerprint": "0" * 64},
        {"user_id": people.admin.id, "from_address": people.admin.address},
    ):
        with pytest.raises(Problem) as refused:
            await crm.directory.prepare(question.model_copy(update=other))
        assert refused.value.problem.name == "idempotency-key-reused"


@pytest.mark.requirement("L7")
async def test_a_foreign_sender_is_refused_and_leaves_nothing(crm: Collaborators, people: People) -> None:
    """Nor may one rep send as another."""
    for address in ("rep@evil.example", people.admin.address):
        question = asked(people, from_address=address)
        with pytest.raises(Problem) as refused:
            await crm.directory.prepare(question)
        assert refused.value.problem.name == "sender-not-ours"
        assert await crm.stores.messages.get(people.account_id, question.message_id) is None


@pytest.mark.requirement("P1", "P2", "P3")
async def test_data_privacy_asks_for_a_basis(crm: Collaborators, people: People) -> None:
    """Hanako has one, Liam has none."""
    await crm.email_settings.change(people.who(people.admin), EmailSettings(data_privacy=True))
    hanako, liam = "hanako@sakura.example", "liam@northwind.example"
    with_basis = await crm.directory.prepare(asked(people, hanako))
    without = await crm.directory.prepare(asked(people, liam))
    several = await crm.directory.prepare(asked(people, liam, hanako))
    assert (with_basis.tracked, with_basis.anonymous) == (True, False)
    assert (without.tracked, without.untracked_reason) == (False, "no_legal_basis")
    assert (several.tracked, several.anonymous) == (True, True)
    assert with_basis.policy_version == 2


async def test_log_inputs_say_what_exists(crm: Collaborators, people: People) -> None:
    """Ticked records here and elsewhere, who is to be made a contact; kept beside the decision."""
    gone = RecordRef(record_type=RecordType.DEAL, record_id=new_id())
    here = RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id)
    question = asked(people, "hanako@sakura.example", "New@else.example", records=(here, gone))
    question = question.model_copy(update={"create_contacts": ("new@ELSE.example",)})
    await crm.directory.prepare(question)
    inputs = await crm.directory.log_inputs(people.account_id, question.message_id)
    assert [(ticked.record_id, ticked.exists) for ticked in inputs.ticked] == [
        (people.hanako.id, True),
        (gone.record_id, False),
    ]
    assert [(to.contact_id, to.create_contact) for to in inputs.recipients] == [
        (people.hanako.id, False),
        (None, True),
    ]
    assert inputs.sender_is_ours
    assert inputs.account_logging
    with pytest.raises(Problem):
        await crm.directory.log_inputs(people.stranger.account_id, question.message_id)


async def test_the_internal_api_is_for_services(crm: Collaborators, people: People) -> None:
    """With their token; a rep's access token is none."""
    question = asked(people)
    async with client(crm) as http:

        async def ask(headers: dict[str, Any], content: Any = None) -> int:
            url, body = "/internal/v1/messages", content or question.model_dump_json()
            return (await http.post(url, content=body, headers=headers)).status_code

        assert await ask({}) == 401
        assert await ask({"Authorization": "Bearer the services' tokem"}) == 401
        assert await ask({"Authorization": "Bearer é".encode()}) == 401
        assert await ask(as_user(crm, people, people.admin)) == 401
        assert await ask(SERVICES) == 200
        assert await ask(SERVICES, b"{") == 400
        foreign = question.model_copy(update={"message_id": new_id(), "from_address": "x@evil.example"})
        assert await ask(SERVICES, foreign.model_dump_json()) == 403
        inputs = f"/internal/v1/messages/{question.message_id}/log-inputs"
        given = {"account_id": str(people.account_id)}
        assert (await http.get(inputs, params=given, headers=SERVICES)).status_code == 200
        elsewhere = {"account_id": str(people.stranger.account_id)}
        assert (await http.get(inputs, params=elsewhere, headers=SERVICES)).status_code == 404
