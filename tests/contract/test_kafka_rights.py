"""Who may do what on Kafka is what the catalogue says."""

from deploy.kubernetes.access import OPERATOR, READINGS, SERVICES, rights_of, user_name
from shared.events.catalogue import TOPICS
from tests.contract.manifests import (
    each_workload,
    environment,
    named,
)


def test_readings_are_those_of_the_catalogue() -> None:
    """The groups that services join read the topics that the catalogue says, and no other."""
    for topic in TOPICS:
        readers = {reading.service for reading in READINGS if topic in reading.topics}
        assert readers == set(topic.consumers), topic.name


def test_nobody_may_do_more_on_kafka_than_the_catalogue_says() -> None:
    """Per topic: who writes, who reads; dead letters are written by who commits, and read by people alone."""
    for topic in TOPICS:
        assert _may(topic.name, "Write") == {*topic.producers, OPERATOR}
        assert _may(topic.name, "Read") == set(topic.consumers)
        commits = {one.service for one in READINGS if one.group is not None and topic in one.topics}
        assert _may(topic.dead_letters, "Write") == commits
        assert _may(topic.dead_letters, "Read") == {OPERATOR}


def _may(topic: str, operation: str) -> set[str]:
    return {
        user
        for user in (*SERVICES, OPERATOR)
        for right in rights_of(user)
        if right.resource == "topic" and right.name == topic and operation in right.operations
    }


def test_every_client_of_kafka_is_its_own_user() -> None:
    """Signed in as the user that Strimzi makes, with that user's Secret."""
    for overlay, workload in each_workload():
        found = environment(overlay, workload)
        if "KAIFU_KAFKA_BOOTSTRAP" not in found:
            assert workload.name == "migrate"
            continue
        user = user_name(workload.name if workload.name in SERVICES else OPERATOR)
        assert found["KAIFU_KAFKA_SASL_USERNAME"] == user
        (password,) = (
            one["valueFrom"]["secretKeyRef"]
            for one in workload.container["env"]
            if one["name"] == "KAIFU_KAFKA_SASL_PASSWORD"
        )
        assert password == {"name": user, "key": "password"}
        assert named(overlay, "KafkaUser", user)
