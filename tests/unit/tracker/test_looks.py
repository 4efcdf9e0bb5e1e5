"""How a fetch looks by itself is kept, by all that decides it."""

from collections.abc import Iterator

import pytest

from services.tracker import looks
from services.tracker.looks import look_of
from services.tracker.rules.rulesets import CURRENT, FIRST
from shared.events.hits import HitRecorded
from tests.unit.tracker.made import CHROME, FIREFOX, GMAIL_PREFETCH, GOOGLE_ADDRESS, OTHER_ADDRESS, hit

_ONE = hit(60)
OTHERS = {
    "agent": hit(60, agent=FIREFOX),
    "no address": hit(60, address=None),
    "link": hit(60, link=0),
    "method": hit(60, method="HEAD"),
    "headers": _ONE.model_copy(update={"headers": {"purpose": "prefetch"}}),
}


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """What other tests have seen is left out."""
    looks._known.clear()
    yield
    looks._known.clear()


@pytest.mark.requirement("B1")
@pytest.mark.parametrize("name", OTHERS)
def test_whatever_rules_look_at_makes_another_look(name: str) -> None:
    """The same in whichever order they come."""
    one, other = look_of(_ONE, CURRENT), look_of(OTHERS[name], CURRENT)
    assert one != other
    looks._known.clear()
    assert (look_of(OTHERS[name], CURRENT), look_of(_ONE, CURRENT)) == (other, one)


@pytest.mark.requirement("B2")
def test_each_rule_set_has_its_own() -> None:
    scripted = hit(60, agent="curl/8.0")
    assert look_of(scripted, FIRST).finding != look_of(scripted, CURRENT).finding


def test_time_and_message_make_no_other_look() -> None:
    assert look_of(hit(60), CURRENT) is look_of(hit(90, name="again"), CURRENT)


def test_no_more_are_kept_than_memory_is_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "MOST", 3)
    seen = [look_of(fetched, CURRENT) for fetched in (*_fetches(), *_fetches())]
    assert len(looks._known) <= 3
    assert seen[:4] == seen[4:]


def _fetches() -> list[HitRecorded]:
    return [
        hit(60, agent=agent, address=address)
        for agent in (CHROME, GMAIL_PREFETCH)
        for address in (GOOGLE_ADDRESS, OTHER_ADDRESS)
    ]
