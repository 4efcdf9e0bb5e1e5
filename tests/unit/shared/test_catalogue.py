"""The catalogue holds together."""

from datetime import timedelta

import pytest

from shared.events.catalogue import TOPICS, Topic, event_types, topic_named
from shared.events.examples import examples_of

SERVICES = {"ingest", "tracker", "logger", "notifier", "crm"}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_is_written_and_read_by_known_services(topic: Topic) -> None:
    assert topic.producers
    assert topic.consumers
    assert {topic.owner, *topic.producers, *topic.consumers} <= SERVICES
    assert topic_named(topic.name) is topic


def test_names_and_events_are_there_once() -> None:
    names = [topic.name for topic in TOPICS]
    events = [event for topic in TOPICS for event in event_types(topic)]
    assert len(set(names)) == len(names)
    assert len(set(events)) == len(events)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_key_is_the_field_that_the_catalogue_names(topic: Topic) -> None:
    for event in event_types(topic):
        for example in examples_of(event).values():
            fields = topic.key.split(" or ")
            values = {str(getattr(example, name, None)) for name in fields}
            assert example.key() in values | {str(getattr(example, "subject_id", None))}


def test_compacted_topics_are_kept_for_ever_and_hits_briefly() -> None:
    for topic in TOPICS:
        policy = topic.broker_config()["cleanup.policy"]
        assert (policy == "compact") is topic.compacted
        assert ("retention.ms" in topic.broker_config()) is not topic.compacted
    assert topic_named("email.hits").retention == timedelta(days=7)
