"""`kaifu`: one command line; each package registers its own part (entry points `kaifu.commands`)."""

from importlib.metadata import entry_points

import typer


def main() -> None:
    """Gather what is installed here and run it."""
    app = typer.Typer(name="kaifu", no_args_is_help=True, pretty_exceptions_show_locals=False)
    for entry in sorted(entry_points(group="kaifu.commands"), key=lambda entry: entry.name):
        try:
            app.add_typer(entry.load(), name=entry.name)
        except ModuleNotFoundError as missing:  # an image installs only the extras of its service
            if missing.name is None or missing.name.startswith(("services", "shared")):
                raise
    app()
