"""`kaifu verdict`: the rules over cases from a file or from standard input."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic import ValidationError

from services.tracker.cases import Answer, Case, answer
from services.tracker.rules.rulesets import CURRENT, RULESETS
from shared.events.evidence import Language


def verdict(
    file: Annotated[Path | None, typer.Argument(help="JSON lines; by default standard input")] = None,
    json: Annotated[bool, typer.Option("--json", help="answer in JSON lines, one per case")] = False,
    ruleset: Annotated[str, typer.Option(help="version of the rules")] = CURRENT.version,
    language: Annotated[Language, typer.Option(help="of the reasons")] = "en",
) -> None:
    """Judge hits described as JSON, one case a line.

    A case: endpoint (pixel or link), method, user_agent, ip, headers, seconds_after_send, link, and
    other_hits and own_views with the same. Exit code 1 if a line was no case; the others are judged.
    """
    rules = RULESETS.get(ruleset)
    if rules is None:
        raise typer.BadParameter(f"known are {', '.join(RULESETS)}", param_hint="--ruleset")
    failed = False
    for number, line in _lines(file):
        try:
            judged = answer(Case.model_validate_json(line), rules, language)
        except ValidationError as error:
            failed = True
            _complain(number, line, error, as_json=json)
            continue
        typer.echo(judged.model_dump_json() if json else _text(number, judged))
    if failed:
        raise typer.Exit(1)


def _lines(file: Path | None) -> Iterator[tuple[int, bytes]]:
    """Numbered from 1, without those that are empty."""
    if file is not None and not file.is_file():
        raise typer.BadParameter(f"there is no file {file}", param_hint="FILE")
    lines = sys.stdin.buffer if file is None else file.open("rb")
    with lines:
        yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _complain(number: int, line: bytes, error: ValidationError, *, as_json: bool) -> None:
    """What is wrong, without repeating the line; with its id, where it has one."""
    wrong = [
        f"{'.'.join(str(step) for step in one['loc']) or 'the line'}: {one['msg']}" for one in error.errors()
    ]
    if as_json:
        typer.echo(orjson.dumps({"id": _id_of(line), "line": number, "error": wrong}))
    typer.echo(f"line {number} is no case: {'; '.join(wrong)}", err=True)


def _id_of(line: bytes) -> str | int | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    name = found.get("id") if isinstance(found, dict) else None
    return name if isinstance(name, str | int) else None


def _text(number: int, judged: Answer) -> str:
    name = number if judged.id is None else judged.id
    head = f"{name}: {judged.verdict} ({judged.confidence:.0%})"
    return "\n".join(
        [head, *(f"  {rule}: {reason}" for rule, reason in zip(judged.rule_ids, judged.reasons, strict=True))]
    )
