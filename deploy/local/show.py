"""What `make up` prints when all is ready."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table


def ready(console: Console, addresses: Mapping[str, Any], sign_ins: Mapping[str, Any]) -> None:
    """The table of addresses, the sign-ins and the word `ready`."""
    console.print(_addresses(addresses))
    users = sign_ins.get("users", [])
    if users:
        console.print(_users(users))
    console.print(f"Logs, keys and data: {addresses['home']}", highlight=False, soft_wrap=True)
    console.print("[bold green]ready[/]  `make demo` shows it at work, Ctrl-C or `make down` stops it")


def _addresses(addresses: Mapping[str, Any]) -> Table:
    table = Table("what", Column("address", overflow="fold"), "of", title="Kaifu", title_justify="left")
    table.add_row("Pages", addresses["app_url"], "crm")
    table.add_row("Send API", addresses["api_url"], "ingest")
    table.add_row("Pixels and tracked links", addresses["tracking_url"], "ingest")
    table.add_row("Pushes", addresses["push_url"], "notifier")
    for service, url in addresses["ops"].items():
        table.add_row("Health and metrics", url, service)
    table.add_row("Broker (Kafka)", addresses["broker"], "embedded")
    table.add_row("Database (MongoDB)", addresses["database"], "embedded")
    return table


def _users(users: list[Mapping[str, Any]]) -> Table:
    table = Table("sign in as", "password", "role", title="Demo account", title_justify="left")
    for user in users:
        table.add_row(user["address"], user.get("password") or "as set before", user["role"])
    return table
