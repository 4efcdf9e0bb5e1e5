"""`kaifu networks`: the data file that says whose network an address belongs to."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

import services.tracker.rules
from services.tracker.network_sources import Provenance, gather
from services.tracker.rules.networks import FAMILIES

networks = typer.Typer(help="Whose network an address belongs to.", no_args_is_help=True)

_FILE = Path(services.tracker.rules.__file__).parent / "data" / "networks.json"


@networks.callback()
def here() -> None:
    """Whose network an address belongs to."""


@networks.command()
def refresh(
    sources: Annotated[
        list[str], typer.Argument(help="FAMILY=PATH for a list of CIDRs, asn=PATH for a table")
    ],
    origin: Annotated[str, typer.Option(help="who publishes it, and what it is")],
    date: Annotated[str, typer.Option(help="of the source, YYYY-MM-DD")],
    licence: Annotated[str, typer.Option(help="under which it may be passed on")],
    doubt: Annotated[str, typer.Option(help="what it cannot say")] = "",
    file: Annotated[Path, typer.Option(help="the data file to rewrite")] = _FILE,
) -> None:
    """Rebuild families of the data file from downloaded files and print what changed.

    Families that no source names keep what they have. A changed file changes verdicts: bump the version
    of the rules with it.
    """
    try:
        found = gather(_split(source) for source in sources)
    except (OSError, ValueError) as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(2) from None
    data: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"version": "", "families": {}}
    families = data["families"]
    before = {name: set(family["ranges"]) for name, family in families.items()}
    said = Provenance(origin, date, licence, doubt)
    for name, ranges in found.items():
        families[name] = {**vars(said), "ranges": ranges}
        old = before.get(name, set())
        typer.echo(
            f"{name}: {len(ranges)} ranges, {len(set(ranges) - old)} new, {len(old - set(ranges))} gone"
        )
    ordered = {name: families[name] for name in FAMILIES if name in families}
    version = max((family["date"] for family in ordered.values()), default="")
    file.write_text(json.dumps({"version": version, "families": ordered}, indent=1) + "\n")


def _split(source: str) -> tuple[str, Path]:
    name, _, path = source.partition("=")
    if not path:
        raise ValueError(f"{source}: say whose it is, FAMILY=PATH")
    return name, Path(path)
