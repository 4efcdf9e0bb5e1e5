"""One stack, with every request traced, and one browser for all integration tests that can share them."""

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from deploy.local.home import PARTS, Home
from deploy.local.logs import rendered
from deploy.local.ports import Ports
from deploy.local.rep import Rep
from deploy.local.stack import Stack
from tests.integration.browser import chromium
from tests.integration.client import UNHURRIED, clean_environment, signed_in
from tests.integration.collector import Collector, collecting

_LAST_WORDS = 12  # lines of each part


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The logs are read when everything else has written to them. Run by several workers (xdist), what
    shares the stack stays together, and so does a module with servers of its own."""
    items.sort(key=lambda item: (item.path.name == "test_logs.py", _place(item)))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("stack" if _place(item) == 0 else item.path.stem))


def pytest_collection_finish(session: pytest.Session) -> None:
    """A worker fails where xdist has ignored the groups, as it silently does with pytest 9.2: each worker
    would start all servers, and the logs be read of one alone."""
    if getattr(session.config.option, "loadgroup", False):
        ungrouped = [item.nodeid for item in session.items if "@" not in item.nodeid]
        assert not ungrouped, "xdist has not put these into groups"


def _place(item: pytest.Item) -> int:
    """The stack's first, since no other worker can help with them; crm's short ones last, so that all workers
    end at once."""
    fixtures = getattr(item, "fixturenames", ())
    return 0 if "stack" in fixtures else 2 if "database" in fixtures else 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure says what the parts said last: where CI runs, nobody can look into their logs."""
    report = yield
    if report.failed:
        report.sections += [(f"last words of {part}", _last_words(part, log)) for part, log in _logs(item)]
    return report


def _logs(item: pytest.Item) -> Iterator[tuple[str, Path]]:
    """Of the stack's parts, and of services that the test has started in its own folder."""
    for home in _homes(item):
        yield from ((part, home.log(part)) for part in PARTS if home.log(part).exists())
    if (folder := getattr(item, "funcargs", {}).get("tmp_path")) is not None:
        yield from ((log.stem.partition("-")[0], log) for log in sorted(folder.glob("*.log")))


def _homes(item: pytest.Item) -> Iterator[Home]:
    """The homes of what the test was given: stacks and runners."""
    for given in getattr(item, "funcargs", {}).values():
        if isinstance(home := getattr(given, "home", None), Home):
            yield home


def _last_words(part: str, log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LAST_WORDS:]
    return "\n".join(rendered(part, line).plain.rstrip() for line in lines)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the stack's spans arrive."""
    with collecting() as collector:
        yield collector


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[Stack]:
    """The five services, broker and database, ready and seeded."""
    base = clean_environment() | {
        **UNHURRIED,
        "KAIFU_TELEMETRY_OTLP_ENDPOINT": collector.address,
        "KAIFU_TELEMETRY_TRACE_RATIO": "1.0",
        "KAIFU_TELEMETRY_OTLP_METRICS_INTERVAL_S": "1",
    }
    home = Home(tmp_path_factory.mktemp("stack"))
    async with Stack(home, Ports.free(), base=base, tell=print) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all pages; each test has a context of its own in it."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def rep(stack: Stack) -> AsyncIterator[Rep]:
    """A rep who has just signed in."""
    async with signed_in(stack.addresses, stack.sign_ins) as rep:
        yield rep
