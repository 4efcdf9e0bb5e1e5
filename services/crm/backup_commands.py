"""`kaifu backup` and `kaifu restore`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from services.crm.adapters import backup as backups
from services.crm.collaborators import Configuration, collaborate
from services.crm.model.failures import DatabaseAway, NotPrepared
from services.crm.settings import CrmSettings
from services.crm.store.copies import Copies
from services.crm.store.database import Database
from shared.archive.format import BackupUnusable, new_private_file
from shared.archive.key_files import KeysDiffer, known_key_files, listed

Result = TypeVar("Result")
Also = Annotated[list[str] | None, typer.Option("--file", help="one more file, name=path; again for each")]
_STDOUT = Path("-")


def backup(
    path: Annotated[Path, typer.Argument(help="a new file; - for standard output, to encrypt it on its way")],
    also: Also = None,
    keys_only: Annotated[bool, typer.Option(help="for a database that is backed up by other means")] = False,
) -> None:
    """Write keys and database to PATH. It holds people's mail and all keys: keep it encrypted and apart."""
    try:
        keys = {name: file for name, file in _keys(also).items() if file.exists()}
        if "tracking.json" not in keys:
            _give_up("the tracking keys are not here: --file tracking.json=<path> names them")

        async def write(copies: Copies) -> backups.Done:
            if path == _STDOUT:
                return await backups.write(sys.stdout.buffer, keys, None if keys_only else copies)
            with new_private_file(path) as file:
                return await backups.write(file, keys, None if keys_only else copies)

        done = _run(write, prepared=False)
    except FileExistsError:
        raise typer.BadParameter(f"{path} exists; a backup replaces nothing") from None
    except (OSError, KeysDiffer) as error:
        _give_up(str(error))
    said = f"{len(done.keys)} key files, {len(done.collections)} collections"
    typer.echo(f"{said}. The file holds people's mail and the keys: keep it encrypted and apart", err=True)


def restore(
    path: Annotated[Path, typer.Argument(help="what `kaifu backup` wrote")],
    also: Also = None,
    force: Annotated[bool, typer.Option(help="replace what is in the database, and other keys")] = False,
    keys_to: Annotated[Path | None, typer.Option(help="write only the keys, into this folder")] = None,
) -> None:
    """Put keys and database back, with the services stopped. Refuses what is not whole or not empty."""
    try:
        if keys_to is not None:
            typer.echo(f"written: {', '.join(backups.write_keys(path, keys_to))}")
            return
        keys = _keys(also)

        async def put(copies: Copies) -> backups.Done:
            return await backups.restore(path, keys, copies, force=force)

        done = _run(put, prepared=True)
    except (BackupUnusable, KeysDiffer) as error:
        _give_up(str(error))
    except backups.NotEmpty as error:
        _give_up(f"{error}; nothing was changed. --force replaces what is there")
    documents = sum(done.collections.values())
    typer.echo(f"{len(done.keys)} key files put back, {documents} documents. Start the services now")


def _keys(also: list[str] | None) -> dict[str, Path]:
    try:
        return known_key_files() | dict(listed(also or []))
    except ValueError:
        raise typer.BadParameter("--file wants <name>=<path>") from None


def _run(body: Callable[[Copies], Awaitable[Result]], *, prepared: bool) -> Result:
    async def whole() -> Result:
        settings = CrmSettings()
        database = Database(settings.mongodb_url.get_secret_value(), settings.database)
        try:
            if prepared:
                collaborate(Configuration.without_keys(settings), database)
                await database.prepare()
            return await body(Copies(database))
        finally:
            database.close()

    try:
        return asyncio.run(whole())
    except (DatabaseAway, NotPrepared) as error:
        _give_up(f"the database does not answer as it should ({error}): see KAIFU_CRM_MONGODB_URL")


def _give_up(said: str) -> NoReturn:
    typer.echo(said, err=True)
    raise typer.Exit(1)
