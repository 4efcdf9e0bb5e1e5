"""What stands outside of us for ever: addresses in sent mail, receipts with clients, problem types.

The files in golden/ are not generated: a changed line is a broken address in somebody's inbox.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import services.crm.problems
import services.ingest.problems
import shared.http.problems
from shared.events.sends import Source
from shared.http.problems import Problem, ProblemType
from shared.tokens.keyring import KeyRing
from shared.tokens.receipt import Receipt, open_receipt, seal_receipt
from shared.tokens.tracking import LinkToken, PixelToken, open_link, open_pixel, seal_link, seal_pixel

pytestmark = pytest.mark.contract
GOLDEN = Path(__file__).with_name("golden")
VECTORS: dict[str, str] = json.loads((GOLDEN / "tokens.json").read_text())
PROBLEMS: dict[str, dict[str, Any]] = json.loads((GOLDEN / "problems.json").read_text())
ACCOUNT, MESSAGE = UUID(int=1), UUID(int=2)
PREPARED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

PIXEL = PixelToken(ACCOUNT, MESSAGE)
PIXEL_OF_SLOT = PixelToken(ACCOUNT, MESSAGE, 3)
LINK = LinkToken(ACCOUNT, MESSAGE, None, 0, b"https://example.org/?a=1&amp;b=%E5%B0%81#x")
LINK_OF_SLOT = LinkToken(ACCOUNT, MESSAGE, 3, 999, "https://例え.jp/見積".encode())
RECEIPT = Receipt(
    account_id=ACCOUNT,
    user_id=UUID(int=4),
    message_id=MESSAGE,
    source=Source.GMAIL,
    tracked=True,
    logged=True,
    anonymous=False,
    recipient_count=2,
    link_count=1,
    policy_version=5,
    prepared_at=PREPARED,
    expires_at=datetime(2026, 12, 2, 9, 0, tzinfo=UTC),
)


def _receipt(ring: KeyRing, token: str) -> Receipt:
    return open_receipt(ring, token, PREPARED)


KINDS: dict[str, tuple[Any, Callable[[KeyRing, Any], str], Callable[[KeyRing, str], Any]]] = {
    "pixel": (PIXEL, seal_pixel, open_pixel),
    "pixel of a slot": (PIXEL_OF_SLOT, seal_pixel, open_pixel),
    "link": (LINK, seal_link, open_link),
    "link of a slot": (LINK_OF_SLOT, seal_link, open_link),
    "receipt": (RECEIPT, seal_receipt, _receipt),
}


@pytest.fixture
def ring() -> KeyRing:
    """Two keys; the vectors are of both, since rotation must not close what is out."""
    return KeyRing.load(GOLDEN / "test-key-ring.json")


@pytest.mark.requirement("T2")
@pytest.mark.parametrize("vector", VECTORS)
def test_every_token_that_is_out_opens_for_ever(ring: KeyRing, vector: str) -> None:
    kind = vector.removesuffix(", first key")
    content, _, opener = KINDS[kind]
    assert opener(ring, VECTORS[vector]) == content


@pytest.mark.requirement("T2")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sealed_today_is_what_was_sealed_before(ring: KeyRing, kind: str) -> None:
    content, seal, _ = KINDS[kind]
    assert seal(ring, content) == VECTORS[kind]
    assert seal(KeyRing(1, ring.keys), content) == VECTORS[f"{kind}, first key"]


def _known() -> dict[str, ProblemType]:
    modules = (shared.http.problems, services.ingest.problems, services.crm.problems)
    found = [value for module in modules for value in vars(module).values() if isinstance(value, ProblemType)]
    names: dict[str, ProblemType] = {}
    for problem in found:
        assert names.setdefault(problem.name, problem) == problem, f"{problem.name} has two meanings"
    return names


def test_a_problem_type_keeps_its_name_and_status() -> None:
    known = {name: Problem(problem, "why").body() for name, problem in _known().items()}
    gone = PROBLEMS.keys() - known.keys()
    assert not gone, "clients match on these"
    new = known.keys() - PROBLEMS.keys()
    assert not new, "add them to golden/problems.json: from then on they stay"
    assert known == PROBLEMS


def test_members_of_a_problem_stand_beside_the_others() -> None:
    problem = Problem(_known()["invalid-request"], "why", errors=[{"pointer": "/body/to", "detail": "x"}])
    assert problem.body()["errors"] == [{"pointer": "/body/to", "detail": "x"}]
    assert list(problem.body())[:4] == ["type", "title", "status", "detail"]
