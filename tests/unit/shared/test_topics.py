"""Checking topics that somebody else makes."""

from typing import Any

import pytest
from typer.testing import CliRunner

from shared.bus import commands, topics
from shared.events.catalogue import HITS, SENDS, TOPICS


class _Admin:
    """A broker without email.hits, and with one partition too few of email.sends."""

    def __init__(self, **_: Any) -> None: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        usual = {name: 1 if name.endswith(".dlq") else 12 for name in names}
        partitions = usual | {HITS.name: 0, SENDS.name: 11}
        return [{"topic": name, "partitions": [{}] * partitions[name]} for name in names]


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", _Admin)


@pytest.mark.usefixtures("admin")
def test_what_is_wrong_is_said_and_is_a_failure() -> None:
    done = CliRunner().invoke(commands.topics, ["check"])
    assert done.exit_code == 1
    assert done.output == "email.sends has 11 partitions, not 12\nemail.hits is missing\n"


@pytest.mark.usefixtures("admin")
def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "TOPICS", [one for one in TOPICS if one not in (HITS, SENDS)])
    done = CliRunner().invoke(commands.topics, ["check"])
    assert (done.exit_code, done.output) == (0, "all topics are there\n")
