"""A hit described by hand, and the verdict on it: the same rules over any corpus (`kaifu verdict`)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from services.tracker.handlers import beacon_of, hit_of
from services.tracker.model import ALWAYS, COUNTED, Hit, Judgement, SendState, Sent
from services.tracker.rules.rulesets import RuleSet
from services.tracker.state import MessageState
from shared.events.evidence import SENTENCES, Language
from shared.events.hits import MAX_HEADER, MAX_USER_AGENT, Endpoint, HitRecorded, ViewingReported
from shared.events.ids import derived_id

_SENT_AT = datetime(2026, 1, 1, tzinfo=UTC)
_AT_ONCE_S, _TWICE_S = (
    0.1,
    1.0,
)  # a double click's two are further apart than the first, seldom than the second
_ACCOUNT, _USER, _MESSAGE = (derived_id("case", name) for name in ("account", "user", "message"))
_ENDPOINTS = {"open": "pixel", "image": "pixel", "click": "link", "redirect": "link"}


def _endpoint(value: Any) -> Any:
    return _ENDPOINTS.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _headers(value: Any) -> Any:
    if not isinstance(value, dict):
        return {} if value is None else value
    return {str(name).lower(): str(text)[:MAX_HEADER] for name, text in value.items() if text is not None}


class _Part(BaseModel):
    """What is not named here is ignored: a corpus has columns of its own."""

    model_config = ConfigDict(extra="ignore")


class Fetch(_Part):
    """One fetch. `seconds_after_send` may be negative: before the sending was confirmed.

    `link`: which link of the mail, by anything that names it.
    """

    endpoint: Annotated[Literal["pixel", "link"], BeforeValidator(_endpoint)] = "pixel"
    method: Annotated[Literal["GET", "HEAD"], BeforeValidator(_upper)] = "GET"
    user_agent: str | None = ""
    ip: str | None = Field(default=None, max_length=45, validation_alias=AliasChoices("ip", "client_address"))
    headers: Annotated[dict[str, str], BeforeValidator(_headers)] = Field(default_factory=dict)
    seconds_after_send: float = Field(ge=-1e9, le=1e9)
    link: str | int | None = Field(
        default=None, validation_alias=AliasChoices("link", "link_index", "url", "link_url")
    )
    slot: int | None = Field(default=None, ge=0)


class OtherFetch(Fetch):
    """A fetch besides. `message`: of which mail. `mail`: which one of several, by anything that names it."""

    message: Literal["this", "newer-in-thread", "same-domain"] = "this"
    mail: str | int | None = Field(default=None, validation_alias=AliasChoices("mail", "message_id"))


class OwnView(_Part):
    """The rep's own browser reports: I am viewing this mail."""

    user_agent: str | None = ""
    ip: str | None = Field(default=None, max_length=45)
    seconds_after_send: float = Field(ge=-1e9, le=1e9)


class Case(Fetch):
    """A fetch to judge, with what else happened."""

    id: str | int | None = None
    other_hits: Annotated[tuple[OtherFetch, ...], Field(max_length=1000)] = ()
    own_views: tuple[OwnView, ...] = ()
    recipients: int = Field(default=1, ge=0, le=10_000)


class Answer(BaseModel):
    """The verdict. `counted`: it turns Sent into Opened. `held`: told after 8 s, unless contradicted."""

    id: str | int | None = None
    verdict: str
    confidence: float
    rule_ids: tuple[str, ...]
    reasons: tuple[str, ...]
    counted: bool
    held: bool
    repeats: bool
    ruleset_version: str


def answer(case: Case, rules: RuleSet, language: Language = "en") -> Answer:
    """Judge the case as the tracker does, once all that the case tells has arrived."""
    state, wanted = _folded(case, rules)
    judged = _last_word(state, wanted)
    evidence = judged.finding.evidence
    return Answer(
        id=case.id,
        verdict=judged.finding.verdict,
        confidence=judged.finding.confidence,
        rule_ids=tuple(spoke.rule for spoke in evidence),
        reasons=tuple(SENTENCES[spoke.rule][language].format(**spoke.values) for spoke in evidence),
        counted=judged.finding.verdict in COUNTED and judged.folded_into is None,
        held=judged.held,
        repeats=judged.folded_into is not None,
        ruleset_version=rules.version,
    )


