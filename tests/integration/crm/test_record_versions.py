"""Two editors of one record: neither overwrites what the other has not seen (R1)."""

import asyncio

import pytest

from services.crm.collaborators import Collaborators
from tests.integration.crm.people import People, as_user, client

NOUNS = ("contacts", "companies", "deals", "tickets")
pytestmark = pytest.mark.requirement("R1")
STALE = (412, "urn:kaifu:problem:precondition-failed")


@pytest.mark.parametrize("noun", NOUNS)
async def test_every_answer_has_the_version_and_a_stale_one_is_refused(
    crm: Collaborators, people: People, noun: str
) -> None:
    """Without If-Match the last writer wins, as before."""
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        made = await http.post(f"/v1/{noun}", json={"name": "First"})
        url, first = f"/v1/{noun}/{made.json()['id']}", made.headers["etag"]
        assert first == '"1"' == (await http.get(url)).headers["etag"]
        edited = await http.patch(url, json={"name": "Second"}, headers={"If-Match": first})
        assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
        for stale in (first, 'W/"2"', '"x"'):
            refused = await http.patch(url, json={"name": "Third"}, headers={"If-Match": stale})
            assert (refused.status_code, refused.json()["type"]) == STALE
        assert (await http.get(url)).json()["name"] == "Second"
        for any_version in ({}, {"If-Match": "*"}, {"If-Match": f'{first}, "4"'}):
            assert (await http.patch(url, json={"name": "Last"}, headers=any_version)).status_code == 200


async def test_of_two_editors_at_once_one_is_told(crm: Collaborators, people: People) -> None:
    """Whichever comes second, however close."""
    url = f"/v1/contacts/{people.liam.id}"
    async with client(crm) as http:
        http.headers.update(as_user(crm, people, people.rep))
        read = (await http.get(url)).headers["etag"]
        names = [f"Editor {number}" for number in range(6)]
        answers = await asyncio.gather(
            *(http.patch(url, json={"name": name}, headers={"If-Match": read}) for name in names)
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, *[412] * 5]
        winner = next(answer.json()["name"] for answer in answers if answer.status_code == 200)
        now = (await http.get(url)).json()
        assert (now["name"], now["version"]) == (winner, 2)
