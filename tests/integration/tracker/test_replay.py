"""`kaifu replay` between broker, tracker and crm, each a process of its own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from deploy.local.brokers import PARTITIONS
from deploy.local.ports import free_port
from services.crm.application.clock import utc_now
from services.crm.model.messages import FeedState
from services.tracker.adapters.replay_sources import Sources
from services.tracker.adapters.replaying import Replay
from services.tracker.adapters.whole_topics import reading, records
from services.tracker.replay.bookmark import Bookmark
from services.tracker.replay.differences import Rules
from services.tracker.revocations import Revocations
from services.tracker.rules.rulesets import RULESETS
from shared.directory.histories import HistoriesAsked
from shared.events.base import Event
from shared.events.catalogue import ENGAGEMENTS, NOTIFICATIONS, Topic
from shared.events.codec import decode
from shared.events.engagements import EngagementJudged
from shared.events.notifications import FeedChanged
from shared.events.revocations import RevocationScope, TrackingRevoked
from tests.integration.crm.people import People, make_people
from tests.integration.crm.stage import DIRECTORY_TOKEN, Stage, counts, prepared, publish, stage, until
from tests.integration.own_broker import service
from tests.unit.tracker.made import CHROME, OTHER_ADDRESS, hit, message

pytestmark = [pytest.mark.integration, pytest.mark.requirement("B2")]
SENT_AT = utc_now() - timedelta(days=3)
SINCE = (SENT_AT - timedelta(days=1)).isoformat()
OLD, NEW = "2026.11.1", "2026.11.2"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
BURST = ((60.0, None), (60.2, 0), (60.4, 1))  # seconds after the send, link
SCANNED = 4
ALL_OPENED = [FeedState.OPENED] * (SCANNED + 1)
CORRECTED = [FeedState.SENT] * SCANNED + [FeedState.OPENED]


@dataclass
class Judged:
    """Mails that are judged by the old rules: all but the last were fetched by a scanner alone."""

    stage: Stage
    people: People
    mails: list[UUID]
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of the command."""
        return {
            **self.stage.broker.environment(),
            "KAIFU_DIRECTORY_URL": f"http://127.0.0.1:{self.stage.crm_port}",
            "KAIFU_DIRECTORY_TOKEN": DIRECTORY_TOKEN,
        }

    async def replay(self, *options: str, **changed: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error of `kaifu replay`."""
        code = "import typer; from services.tracker.replay_commands import replay; typer.run(replay)"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, *options),
            cwd=self.folder,
            env={**os.environ, **self.environment, **changed},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def found(self, *options: str, **changed: str) -> dict[str, Any]:
        """The same of this account's mails, in JSON."""
        of_account = ("--account", str(self.people.account_id))
        code, out, err = await self.replay("--json", "--since", SINCE, *of_account, *options, **changed)
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)
        return found

    async def states(self) -> list[FeedState]:
        """What the rep's feed says."""
        page = await self.stage.crm.feed.page(self.people.account_id, self.people.rep.id, None, 50)
        rows = {row.message_id: row.state for row in page.items}
        return [rows[mail] for mail in self.mails if mail in rows]

    async def until_states(self, states: list[FeedState]) -> None:
        """Wait for it."""

        async def look() -> bool | None:
            return True if await self.states() == states else None

        await until(look, f"the feed says {states}")

    async def told(self, topic: Topic) -> list[Event]:
        """All of this account's in a topic, in one order whatever partition came first."""
        async with reading(self.stage.broker.settings) as client:
            found = [record async for record in records(client, topic, PARTITIONS)]
        found.sort(key=lambda record: (record.partition, record.offset))
        events = [decode(topic.name, record.value) for record in found]
        return [event for event in events if event.account_id == self.people.account_id]

    async def pop_ups(self) -> list[Event]:
        """What raises or retracts one; that the feed changed does not."""
        return [one for one in await self.told(NOTIFICATIONS) if not isinstance(one, FeedChanged)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Broker, database, crm, and a tracker that judges by the old rules."""
    folder = tmp_path_factory.mktemp("replay")
    async with stage(folder) as running:
        settings = {"KAIFU_TRACKER_STATE": str(folder / "state"), "KAIFU_TRACKER_RULESET": OLD}
        async with service("tracker", running.broker.environment() | settings, folder):
            yield running


@pytest_asyncio.fixture(loop_scope="session")
async def judged(running: Stage, tmp_path: Path) -> Judged:
    """An account's mails, judged, stored and archived."""
    people = await make_people(running.crm)
    mails = sorted(await prepared(running.crm, people, SCANNED + 1))
    archived = await counts(running, "hits")
    hits = [_hit(people, mail, seconds, link) for mail in mails[:-1] for seconds, link in BURST]
    hits.append(_hit(people, mails[-1], 3700, None, PHONE))
    await publish(running.broker, [_sent(people, mail) for mail in mails] + hits)
    found = Judged(running, people, mails, tmp_path)
    await found.until_states(ALL_OPENED)

    async def look() -> bool | None:
        return True if await counts(running, "hits") == archived + len(hits) else None

    await until(look, "all hits are archived")
    return found


def _sent(people: People, mail: UUID) -> Event:
    of = {"account_id": people.account_id, "user_id": people.rep.id}
    return message(message_id=mail, occurred_at=SENT_AT, prepared_at=SENT_AT, **of)


def _hit(people: People, mail: UUID, seconds: float, link: int | None, agent: str = CHROME) -> Event:
    made = hit(seconds, link=link, agent=agent, address=OTHER_ADDRESS, message_id=mail)
    at = SENT_AT + timedelta(seconds=seconds)
    return made.model_copy(update={"occurred_at": at, "account_id": people.account_id})


async def test_a_burst_s_opens_turn_back_to_sent_and_nobody_is_notified(judged: Judged) -> None:
    """First shown, then sent; twice changes nothing more; the old rules undo it."""
    options = ("--since", SINCE, "--account", str(judged.people.account_id), "--ruleset", NEW)
    before, pop_ups = await judged.told(ENGAGEMENTS), await judged.pop_ups()
    code, shown, said = await judged.replay(*options, "--dry-run")
    assert code == 0, said
    assert "4 mails from Opened to Sent, 0 from Sent to Opened" in " ".join(shown.split())
    assert "bursts.links-at-once" in shown
    assert "reads crm" in said
    assert await judged.told(ENGAGEMENTS) == before
    code, _, said = await judged.replay(*options)
    assert (code, "nothing was sent: --yes" in said) == (1, True), said
    assert await judged.told(ENGAGEMENTS) == before

    code, _, said = await judged.replay(*options, "--yes")
    assert code == 0, said
    await judged.until_states(CORRECTED)
    assert await judged.pop_ups() == pop_ups
    assert len(pop_ups) > SCANNED
    sent = [one for one in await judged.told(ENGAGEMENTS) if one not in before]
    assert {(type(one), one.revision, one.ruleset_version) for one in sent} == {  # type: ignore[attr-defined]
        (EngagementJudged, 1000, NEW)
    }
    again = await judged.found("--yes", "--ruleset", NEW)
    assert (again["end"], again["summary"]["corrections"], again["sent"]) == ("nothing differs", 0, 0)
    assert not (judged.folder / "var" / "replay.json").exists()

    back = await judged.found("--yes", "--ruleset", OLD)
    assert (back["end"], back["sent"]) == ("done", len(sent))
    await judged.until_states(ALL_OPENED)
    assert await judged.pop_ups() == pop_ups


async def test_interrupted_it_is_resumed(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent before stands and is not sent again."""
    for name, value in judged.environment.items():
        monkeypatch.setenv(name, value)
    kafka, stopping = judged.stage.broker.settings, asyncio.Event()
    until_ = utc_now() - timedelta(days=1)
    since = datetime.fromisoformat(SINCE)
    account, state = judged.people.account_id, judged.folder / "var" / "replay.json"
    asked = HistoriesAsked(since=since, until=until_, account_id=account)
    begun = Bookmark(since=since, until=until_, ruleset=NEW, source="archive", account_id=account)

    class Outlet:
        """Kafka, until two messages are done; then Ctrl-C is pressed."""

        def __init__(self) -> None:
            self.sent = 0

        async def send(self, corrections: list[EngagementJudged]) -> None:
            await publish(judged.stage.broker, corrections)
            self.sent += 1
            if self.sent == 2:
                stopping.set()

    async with Sources.opened(kafka, asked) as sources, sources.source("archive", asked, state) as source:
        rules = Rules(RULESETS[NEW], timedelta(hours=24), until_)
        replay = Replay(source, rules, Revocations(), stopping, lambda _: None)
        bookmark, _ = await replay.send(begun, state, Outlet(), at_once=1)
    half = [FeedState.SENT] * 2 + [FeedState.OPENED] * 3
    await judged.until_states(half)
    assert bookmark.after == f"{account}:{judged.mails[1]}"

    code, out, said = await judged.replay("--resume", "--json")
    assert code == 0, said
    assert json.loads(out)["sent"] == 2 * bookmark.sent > 0
    await judged.until_states(CORRECTED)
    told = [one.event_id for one in await judged.told(ENGAGEMENTS)]
    assert len(set(told)) == len(told)
    code, _, said = await judged.replay("--resume")
    assert (code, "no replay was interrupted" in said) == (1, True), said


async def test_kafka_says_the_same_as_the_archive_with_crm_and_without(judged: Judged) -> None:
    """Without crm's answer the standing judgements are those of email.engagements."""
    away = {"KAIFU_DIRECTORY_URL": f"http://127.0.0.1:{free_port()}"}
    archive = await judged.found("--dry-run", "--source", "archive")
    kafka = await judged.found("--dry-run", "--source", "kafka")
    alone = await judged.found("--dry-run", "--source", "auto", **away)
    assert (archive["source"], kafka["source"], alone["source"]) == ("archive", "kafka", "kafka")
    assert alone["reaches"]["archive"] is None
    assert archive["summary"] == kafka["summary"] == alone["summary"]
    assert archive["summary"]["opened_to_sent"] == SCANNED
    assert list((judged.folder / "var").iterdir()) == []  # raw hits do not stay on disk


async def test_one_mail_alone(judged: Judged) -> None:
    for source in ("archive", "kafka"):
        one = await judged.found("--dry-run", "--source", source, "--message", str(judged.mails[0]))
        assert (one["summary"]["messages"], one["summary"]["opened_to_sent"]) == (1, 1)
    elsewhere = ("--account", str(judged.people.stranger.account_id), "--message", str(judged.mails[0]))
    found = await judged.found("--dry-run", *elsewhere)
    assert found["summary"]["messages"] == 0


@pytest.mark.requirement("P4")
async def test_a_revoked_mail_is_left_alone(judged: Judged) -> None:
    revoked = TrackingRevoked(
        event_id=judged.mails[0],
        occurred_at=utc_now(),
        account_id=judged.people.account_id,
        scope=RevocationScope.MESSAGE,
        subject_id=judged.mails[0],
        reason="legal_basis_withdrawn",
    )
    await publish(judged.stage.broker, [revoked])
    found = await judged.found("--yes")
    assert (found["summary"]["revoked"], found["summary"]["messages"]) == (1, SCANNED)
    await judged.until_states([FeedState.OPENED, *CORRECTED[1:]])


async def test_what_is_away_or_asked_wrongly_is_said_with_what_to_do(judged: Judged) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    for options, changed, code, words in (
        ((), {}, 2, "say since when"),
        (("--since", "yesterday"), {}, 2, "a date, as 2026-11-01"),
        (("--since", utc_now().isoformat()), {}, 2, "left to the tracker"),
        (("--since", SINCE, "--ruleset", "1999.1.1"), {}, 2, "known are 2026.11.1"),
        (("--since", SINCE), {"KAIFU_KAFKA_BOOTSTRAP": nobody}, 1, "see KAIFU_KAFKA_BOOTSTRAP"),
        (
            ("--since", SINCE, "--source", "archive"),
            {"KAIFU_DIRECTORY_URL": f"http://{nobody}"},
            1,
            "see KAIFU_DIRECTORY_URL",
        ),
        (
            ("--since", SINCE, "--source", "archive"),
            {"KAIFU_DIRECTORY_TOKEN": "another"},
            1,
            "crm refuses (Send the services' token.): see KAIFU_DIRECTORY_TOKEN",
        ),
    ):
        given: dict[str, str] = changed
        found, _, said = await judged.replay(*options, **given)
        assert found == code, said
        assert words in " ".join(said.replace("│", " ").split()), said
        assert "Traceback" not in said
