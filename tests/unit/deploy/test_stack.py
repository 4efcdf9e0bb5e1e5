"""The order in which the stack brings back a broker that has forgotten everything. Its children are fakes
that write down what is done with them; that the real ones do it is shown in `test_child` and `test_up`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local import stack as stack_module
from deploy.local.child import Child, Tell
from deploy.local.environment import SERVICES
from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.stack import Stack

RESTARTED = ("crm", "tracker", "logger", "notifier")


class FakeChild(Child):
    """A child without a process."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self.name = name
        self.diary = diary
        self.alive = True

    @property
    def pid(self) -> int | None:
        return 1 if self.alive else None

    def pause(self) -> None:
        self.diary.append(f"pause {self.name}")

    def resume(self) -> None:
        self.diary.append(f"resume {self.name}")

    async def restart(self, tell: Tell) -> None:
        self.diary.append(f"restart {self.name}")
        self.alive = True

    async def stop(self, tell: Tell) -> None:
        self.alive = False

    def kill(self) -> None:
        self.alive = False


@pytest.fixture
def diary() -> list[str]:
    return []


@pytest_asyncio.fixture
async def stack(tmp_path: Path, diary: list[str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stack]:
    async def topics(_: object) -> None:
        diary.append("topics")

    monkeypatch.setattr(stack_module, "broker_with_topics", topics)
    stack = Stack(Home(tmp_path), Ports.free(), base={}, tell=lambda _: None)
    stack.home.make()
    stack._children.update({name: FakeChild(name, diary) for name in ("broker", "database", *SERVICES)})
    yield stack
    await stack.stop()


async def returned(stack: Stack) -> None:
    assert stack._broker_return is not None
    await stack._broker_return


async def test_nobody_speaks_to_an_empty_broker_before_it_has_its_topics(
    stack: Stack, diary: list[str]
) -> None:
    """A client that asks for a topic makes it; made twice at once, it loses what it has acknowledged."""
    await stack._revive(stack._children["broker"])
    await returned(stack)
    topics, broker = diary.index("topics"), diary.index("restart broker")
    assert {f"pause {name}" for name in SERVICES} == set(diary[:broker])
    assert topics == broker + 1
    assert {f"resume {name}" for name in SERVICES} == set(diary[topics + 1 : topics + 1 + len(SERVICES)])
    assert diary[topics + 1 + len(SERVICES) :] == [f"restart {name}" for name in RESTARTED]


async def test_a_service_that_died_meanwhile_waits_for_the_topics_and_is_started_once(
    stack: Stack, diary: list[str]
) -> None:
    tracker = stack._children["tracker"]
    assert isinstance(tracker, FakeChild)
    tracker.alive = False
    await stack._revive(stack._children["broker"])
    await stack._revive(tracker)
    assert diary.count("restart tracker") == 1
    assert diary.index("topics") < diary.index("restart tracker")


async def test_services_go_on_when_the_topics_can_t_be_made(
    stack: Stack, diary: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(stack_module, "broker_with_topics", fails)
    await stack._revive(stack._children["broker"])
    with pytest.raises(TimeoutError):
        await returned(stack)
    assert {f"resume {name}" for name in SERVICES} <= set(diary)
