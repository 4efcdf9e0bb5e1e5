"""No route tells one account of another: for every path of the API with an id, somebody else's id is 404."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.crm.collaborators import Collaborators
from services.crm.model.webhooks import WebhookType
from shared.auth.scopes import Scope
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from tests.integration.crm.people import People, as_user, asked, client
from tests.integration.crm.uploads import Upload

DOCUMENT = json.loads((Path(__file__).parents[3] / "contracts" / "openapi" / "crm.json").read_text())
NOUNS = ("contacts", "companies", "deals", "tickets")
METHODS = ("get", "post", "put", "patch", "delete")
BODIES: dict[str, dict[str, Any]] = {
    "MailBody": {"receipt": "theirs"},
    "AssociationsAsked": {
        "records": [{"record_type": "deal", "record_id": "00000000-0000-7000-8000-000000000000"}]
    },
    "RoleAsked": {"role": "rep"},
    "Successor": {"successor_id": "00000000-0000-7000-8000-000000000000"},
}
# A receipt is looked at before the message that it is for: without a good one there is nothing to learn.
BY_RECEIPT = {
    ("put", "/v1/messages/{message_id}/body"),
    ("put", "/v1/messages/{message_id}/attachments/{index}"),
}


def routes() -> Iterator[tuple[str, str]]:
    for path, methods in DOCUMENT["paths"].items():
        if "{" in path:
            yield from ((method, path) for method in METHODS if method in methods)


def body_of(method: str, path: str) -> dict[str, Any] | None:
    content = DOCUMENT["paths"][path][method].get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    name = content["application/json"]["schema"].get("$ref", "").rpartition("/")[2]
    return BODIES.get(name, {})


async def ids(crm: Collaborators, people: People) -> dict[str, str]:
    """Of everything that an id in a path may name, by the path's beginning and the parameter."""
    ticket = await crm.records.tickets.create(people.account_id, {"name": "Ours"})
    (entry,) = await crm.never_log.add(people.who(people.admin), ["ours.example"])
    upload = Upload(crm, people)
    await crm.directory.prepare(upload.question)
    await upload.put()
    await upload.send()
    await upload.decide(RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id))
    message = str(upload.question.message_id)
    token = await crm.api_tokens.make(people.who(people.admin), "Ours", [Scope.MAIL_READ], 1)
    own = (await crm.addresses.all(people.who(people.rep)))[0]
    hook = await crm.webhooks.make(
        people.who(people.admin), "https://hooks.example/", [WebhookType.SENT], active=False
    )
    delivery = await crm.webhooks.test(people.who(people.admin), hook.webhook.id)
    return {
        "/v1/webhooks {id}": str(hook.webhook.id),
        "{delivery_id}": str(delivery.id),
        "/v1/me/addresses {id}": str(own.id),
        "/v1/api-tokens {id}": str(token.token.id),
        "/v1/contacts {id}": str(people.hanako.id),
        "/v1/companies {id}": str(people.sakura.id),
        "/v1/deals {id}": str(people.deal.id),
        "/v1/tickets {id}": str(ticket.id),
        "/v1/settings/never-log {id}": str(entry.id),
        "/v1/users {id}": str(people.rep.id),
        "{message_id}": message,
        "/v1/messages {id}": message,
        "/v1/feed {id}": message,
        "/v1/notifications {id}": str(people.hanako.id),
        "{index}": "0",
    }


def filled(path: str, known: dict[str, str]) -> str:
    parts = []
    for part in path.split("/"):
        if part.startswith("{"):
            beginnings = [
                name for name in known if name.endswith(f" {part}") and path.startswith(name.split(" ")[0])
            ]
            part = known[part] if part in known else known[beginnings[0]]
        parts.append(part)
    return "/".join(parts)


def test_there_are_such_routes() -> None:
    assert len(list(routes())) > 15


@pytest.mark.requirement("R1", "R3", "A6")
async def test_what_is_another_account_s_is_not_there(crm: Collaborators, people: People) -> None:
    """Reading, changing, deleting; a super admin of the other account is no better off. Ours is untouched."""
    known = await ids(crm, people)
    told: dict[str, int] = {}
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.admin))
        ours = [f"/v1/{noun}/{known[f'/v1/{noun} {{id}}']}" for noun in NOUNS]
        before = [(await http.get(path)).json() for path in ours]
        http.headers.update(as_user(crm, people, people.stranger))
        for method, path in routes():
            if (method, path) in BY_RECEIPT:
                continue
            answer = await http.request(method, filled(path, known), json=body_of(method, path))
            told[f"{method} {path}"] = answer.status_code
        assert {route: status for route, status in told.items() if status != 404} == {}
        http.headers.update(as_user(crm, people, people.admin))
        assert [(await http.get(path)).json() for path in ours] == before
        assert len((await http.get("/v1/settings/never-log")).json()["entries"]) == 1


@pytest.mark.requirement("R3")
async def test_an_upload_for_another_account_s_mail_is_refused(crm: Collaborators, people: People) -> None:
    """Whatever receipt is shown."""
    question = asked(people)
    await crm.directory.prepare(question)
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.stranger))
        path = f"/v1/messages/{question.message_id}/body"
        assert (await http.put(path, json={"receipt": "forged", "html": "x"})).status_code == 403
