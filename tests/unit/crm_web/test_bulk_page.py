"""One legal basis for many contacts, from their list."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.crm.model.records import BulkOutcome, Contact, LegalBasis, LegalBasisKind
from shared.events.ids import new_id
from tests.unit.crm_web.fakes import CSRF, Browser, FakeCrm, contact

pytestmark = pytest.mark.requirement("P4")
CONSENT = LegalBasis(kind=LegalBasisKind.FREELY_GIVEN_CONSENT, source="fair")
BASIS = {"kind": "freely_given_consent", "source": " fair "}
SCRIPT = {"HX-Request": "true"}


async def sent(browser: Browser, data: dict[str, Any], *, by_script: bool = True) -> httpx.Response:
    headers = {"X-CSRF-Token": CSRF} | (SCRIPT if by_script else {})
    async with browser() as client:
        return await client.post("/contacts/legal-basis", data=data, headers=headers)


def listed(crm: FakeCrm, count: int) -> list[Contact]:
    found = [contact(f"Person {number}") for number in range(count)]
    crm.records.contacts.records = [*found]
    return found


@pytest.mark.parametrize("by_script", [True, False])
async def test_the_ticked_are_changed_and_each_outcome_is_said(
    browser: Browser, crm: FakeCrm, by_script: bool
) -> None:
    """Once each; by script, their tags in the list change with it."""
    people = listed(crm, 5)
    crm.legal_bases.outcomes = [BulkOutcome.NOT_FOUND, BulkOutcome.UNCHANGED]
    ids = [str(one.id) for one in people[:4]]
    answer = await sent(browser, BASIS | {"ids": [*ids, ids[0]]}, by_script=by_script)
    assert answer.status_code == 200
    assert crm.legal_bases.asked == [([UUID(id_) for id_ in ids], CONSENT)]
    for text in ("2 contacts changed.", "1 had this basis and source already.", "1 was not found"):
        assert text in answer.text
    swapped = [f'id="basis-{id_}" hx-swap-oob="true" class="tag "' in answer.text for id_ in ids]
    assert swapped == ([False, True, True, True] if by_script else [False] * 4)
    assert ("<html" in answer.text) is not by_script


async def test_all_that_match_the_search_are_changed(browser: Browser, crm: FakeCrm) -> None:
    """Loaded or not; the list comes anew. What is shown counts, not what is being typed."""
    people = listed(crm, 450)
    crm.records.contacts.records.append(contact("Somebody else"))
    data = BASIS | {"scope": "all", "q": "Somebody", "listed": "Person", "ids": str(new_id())}
    answer = await sent(browser, data)
    assert crm.legal_bases.asked == [([one.id for one in people], CONSENT)]
    assert "450 contacts changed." in answer.text
    assert 'id="records"' in answer.text
    await sent(browser, BASIS | {"scope": "all", "listed": "Somebody"}, by_script=False)
    assert len(crm.legal_bases.asked[1][0]) == 1


@pytest.mark.parametrize(
    ("count", "data", "words"),
    [
        (501, BASIS | {"scope": "all"}, "At most 500"),
        (0, BASIS | {"scope": "all"}, "No contact is in the list"),
        (3, BASIS | {"ids": [str(UUID(int=number)) for number in range(501)]}, "At most 500"),
        (3, BASIS, "Tick contacts"),
        (3, BASIS | {"ids": "x"}, "Tick contacts"),
        (3, {"kind": "", "scope": "all"}, "Choose a legal basis first"),
        (3, {"kind": "because", "scope": "all"}, "Choose a legal basis first"),
        (3, {"kind": "none", "source": "x" * 257, "scope": "all"}, "too long"),
    ],
)
@pytest.mark.parametrize("by_script", [True, False])
async def test_what_can_t_be_done_is_said_and_nothing_is_changed(
    browser: Browser, crm: FakeCrm, count: int, data: dict[str, Any], words: str, by_script: bool
) -> None:
    listed(crm, count)
    answer = await sent(browser, data, by_script=by_script)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert crm.legal_bases.asked == []


async def test_exactly_500_are_changed(browser: Browser, crm: FakeCrm) -> None:
    people = listed(crm, 500)
    assert (await sent(browser, BASIS | {"scope": "all"})).status_code == 200
    assert [len(ids) for ids, _ in crm.legal_bases.asked] == [len(people)]


async def test_only_contacts_are_ticked_and_their_boxes_have_names(browser: Browser, crm: FakeCrm) -> None:
    crm.records.contacts.records = [contact("Aiko <b>")]
    async with browser() as client:
        assert 'aria-label="Tick Aiko &lt;b&gt;"' in (await client.get("/contacts")).text
        assert 'id="bulk"' not in (await client.get("/deals")).text
