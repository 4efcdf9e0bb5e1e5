"""`kaifu`: one command line; each package registers its own part (entry points `kaifu.commands`).

A part is a group of commands, or a function that is one command.
"""

from importlib.metadata import entry_points

import typer


def main() -> None:
    """Gather what is installed here and run it."""
    app = typer.Typer(name="kaifu", no_args_is_help=True, pretty_exceptions_show_locals=False)
    for entry in sorted(entry_points(group="kaifu.commands"), key=lambda entry: entry.name):
        try:
            part = entry.load()
            if isinstance(part, typer.Typer):
                app.add_typer(part, name=entry.name)
            else:
                app.command(entry.name)(part)
        except ModuleNotFoundError as missing:  # an image installs only the extras of its service
            if missing.name is None or missing.name.startswith(("services", "shared")):
                raise
    app()
