"""`make up`: what it says, what it survives, how it ends, and that data outlive it."""

import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from deploy.local.brokers import chosen
from deploy.local.database_user import DATABASE
from deploy.local.environment import SERVICES
from deploy.local.home import PARTS, Home
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.readiness import all_ready
from deploy.local.rep import Json, Refused, Rep, load_pixel, until
from deploy.local.screen import open_screen
from tests.integration.client import signed_in
from tests.integration.running import Runner, alive, command, none_alive, running

pytestmark = pytest.mark.integration
AGAIN_WITHIN_S = 120.0  # a broker that was killed looks through its logs before it answers


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def up(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runner]:
    """A runner that is ready, shared by the tests that leave it so."""
    async with running(Home(tmp_path_factory.mktemp("up") / "home"), Ports.free()) as runner:
        yield runner


async def tracked(rep: Rep) -> Json:
    """A tracked mail that was sent and stands in the feed."""
    prepared = await rep.prepare([{"address": "old@recipient.example"}], [])
    await rep.confirm_sent(prepared)
    await until(lambda: rep.feed_row(prepared["message_id"]), "the sent mail in the feed")
    return prepared


async def pixel_counts(runner: Runner, rep: Rep, prepared: Json) -> None:
    """Load the pixel: the push comes and the feed shows one open."""
    async with open_screen(runner.addresses["push_url"], rep.token) as screen:
        await load_pixel(rep.http, prepared["pixel_url"])
        opened = {"type": "notification_raised", "kind": "opened", "message_id": prepared["message_id"]}
        await screen.event(AGAIN_WITHIN_S, **opened)

    await until(_opened(rep, prepared["message_id"]), "one open in the feed")


def _opened(rep: Rep, message_id: str) -> Callable[[], Awaitable[bool | None]]:
    async def look() -> bool | None:
        row = await rep.feed_row(message_id)
        return True if row is not None and row["opens"] == 1 else None

    return look


def _changed(
    runner: Runner, before: dict[str, int], parts: tuple[str, ...]
) -> Callable[[], Awaitable[bool | None]]:
    async def look() -> bool | None:
        now = runner.pids
        return True if all(part in now and now[part] != before[part] for part in parts) else None

    return look


async def test_a_table_of_addresses_and_sign_ins_and_the_word_ready(up: Runner) -> None:
    for name in ("app_url", "api_url", "tracking_url", "push_url", "broker", "database"):
        assert up.addresses[name] in up.said
    for url in up.addresses["ops"].values():
        assert url in up.said
    async with signed_in(up.addresses, up.sign_ins) as rep:
        assert rep.address in up.said
    assert up.said.splitlines()[-1].startswith("ready")


async def test_a_second_up_says_that_it_runs_already(up: Runner) -> None:
    before = up.pids
    code, output = await command(up.home, up.ports, "up")
    assert (code, output.count("\n")) == (2, 1)
    assert f"already running (process {up.process.pid})" in output
    assert up.pids == before


async def test_reset_refuses_while_it_runs(up: Runner) -> None:
    code, output = await command(up.home, up.ports, "reset", "--force")
    assert code == 2
    assert "make down" in output
    assert up.home.keys.is_dir()


