"""`kaifu crm`: what an operator does without a browser."""

import asyncio
import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from services.crm import demo
from services.crm.adapters.counting import count_all
from services.crm.adapters.restore import restore
from services.crm.adapters.signing_keys import SigningKeysUnreadable, load_or_create
from services.crm.collaborators import Collaborators, Configuration, collaborate
from services.crm.model.failures import AlreadyThere, DatabaseAway, NotPrepared
from services.crm.settings import CrmSettings
from services.crm.store.database import Database
from shared.auth.tokens import Role
from shared.bus.connection import cluster_epoch
from shared.bus.producer import EventPublisher
from shared.settings import KafkaSettings

crm = typer.Typer(help="The CRM: accounts, passwords, keys, indexes, restoring topics.", no_args_is_help=True)
Result = TypeVar("Result")
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on standard output")]
Address = Annotated[str, typer.Argument(help="the address that the user signs in with")]


@crm.command()
def migrate() -> None:
    """Make the database's indexes that are missing; run before a new version starts."""

    async def nothing_more(_: Collaborators) -> None:
        """The database is prepared before any command."""

    _run(nothing_more)
    typer.echo("the indexes are there")


@crm.command("signing-keys")
def signing_keys(path: Path) -> None:
    """Make the keys that sign access tokens at PATH, unless there are some."""
    try:
        load_or_create(path)
    except SigningKeysUnreadable as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"signing keys are in {path}")


@crm.command("seed-demo")
def seed_demo(as_json: AsJson = False) -> None:
    """Make the demo account, if it is missing. Passwords are shown this once."""
    seeded = _run(demo.seed)
    if as_json:
        typer.echo(json.dumps(seeded.printable(), ensure_ascii=False))
        return
    for user in seeded.users:
        password = seeded.passwords.get(user.address, "(made earlier: `kaifu crm set-password`)")
        typer.echo(f"{user.role.value:12} {user.address:28} {password}")


@crm.command("create-account")
def create_account(
    name: str, address: Address, person: Annotated[str, typer.Option(help="their name")]
) -> None:
    """Make an account NAME whose super admin signs in with ADDRESS; shows the password once."""
    password = secrets.token_urlsafe(12)

    async def make(nouns: Collaborators) -> None:
        account = nouns.accounts.account(name)
        user = nouns.accounts.user(account.id, person, address, Role.SUPER_ADMIN)
        await nouns.accounts.open(account, [(user, password)])

    try:
        _run(make)
    except AlreadyThere:
        raise typer.BadParameter("somebody signs in with this address already") from None
    typer.echo(f"password: {password}")


@crm.command("set-password")
def set_password(address: Address) -> None:
    """Give the user of ADDRESS a new password, shown once, and end all of their sign-ins."""
    password = secrets.token_urlsafe(12)

    async def change(nouns: Collaborators) -> bool:
        credentials = await nouns.accounts.credentials(address)
        if credentials is not None:
            await nouns.sign_ins.set_password(credentials, password)
        return credentials is not None

    if not _run(change):
        raise typer.BadParameter("nobody signs in with this address")
    typer.echo(f"password: {password}")


@crm.command("disable-user")
def disable_user(address: Address) -> None:
    """End all sign-ins of the user of ADDRESS and allow no new one."""

    async def change(nouns: Collaborators) -> bool:
        credentials = await nouns.accounts.credentials(address)
        if credentials is None:
            return False
        return await nouns.sign_ins.disable(credentials.account_id, credentials.user_id)

    if not _run(change):
        raise typer.BadParameter("nobody signs in with this address")
    typer.echo("disabled")


@crm.command("restore-topics")
def restore_topics(as_json: AsJson = False) -> None:
    """Publish the latest state of every message, revocation and notification policy again. Twice does no
    harm."""

    async def again(nouns: Collaborators) -> dict[str, int]:
        kafka = KafkaSettings()
        publisher = EventPublisher(kafka)
        await publisher.start()
        try:
            restored = await restore(nouns.stores.upkeep, publisher)
            await nouns.stores.upkeep.remember_epoch(await cluster_epoch(kafka))
        finally:
            await publisher.stop()
        return asdict(restored)

    counts = _run(again)
    said = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items())
    typer.echo(json.dumps(counts) if as_json else said)


@crm.command("count-verdicts")
def count_verdicts() -> None:
    """Count verdicts that an earlier version wrote, for the Accuracy page. Twice does no harm.

    crm does it once by itself. Run it where the earlier version went on writing beside the new one.
    """
    counted = _run(lambda nouns: count_all(nouns.stores.counting))
    typer.echo(f"{counted} counted")


def _run(body: Callable[[Collaborators], Awaitable[Result]]) -> Result:
    async def whole() -> Result:
        settings = CrmSettings()
        database = Database(settings.mongodb_url.get_secret_value(), settings.database)
        try:
            nouns = collaborate(Configuration.without_keys(settings), database)
            await database.prepare()
            return await body(nouns)
        finally:
            database.close()

    try:
        return asyncio.run(whole())
    except NotPrepared as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
    except DatabaseAway as error:
        typer.echo(f"the database does not answer ({error}): see KAIFU_CRM_MONGODB_URL", err=True)
        sys.exit(1)
