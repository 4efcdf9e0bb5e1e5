"""What the doctor makes of metrics, clocks and addresses."""

import time
from collections import defaultdict
from email.utils import formatdate
from urllib.parse import urlsplit

import pytest

from shared.bus.topics import wanted_topics
from shared.doctor.addresses import _origins
from shared.doctor.broker import _differences
from shared.doctor.findings import Finding, State
from shared.doctor.running import _clock, _sums, _trouble
from shared.events.catalogue import HITS
from shared.settings import KafkaSettings


def told(findings: list[Finding]) -> list[tuple[State, str]]:
    return [(finding.state, finding.sentence) for finding in findings]


def trouble(metrics: str) -> list[tuple[State, str]]:
    sums: defaultdict[str, float] = defaultdict(float, _sums(metrics))
    return told(list(_trouble("ingest", sums)))


@pytest.mark.parametrize(
    ("metrics", "state", "words"),
    [
        ('kaifu_consumer_stopped{consumer="crm"} 1', State.WRONG, "KaifuConsumerStopped"),
        ('kaifu_consumer_lag{p="0"} 600\nkaifu_consumer_lag{p="1"} 401', State.WRONG, "1001 messages behind"),
        ('kaifu_hits_lost_total{why="full"} 2', State.WRONG, "2 hits lost since its start"),
        (
            "kaifu_spool_oldest_age_seconds 301\nkaifu_spool_records 7",
            State.WRONG,
            "7 hits wait in the spool, the oldest for 301 s",
        ),
        ("kaifu_spool_bytes 81\nkaifu_spool_limit_bytes 100", State.WRONG, "KaifuSpoolFull"),
        ('kaifu_dead_letters_total{topic="a"} 3', State.DOUBT, "3 messages set aside"),
    ],
)
def test_what_the_metrics_say_is_wrong_is_said_with_its_page(metrics: str, state: State, words: str) -> None:
    ((found, sentence),) = trouble(metrics)
    assert found is state
    assert words in sentence
    assert "docs/operations.md" in sentence


def test_what_is_usual_is_not_worth_a_word() -> None:
    usual = """
        kaifu_consumer_stopped{consumer="crm"} 0
        kaifu_consumer_lag{p="0"} 1000
        kaifu_hits_lost_total 0
        kaifu_spool_oldest_age_seconds 300
        kaifu_spool_bytes 80
        kaifu_spool_limit_bytes 100
        kaifu_dead_letters_total 0
    """
    assert trouble("\n".join(line.strip() for line in usual.splitlines())) == []


@pytest.mark.parametrize(("off_s", "words"), [(10, "ahead"), (-10, "behind")])
def test_a_clock_that_differs_is_said(off_s: float, words: str) -> None:
    ((state, sentence),) = told(list(_clock("crm", formatdate(time.time() + off_s, usegmt=True))))
    assert state is State.WRONG
    assert words in sentence


def test_a_clock_that_agrees_or_is_not_told_is_no_matter() -> None:
    assert list(_clock("crm", formatdate(time.time(), usegmt=True))) == []
    assert list(_clock("crm", "")) == []


@pytest.mark.parametrize(
    ("app", "tracking", "state", "words"),
    [
        ("https://a.example", "https://a.example", State.WRONG, "share one origin"),
        ("https://a.example", "https://a.example:444", State.WRONG, "differ by port only"),
        ("https://a.example", "http://t.example", State.WRONG, "not HTTPS"),
        ("http://127.0.0.1:1", "http://127.0.0.1:2", State.DOUBT, "no recipient can reach it"),
        ("https://a.example", "https://t.example", State.FINE, "apart"),
    ],
)
def test_the_tracking_host_is_apart(app: str, tracking: str, state: State, words: str) -> None:
    ((found, sentence),) = told(list(_origins(urlsplit(app), urlsplit(tracking))))
    assert found is state
    assert words in sentence


def test_a_topic_that_differs_is_said_in_each_way() -> None:
    settings = KafkaSettings(partitions=4, replication=3)
    wanted = next(topic for topic in wanted_topics(settings) if topic.name == HITS.name)
    whole = [{"partition": number, "replicas": [1, 2, 3], "isr": [1, 2, 3]} for number in range(4)]
    config = dict(wanted.topic_configs)
    assert list(_differences(wanted, whole, config)) == []
    assert list(_differences(wanted, whole, None)) == [], "this user may not ask"
    thin = [{"partition": 0, "replicas": [1, 2], "isr": [1]}]
    found = told(list(_differences(wanted, thin, config | {"cleanup.policy": "other"})))
    assert [state for state, _ in found] == [State.WRONG, State.WRONG, State.DOUBT, State.WRONG]
    for (_, sentence), words in zip(
        found,
        ("has 1 partitions, the settings say 4", "has 2 copies", "copy that is behind", "is other"),
        strict=True,
    ):
        assert words in sentence
