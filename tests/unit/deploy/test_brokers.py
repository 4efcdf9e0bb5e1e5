"""Which broker this machine runs, and what it is told."""

import re
from pathlib import Path
from uuid import UUID

import pytest

from deploy.local import kafka
from deploy.local.brokers import APACHE, CONTAINER, EMBEDDED, UnknownBroker, chosen
from deploy.local.home import REPOSITORY
from deploy.local.kafka import VERSION, cluster_id_of
from deploy.local.kafka_container import environment
from deploy.local.ports import Ports


def test_the_embedded_broker_unless_another_is_asked_for() -> None:
    assert chosen({}) is chosen({"KAIFU_BROKER": ""}) is EMBEDDED
    assert chosen({"KAIFU_BROKER": "kafka"}) is APACHE
    assert chosen({"KAIFU_BROKER": "container"}) is CONTAINER


def test_an_unknown_broker_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownBroker, match="KAIFU_BROKER=rabbit is no broker: there are embedded, kafka"):
        chosen({"KAIFU_BROKER": "rabbit"})


def test_only_the_embedded_broker_forgets_and_needs_short_fetches() -> None:
    assert (EMBEDDED.forgets, APACHE.forgets, CONTAINER.forgets) == (True, False, False)
    waits = [broker.settings_of("tracker")["KAIFU_KAFKA_FETCH_MAX_WAIT_MS"] for broker in (EMBEDDED, APACHE)]
    assert waits == ["5", "500"]


def test_jars_and_image_are_one_version() -> None:
    pom = (REPOSITORY / "deploy" / "kafka" / "pom.xml").read_text()
    assert re.findall(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>(.+)</version>", pom) == [VERSION]


def test_the_container_is_told_what_the_jars_are_told() -> None:
    text = (REPOSITORY / "deploy" / "kafka" / "server.properties").read_text()
    jars = dict(re.findall(r"^([a-z.]+)=(.*)$", text, re.MULTILINE))
    image = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment(8810, "id").items()
    }
    same = {"auto.create.topics.enable", "offsets.topic.replication.factor", "group.min.session.timeout.ms"}
    assert same <= jars.keys()
    assert {name: image[name] for name in jars.keys() & image.keys()} == {
        name: jars[name] for name in jars.keys() & image.keys()
    }


def test_a_cluster_keeps_its_id(tmp_path: Path) -> None:
    first = cluster_id_of(tmp_path / "one")
    assert cluster_id_of(tmp_path / "one") == first
    assert cluster_id_of(tmp_path / "two") != first
    assert len(first) == 22


def test_no_cluster_id_looks_like_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([UUID(int=0xF8 << 120), UUID(int=1)])
    monkeypatch.setattr(kafka, "uuid4", lambda: next(drawn))
    assert cluster_id_of(tmp_path) == "AAAAAAAAAAAAAAAAAAAAAQ"


def test_the_jars_start_in_the_folder_that_they_are_given(tmp_path: Path) -> None:
    ports = Ports.free()
    command = list(APACHE.command(ports, tmp_path))
    assert command[-2:] == ["--folder", str(tmp_path)]
    assert str(ports["controller"]) in command
