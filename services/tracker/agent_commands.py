"""`kaifu agents`: the data file of programs that a public list knows by their agents."""

import json
from pathlib import Path
from typing import Annotated

import typer

import services.tracker.rules
from services.tracker.agent_sources import read_list, taken
from services.tracker.network_sources import Provenance
from services.tracker.rules.agents import is_no_browser
from services.tracker.rules.proxies import names_a_proxy

agents = typer.Typer(help="Programs that fetch without a reader, by their agents.", no_args_is_help=True)

_FILE = Path(services.tracker.rules.__file__).parent / "data" / "crawlers.json"


@agents.callback()
def here() -> None:
    """Programs that fetch without a reader, by their agents."""


@agents.command()
def refresh(
    source: Annotated[Path, typer.Argument(help="a list in the form of crawler-user-agents.json")],
    people: Annotated[Path, typer.Option(help="agents of people, one a line: no name may stand in one")],
    origin: Annotated[str, typer.Option(help="who publishes the list, and which version it is")],
    date: Annotated[str, typer.Option(help="of the list, YYYY-MM-DD")],
    licence: Annotated[str, typer.Option(help="under which it may be passed on")],
    doubt: Annotated[str, typer.Option(help="what it cannot say")] = "",
    without: Annotated[list[str] | None, typer.Option(help="a name to leave out")] = None,
    file: Annotated[Path, typer.Option(help="the data file to rewrite")] = _FILE,
) -> None:
    """Rebuild the data file of listed programs from downloaded files and print what changed.

    Names are taken of programs that pose as browsers; the rules know others by their form. What a person's
    agent carries is left out: look for more of it in what is new (programs that show pages to their users,
    builds of phones) and leave it out too. A changed file changes verdicts: make a new version of the rules.
    """
    left_out = {name.lower() for name in without or ()}
    try:
        found = taken(
            [one for one in read_list(source) if one.name not in left_out],
            people.read_text().splitlines(),
            lambda agent: is_no_browser(agent) or names_a_proxy(agent),
        )
    except (OSError, ValueError) as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from None
    if not found.kinds:
        typer.echo("nothing in the list is missing here: the data file stays as it is", err=True)
        raise typer.Exit(2)
    before = json.loads(file.read_text())["kinds"] if file.exists() else {}
    for kind in sorted({*found.kinds, *before}):
        old, names = set(before.get(kind, ())), found.kinds.get(kind, ())
        typer.echo(f"{kind}: {len(names)} names, {len(old - set(names))} gone")
        typer.echo(f"  new: {', '.join(sorted(set(names) - old)) or 'none'}")
    if found.peoples:
        typer.echo(f"left out, since people's agents have them: {', '.join(found.peoples)}")
    said = Provenance(origin, date, licence, doubt)
    file.write_text(json.dumps({"version": date, **vars(said), "kinds": found.kinds}, indent=1) + "\n")
