"""Events to bytes and back."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.events.base import Event, unchecked
from shared.events.catalogue import TOPICS, event_types, topic_of
from shared.events.codec import UndecodableEvent, decode, encode
from shared.events.examples import examples_of
from shared.events.sends import MessageSent
from tests.schema_values import values

ALL = [event for topic in TOPICS for event in event_types(topic)]
EXAMPLES = [example for event in ALL for example in examples_of(event).values()]


def _sent() -> MessageSent:
    sent = examples_of(MessageSent)["full"]
    assert isinstance(sent, MessageSent)
    return sent


def _changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(encode(_sent())) | fields).encode()


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_every_event_comes_back_equal(event: Event) -> None:
    assert decode(topic_of(event).name, encode(event)) == event


@cache
def _values(event: type[Event]) -> st.SearchStrategy[Any]:
    return values(event.model_json_schema())


@settings(deadline=None)  # the first example of each event builds its strategy
@given(data=st.data(), event=st.sampled_from(ALL))
def test_any_valid_event_comes_back_equal(data: st.DataObject, event: type[Event]) -> None:
    value = data.draw(_values(event))
    made = event.model_validate_json(json.dumps(value))
    assert encode(made) == made.model_dump_json().encode()
    assert decode(topic_of(made).name, encode(made)) == made


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_an_unchecked_event_is_no_other(event: Event) -> None:
    given = {name: getattr(event, name) for name in sorted(type(event).model_fields, reverse=True)}
    made = unchecked(type(event))(**given)
    assert made == event
    assert made.model_copy() == event
    assert encode(made) == encode(event)
    with pytest.raises(TypeError):
        encode(unchecked(type(event))())


def test_a_producer_can_not_add_a_field() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        MessageSent(**_sent().model_dump(), subject="Angebot")


def test_an_event_can_not_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        _sent().tracked = False  # type: ignore[misc]


def test_a_naive_time_is_refused_and_others_are_in_utc() -> None:
    fields = _sent().model_dump()
    with pytest.raises(ValidationError, match="timezone"):
        MessageSent(**fields | {"occurred_at": "2026-11-02T09:00:00"})
    assert MessageSent(**fields | {"occurred_at": "2026-11-02T18:00:00+09:00"}).occurred_at.hour == 9


def test_a_consumer_ignores_unknown_fields_also_deep_inside() -> None:
    from shared.events.engagements import EngagementJudged

    judged = examples_of(EngagementJudged)["full"]
    value = json.loads(encode(judged))
    value["added_later"] = 1
    value["evidence"][0]["added_later"] = {"a": 1}
    assert decode(topic_of(judged).name, json.dumps(value).encode()) == judged


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "tombstone"),
        (b"", "value: json_invalid"),
        (b"\xff\xfe", "value: json_invalid"),
        (b"[]", "value: "),
        (b"{}", "value: union_tag_not_found"),
        (_changed(type="message_teleported"), "value: union_tag_invalid"),
        (_changed(schema_version=2), "message_sent.schema_version: literal_error"),
        (_changed(account_id="rep@kaifu.example"), "message_sent.account_id: uuid_parsing"),
        (_changed(recipient_count=-1), "message_sent.recipient_count: greater_than_equal"),
    ],
)
def test_what_is_no_event_has_a_reason_that_quotes_no_value(value: bytes | None, reason: str) -> None:
    with pytest.raises(UndecodableEvent) as caught:
        decode(topic_of(_sent()).name, value)
    assert caught.value.reason.startswith(reason)
    assert "rep@" not in caught.value.reason
    assert "teleported" not in caught.value.reason


def test_a_topic_holds_only_its_own_events() -> None:
    other = next(topic for topic in TOPICS if topic is not topic_of(_sent()))
    with pytest.raises(UndecodableEvent):
        decode(other.name, encode(_sent()))
    with pytest.raises(KeyError):
        decode("email.nothing", encode(_sent()))
