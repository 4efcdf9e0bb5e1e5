"""`kaifu replay`: judge again, show what differs, then send corrections."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, NoReturn
from uuid import UUID

import orjson
import typer
from aiokafka.errors import KafkaError

from services.tracker.adapters.replay_run import Asked, Outcome, run
from services.tracker.adapters.replay_sources import SourceUnavailable
from services.tracker.replay.bookmark import Bookmark, NoBookmark
from services.tracker.replay_talk import ConsoleTalk
from services.tracker.rules.rulesets import RULESETS
from services.tracker.settings import TrackerSettings
from shared.bus.producer import PublishFailed
from shared.directory.client import DirectoryRefused, DirectoryUnavailable

_EXIT_CODES = {"declined": 1, "interrupted": 130}
_GO_ON = "What was sent stands; `kaifu replay --resume` goes on, or begin anew: twice does no harm"


def replay(
    since: Annotated[str | None, typer.Option(help="mails fetched from then on: 2026-11-01, UTC")] = None,
    until: Annotated[str | None, typer.Option(help="and before then; hits of the last day are left")] = None,
    ruleset: Annotated[str | None, typer.Option(help="version of the rules; default: the tracker's")] = None,
    account: Annotated[UUID | None, typer.Option(help="one account; default: all")] = None,
    message: Annotated[UUID | None, typer.Option(help="one mail")] = None,
    source: Annotated[
        Literal["auto", "kafka", "archive"], typer.Option(help="of raw hits; auto: what reaches further back")
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what differs, send nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="send without asking")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on with what was interrupted")] = False,
    state: Annotated[
        Path | None,
        typer.Option(help="file that says how far it has come; default: beside the tracker's state"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on standard output")] = False,
) -> None:
    """Judge past hits by other rules: shows what differs, asks, sends corrections. Nobody is notified.

    Ctrl-C stops between two mails; --resume goes on. Exit code 1: something is away, or nobody agreed;
    130: interrupted.
    """
    settings = TrackerSettings()
    state = state or settings.state.with_name("replay.json")
    with _explained():
        if resume:
            bookmark = Bookmark.read(state)
        else:
            span = _span(since, until, settings.horizon)
            bookmark = Bookmark(
                since=span[0],
                until=span[1],
                ruleset=_known(ruleset or settings.ruleset),
                source="archive",
                account_id=account,
                message_id=message,
            )
        asked = Asked(
            bookmark=bookmark,
            source=bookmark.source if resume else source,
            state=state,
            horizon=settings.horizon,
            dry_run=dry_run,
            resumed=resume,
        )
        outcome = asyncio.run(run(asked, ConsoleTalk(yes=yes, as_json=as_json)))
    if as_json:
        typer.echo(orjson.dumps(_printable(outcome)))
    typer.echo(_in_words(outcome), err=True)
    raise typer.Exit(_EXIT_CODES.get(outcome.end, 0))


def _span(since: str | None, until: str | None, horizon: timedelta) -> tuple[datetime, datetime]:
    """What is younger than the horizon is the live tracker's."""
    if since is None:
        raise typer.BadParameter("say since when, as 2026-11-01", param_hint="--since")
    settled = datetime.now(UTC) - horizon
    begin, end = _moment(since, "--since"), settled if until is None else _moment(until, "--until")
    end = min(end, settled)
    if begin >= end:
        hours = f"{horizon.total_seconds() / 3600:g}"
        raise typer.BadParameter(
            f"nothing lies between: hits of the last {hours} hours are left to the tracker",
            param_hint="--since",
        )
    return begin, end


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a date, as 2026-11-01 or 2026-11-01T09:00Z", param_hint=option) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _known(ruleset: str) -> str:
    if ruleset not in RULESETS:
        raise typer.BadParameter(f"known are {', '.join(RULESETS)}", param_hint="--ruleset")
    return ruleset


def _printable(outcome: Outcome) -> dict[str, object]:
    return {
        "end": outcome.end,
        **outcome.bookmark.model_dump(mode="json"),
        "reaches": {"archive": outcome.reaches.archive, "kafka": outcome.reaches.kafka},
        "summary": outcome.summary.printable(),
    }


def _in_words(outcome: Outcome) -> str:
    sent = outcome.bookmark.sent
    match outcome.end:
        case "nothing differs":
            return "nothing differs: there is nothing to send"
        case "dry run":
            return "a dry run: nothing was sent"
        case "declined":
            return "nothing was sent: --yes sends without asking"
        case "interrupted":
            return f"interrupted after {sent} corrections. {_GO_ON if sent else 'Nothing was sent'}"
        case "done":
            return f"{sent} corrections sent; crm takes them now. Run it again to see that nothing differs"


@contextmanager
def _explained() -> Iterator[None]:
    """What is away, and what to do."""
    try:
        yield
    except NoBookmark as error:
        _give_up(str(error))
    except SourceUnavailable as error:
        _give_up(str(error))
    except KafkaError as error:
        _give_up(f"the broker does not answer ({type(error).__name__}): see KAIFU_KAFKA_BOOTSTRAP")
    except PublishFailed as error:
        _give_up(f"the broker takes no corrections ({error}). {_GO_ON}")
    except DirectoryUnavailable as error:
        _give_up(f"crm does not answer ({error}): see KAIFU_DIRECTORY_URL. {_GO_ON}")
    except DirectoryRefused as error:
        _give_up(f"crm refuses ({error.body.detail}): see KAIFU_DIRECTORY_TOKEN")


def _give_up(said: str) -> NoReturn:
    typer.echo(said, err=True)
    raise typer.Exit(1)