async def test_a_taken_port_is_one_line_before_anything_starts(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home, ports = Home(tmp_path_factory.mktemp("taken")), Ports.free()
    with socket.socket() as other:
        other.bind((LOOPBACK, ports["notifier"]))
        other.listen()
        code, output = await command(home, ports, "up")
    assert (code, output.count("\n")) == (2, 1)
    for part in (str(ports["notifier"]), "pushes to screens", "KAIFU_PORT_NOTIFIER"):
        assert part in output
    assert not home.logs.exists(), "nothing was started"


async def test_a_service_that_can_t_start_is_given_up_with_its_reason(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = Home(tmp_path_factory.mktemp("hopeless") / "home")
    code, output = await command(home, Ports.free(), "up", KAIFU_LOGGER_COMMIT_INTERVAL_S="0")
    assert code == 1
    assert output.count("logger died (exit code 1)") == 5
    assert "LoggerSettings.commit_interval_s: Input should be greater than 0" in output
    last = output.splitlines()[-1]
    assert "giving up" in last
    assert str(home.log("logger")) in last
    assert alive(home) == []


@pytest.mark.parametrize("service", ["tracker", "ingest", "notifier", "logger", "crm"])
async def test_a_dead_service_is_said_and_restarted(up: Runner, service: str) -> None:
    before, heard = up.pids, len(up.said)
    os.kill(before[service], signal.SIGKILL)
    await up.says(f"{service} died (killed by SIGKILL)", 10, heard)
    await up.says(f"{service} is started again", 10, heard)
    await all_ready(up.addresses["ops"], 30)
    after = up.pids
    assert after[service] != before[service]
    assert {name: pid for name, pid in after.items() if name != service} == {
        name: pid for name, pid in before.items() if name != service
    }


async def test_the_database_answers_nobody_without_crm_s_password(up: Runner) -> None:
    client: AsyncMongoClient[Json] = AsyncMongoClient(
        f"mongodb://{up.addresses['database']}/?directConnection=true"
    )
    async with client:
        assert (await client.admin.command("ping"))["ok"] == 1
        with pytest.raises(OperationFailure, match="requires authentication"):
            await client[DATABASE]["users"].find_one()


def _parts_of(output: str) -> set[str]:
    """Whose log lines these are: the part stands after the time."""
    return {line[13:22].strip() for line in output.splitlines()} & set(PARTS)


async def test_the_logs_can_be_shown(up: Runner) -> None:
    code, output = await command(up.home, up.ports, "logs", "--no-follow")
    assert code == 0
    assert _parts_of(output) >= set(SERVICES)
    code, output = await command(up.home, up.ports, "logs", "--no-follow", "--service", "tracker")
    assert code == 0
    assert _parts_of(output) == {"tracker"}
    code, output = await command(up.home, up.ports, "logs", "--no-follow", "--service", "postman")
    assert code == 2
    assert "there are" in output


async def broker_is_back(up: Runner, heard: int) -> str:
    """The line that says so."""
    forgets = chosen(os.environ).forgets
    return await up.says("The new broker is empty" if forgets else "broker is started again", 30, heard)


@pytest.mark.requirement("T9")
async def test_an_old_pixel_counts_after_the_broker_died(up: Runner) -> None:
    """ingest never stops. crm restores email.sends if the broker forgets; else nothing is restarted."""
    async with signed_in(up.addresses, up.sign_ins) as rep:
        prepared = await tracked(rep)
        before, heard = up.pids, len(up.said)
        os.kill(before["broker"], signal.SIGKILL)
        if not chosen(os.environ).forgets:
            await broker_is_back(up, heard)
            await all_ready(up.addresses["ops"], 60)
            await pixel_counts(up, rep, prepared)
            assert {**up.pids, "broker": 0} == {**before, "broker": 0}
            return
        restarted = ("crm", "tracker", "logger", "notifier")
        line = await up.says("The new broker is empty", 20, heard)
        assert line.endswith(": restarting " + ", ".join(restarted))
        await until(_changed(up, before, restarted), "new processes", 30)
        await all_ready(up.addresses["ops"], 60)
        assert up.pids["ingest"] == before["ingest"]
        await pixel_counts(up, rep, prepared)


async def test_a_pixel_during_the_broker_s_absence_is_not_lost(up: Runner) -> None:
    """Served at once from the spool, counted when the broker is back."""
    async with signed_in(up.addresses, up.sign_ins) as rep:
        prepared = await tracked(rep)
        before, heard = up.pids, len(up.said)
        os.kill(before["broker"], signal.SIGSTOP)
        try:
            await load_pixel(rep.http, prepared["pixel_url"])
        finally:
            os.kill(before["broker"], signal.SIGKILL)
        await broker_is_back(up, heard)

        async def opened() -> bool | None:
            try:
                row = await rep.feed_row(prepared["message_id"])
            except (httpx.HTTPError, Refused):  # crm is being restarted
                return None
            return True if row is not None and row["opens"] == 1 else None

        await until(opened, "the open that was spooled", AGAIN_WITHIN_S)
        await all_ready(up.addresses["ops"], 60)


def _last_event(home: Home, service: str) -> str:
    """What the service said last: `stopped` after an orderly end only."""
    return str(json.loads(home.log(service).read_text().splitlines()[-1])["event"])


@pytest.mark.requirement("T9")
async def test_data_outlive_an_orderly_end_and_a_killed_runner(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home, ports = Home(tmp_path_factory.mktemp("again") / "home"), Ports.free()
    async with running(home, ports) as first:
        async with signed_in(first.addresses, first.sign_ins) as rep:
            one, two = await tracked(rep), await tracked(rep)
        assert await first.end(signal.SIGTERM) == 0
        assert first.said.splitlines()[-1] == "Stopped"
        assert "is killed" not in first.said
        assert {service: _last_event(home, service) for service in SERVICES} == dict.fromkeys(
            SERVICES, "stopped"
        )
        assert alive(home) == []
    assert home.runner() is None

    async with running(home, ports) as second:
        async with signed_in(second.addresses, second.sign_ins) as rep:
            await pixel_counts(second, rep, one)
        assert await second.end(signal.SIGKILL) == -signal.SIGKILL
        await none_alive(home)

    code, output = await command(home, ports, "up", "--detach")
    assert code == 0, output
    assert "ready" in output
    try:
        third = home.running()
        assert third is not None
        async with signed_in(third, first.sign_ins) as rep:
            row = await rep.feed_row(one["message_id"])
            assert row is not None
            assert row["opens"] == 1, "what was counted before the kill is still there"
            await load_pixel(rep.http, two["pixel_url"])
            await until(_opened(rep, two["message_id"]), "the second old mail's open")
    finally:
        code, output = await command(home, ports, "down")
    assert (code, output) == (0, "Stopped\n")
    assert alive(home) == []
    assert await command(home, ports, "down") == (0, "Kaifu is not running\n")
    assert (await command(home, ports, "reset", "--force"))[0] == 0
    assert not home.root.exists()
