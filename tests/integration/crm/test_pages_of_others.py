"""No page shows or changes what is another account's (R1): tried for every address with an id."""

import httpx
import pytest
from fastapi.routing import APIRoute

from services.crm.app import create_app
from services.crm.collaborators import Collaborators
from services.crm.model.accounts import User
from services.crm.web import editing, imports, records
from shared.events.ids import new_id
from tests.integration.crm.people import People

pytestmark = pytest.mark.requirement("R1")
ROUTES = [
    (method, route.path)
    for module in (records, editing, imports)
    for route in module.router.routes
    if isinstance(route, APIRoute) and "{" in route.path
    for method in sorted(route.methods)
]


async def browser(crm: Collaborators, user: User) -> httpx.AsyncClient:
    """Signed in on the pages, with the token that forms send."""
    opened = await crm.sign_ins.open_session(user)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(crm)),
        base_url="http://crm.example",
        cookies={"kaifu_session": opened.cookie.get_secret_value()},
        headers={"X-CSRF-Token": opened.session.csrf_token, "Accept": "text/html"},
    )


async def test_somebody_else_s_record_is_not_there(crm: Collaborators, people: People) -> None:
    """Under every address, by every method; and nothing became of it."""
    own = people.who(people.rep)
    ticket = await crm.records.tickets.create(people.account_id, {"name": "Secret"})
    import_id = await crm.contact_files.upload(own, b"email\na@x.example")
    ids = {
        "contacts": people.hanako.id,
        "companies": people.sakura.id,
        "deals": people.deal.id,
        "tickets": ticket.id,
    }
    assert len(ROUTES) > 25
    async with await browser(crm, people.stranger) as stranger, await browser(crm, people.rep) as rep:
        for method, path in ROUTES:
            noun = path.split("/")[1]
            url = path.format(record_id=ids[noun], import_id=import_id, message_id=new_id())
            data = {"name": "Taken", "version": "1"} if method == "POST" else None
            answer = await stranger.request(method, url, data=data)
            assert answer.status_code == 404, (method, url)
            if method == "GET":
                assert (await rep.get(url)).status_code == 200, url
        chosen = f"/associations/chosen?type=contact&id={people.hanako.id}"
        assert (await stranger.get(chosen)).status_code == 404
        assert (await rep.get(chosen)).status_code == 200
        for noun in ids:
            assert "Secret" not in (await stranger.get(f"/{noun}")).text
        assert "山田" not in (await stranger.get("/contacts/export.csv")).text
        found = {"associate_type": "contact", "associate_q": "山田"}
        assert "山田" not in (await stranger.get("/associations/search", params=found)).text
        assert "山田" in (await rep.get("/associations/search", params=found)).text
    assert (await crm.records.contacts.get(people.account_id, people.hanako.id)) == people.hanako
    assert (await crm.records.tickets.get(people.account_id, ticket.id)).version == 1
