"""`kaifu keys`: make and rotate key rings."""

from pathlib import Path

import typer

from shared.tokens import keyring

keys = typer.Typer(help="Key rings that seal tracking addresses, receipts and cursors.", no_args_is_help=True)


@keys.command()
def new(path: Path) -> None:
    """Make a ring with one key at PATH. Back it up: without it, addresses in sent mail are dead."""
    try:
        keyring.create(path)
    except FileExistsError:
        raise typer.BadParameter(f"{path} exists; `kaifu keys rotate` adds a key to it") from None
    typer.echo(f"made {path}")


@keys.command()
def rotate(path: Path) -> None:
    """Add a key to the ring at PATH and seal with it from the next start on."""
    try:
        key_id = keyring.rotate(path)
    except keyring.KeyRingUnreadable as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"key {key_id} of {path} is current; older keys still open what they sealed")