def _folded(case: Case, rules: RuleSet) -> tuple[MessageState, UUID]:
    state = MessageState(_MESSAGE, _sent(case), rules=rules)
    own, *others = _hits(case)
    hits = [(fetch, hit_of(event, rules)) for fetch, event in zip(case.other_hits, others, strict=True)]
    state.newer = tuple(hit for fetch, hit in hits if fetch.message == "newer-in-thread")
    state.elsewhere = tuple((_mail(fetch, hit), hit) for fetch, hit in hits if fetch.message == "same-domain")
    for view in case.own_views:
        state.put_beacon(beacon_of(_viewing(view)))
    judged = hit_of(own, rules)
    for hit in (judged, *(hit for fetch, hit in hits if fetch.message == "this")):
        state.put_hit(hit)
    return state, judged.hit_id


def _mail(fetch: OtherFetch, hit: Hit) -> UUID:
    """Each picture that names no mail is another mail's; links that name none are of one."""
    if fetch.mail is not None:
        return derived_id("case", "mail", str(fetch.mail))
    return hit.hit_id if fetch.endpoint == "pixel" else derived_id("case", "mail")


def _last_word(state: MessageState, hit_id: UUID) -> Judgement:
    """The judgement on the fetch itself, not on an open inferred from it."""
    entry = next(entry for entry in state.entries if entry.hit.hit_id == hit_id)
    return next(judgement for judgement, _ in entry.told if not judgement.inferred)


def _sent(case: Case) -> Sent:
    event_id = derived_id("case", "sent")
    return Sent(
        event_id, SendState.SENT, _SENT_AT, ALWAYS, _ACCOUNT, _USER, case.recipients, False, tracked=True
    )


def _hits(case: Case) -> Iterator[HitRecorded]:
    """The case's own fetch first."""
    fetches: Sequence[Fetch] = (case, *case.other_hits)
    links = _links(fetches)
    for number, (fetch, link) in enumerate(zip(fetches, links, strict=True)):
        yield HitRecorded(
            event_id=derived_id("case", "hit", number),
            occurred_at=_SENT_AT + timedelta(seconds=fetch.seconds_after_send),
            account_id=_ACCOUNT,
            message_id=_MESSAGE,
            endpoint=Endpoint(fetch.endpoint),
            method=fetch.method,
            slot=fetch.slot,
            link_index=link,
            client_address=fetch.ip,
            user_agent=(fetch.user_agent or "")[:MAX_USER_AGENT],
            headers=fetch.headers,
        )


def _links(fetches: Sequence[Fetch]) -> list[int | None]:
    """Numbers of links. One that is not named is another than the rest, but for a HEAD with its GET, and for
    two in all that are as far apart as a double click's or as a program that asks before the browser does."""
    known: dict[object, int] = {}
    numbers: list[int | None] = []
    is_one = _is_one_link(fetches)
    for place, fetch in enumerate(fetches):
        if fetch.endpoint == "pixel":
            numbers.append(None)
            continue
        pairs = is_one or (fetch.link is None and fetch.method != fetches[0].method)
        name = (
            (0,) if pairs and fetches[0].link is None else (place,) if fetch.link is None else str(fetch.link)
        )
        numbers.append(known.setdefault(name, len(known)))
    return numbers


def _is_one_link(fetches: Sequence[Fetch]) -> bool:
    """Whether two links without a name are rather one, followed twice: scanners ask within milliseconds."""
    times = [fetch.seconds_after_send for fetch in fetches if fetch.endpoint == "link"]
    is_unnamed = all(fetch.link is None for fetch in fetches)
    return is_unnamed and len(times) == 2 and _AT_ONCE_S < abs(times[0] - times[1]) <= _TWICE_S


def _viewing(view: OwnView) -> ViewingReported:
    return ViewingReported(
        event_id=derived_id("case", "view", view.seconds_after_send, view.user_agent, view.ip),
        occurred_at=_SENT_AT + timedelta(seconds=view.seconds_after_send),
        account_id=_ACCOUNT,
        message_id=_MESSAGE,
        user_id=_USER,
        client_address=view.ip,
        user_agent=(view.user_agent or "")[:MAX_USER_AGENT],
    )
