"""The labelled hits of tests/corpus: well formed, sourced, balanced, split by the rule, nobody's data."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.events.engagements import Verdict
from shared.events.hits import MAX_HEADER, MAX_USER_AGENT

FOLDER = Path(__file__).parents[2] / "corpus"
FILES = ("frozen", "working", "second")
A_SOURCE = re.compile(
    r"(FACTS\.md: \w|constructed: \w|public code found by its text\W+\w"  # notes, put together, nameless
    r"|(github\.com/)?[\w.-]+/[\w.-]+ \w|[\w-]+(\.[\w-]+)+[ /].)"  # a repository with its place, a page
)
PERSONAL_HEADERS = {"authorization", "cookie", "forwarded", "x-forwarded-for", "x-real-ip"}


def _an_address(text: str) -> str:
    ip_address(text)
    return text


Address = Annotated[str, AfterValidator(_an_address)]
Agent = Annotated[str, Field(max_length=MAX_USER_AGENT)]
HeaderName = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]


class Strict(BaseModel):
    """Every field must be there, no other may."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OwnView(Strict):
    """The rep's browser reports a view of this message."""

    user_agent: Agent
    ip: Address | None
    seconds_after_send: float


class Hit(Strict):
    """One fetch, seconds counted from the send of this message."""

    endpoint: Literal["pixel", "link"]
    method: Literal["GET", "HEAD"]
    user_agent: Agent
    ip: Address | None
    headers: dict[HeaderName, Annotated[str, Field(max_length=MAX_HEADER)]]
    seconds_after_send: float
    link: Annotated[int, Field(ge=0)] | None

    @model_validator(mode="after")
    def _a_link_has_an_index(self) -> "Hit":
        if (self.endpoint == "link") != (self.link is not None):
            raise ValueError("a link has an index, a pixel has none")
        return self


class OtherHit(Hit):
    """A hit around the one that is judged."""

    message: Literal["this", "newer-in-thread", "same-domain"] = "this"


class Case(Hit):
    """The hit that is judged, and what else is known."""

    other_hits: list[OtherHit]
    own_views: list[OwnView]


class Labelled(Strict):
    """A line of the corpus."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    expected: Verdict
    source: str
    doubt: str
    provider: Literal["gmail", "yahoo", "outlook", "apple", "scanner", "unfurler", "monitor", "other"]
    case: Case

    @property
    def hits(self) -> Iterator[Hit]:
        yield self.case
        yield from self.case.other_hits


def _lines(name: str) -> list[str]:
    return (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def _read(name: str) -> list[Labelled]:
    return [Labelled.model_validate_json(line) for line in _lines(name)]


def _all() -> list[Labelled]:
    return [one for name in FILES for one in _read(name)]


def _is_frozen(case_id: str) -> bool:
    return int.from_bytes(hashlib.sha256(case_id.encode()).digest()) % 3 == 0


@pytest.mark.parametrize("name", FILES)
def test_each_line_is_a_case_and_they_are_sorted(name: str) -> None:
    ids = [one.id for one in _read(name)]
    assert ids == sorted(ids)


def test_ids_are_unique_and_there_are_enough() -> None:
    ids = Counter(one.id for one in _all())
    assert [one for one, count in ids.items() if count > 1] == []
    assert len(ids) >= 150


def test_no_two_cases_are_the_same_evidence() -> None:
    """Copies would weigh a kind of hit double, and one could stand in either file."""
    seen = Counter(one.case.model_dump_json() for one in _all())
    assert [evidence for evidence, count in seen.items() if count > 1] == []


def test_the_hash_of_the_id_alone_decides_what_is_frozen() -> None:
    frozen, working = ({one.id for one in _read(name)} for name in ("frozen", "working"))
    assert {case_id for case_id in frozen | working if _is_frozen(case_id)} == frozen


def test_each_case_has_a_source() -> None:
    """Of one of the kinds that the README counts, and with more than the kind's name."""
    assert [one.id for one in _all() if not A_SOURCE.match(one.source)] == []


@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_has_enough_cases_and_some_are_frozen(verdict: Verdict) -> None:
    assert sum(one.expected == verdict for one in _all()) >= 15
    assert any(one.expected == verdict for one in _read("frozen"))


def test_what_needs_other_evidence_has_it() -> None:
    """For an older message a newer one; for the rep's own hit a view, or a time before the send."""
    for one in _all():
        if one.expected == "older_message":
            assert any(hit.message == "newer-in-thread" for hit in one.case.other_hits), one.id
        if one.expected == "self":
            assert one.case.own_views or one.case.seconds_after_send < 0, one.id


def test_nobodys_data_is_in_it() -> None:
    """No mail address, no header that carries a person, no address of a page that somebody was on."""
    for name in FILES:
        for line in _lines(name):
            assert "@" not in line
            assert not re.search(r"\bBearer\b|[?&]\w+=|eyJ", line), line[:80]
    for one in _all():
        for hit in one.hits:
            assert not PERSONAL_HEADERS & set(hit.headers), one.id
            assert re.fullmatch(r"|https?://[a-z0-9.]+/", hit.headers.get("referer", "")), one.id
