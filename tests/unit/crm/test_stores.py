"""The store's shape: no query without an account."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import services.crm.store
from services.crm.store.records import searchable

# Where a secret that only its owner knows leads to the account, or nothing of any account is read.
BY_SECRET = {
    "SignInNames.credentials",
    "Sessions.opened_by",
    "Codes.take",
    "Codes.reused",
    "Families.rotate",
    "Families.holding",
    "ApiTokens.opened_by",
    "Attempts.add",
    "Attempts.clear",
    "SecretLinks.find",
}
WHOLE_DATABASE = {
    "Copies",
    "Database",
    "Examination",
    "Upkeep",
    "OutboxQueue",
    "AttachmentLedger",
    "ReviewQueue",
    "LetterQueue",
    "RetentionQueue",
    "DeliveryQueue",
    "MuteQueue",
    "CountingQueue",
}


def _methods() -> Iterator[tuple[str, list[str]]]:
    for module_info in pkgutil.iter_modules(services.crm.store.__path__):
        module = importlib.import_module(f"services.crm.store.{module_info.name}")
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ != module.__name__ or name in WHOLE_DATABASE:
                continue
            for method, function in inspect.getmembers(kind, inspect.iscoroutinefunction):
                if not method.startswith("_"):
                    yield f"{name}.{method}", list(inspect.signature(function).parameters)


def test_every_method_names_the_account_first() -> None:
    """Cross-account access can't be written by forgetting a filter."""
    methods = dict(_methods())
    assert len(methods) > 50
    without = {name for name, parameters in methods.items() if parameters[1:2] != ["account_id"]}
    assert without == BY_SECRET


def test_changes_are_noted_in_one_place() -> None:
    """There alone it is known by which API token a change was made."""
    crm = Path(services.crm.store.__path__[0]).parent
    making = [
        file.name for file in crm.rglob("*.py") if re.search(r"AuditEntry\(|audit\.add\(", file.read_text())
    ]
    assert sorted(making) == ["audit.py", "audit.py"], "its model, and the auditor"


@pytest.mark.requirement("R1")
@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("山田 花子", "花"),
        ("さくら商事株式会社", "商事"),
        ("ＡＣＭＥ Corp", "acme"),
        ("Zoë Müller", "mül"),
        ("olivia@northwind.example", "northwind"),
        ("olivia@northwind.example", "olivia@north"),
        ("sakura.example", "sakura.ex"),
    ],
)
def test_what_a_search_finds(text: str, query: str) -> None:
    """A word begins with the query; in Japanese, any part of one does."""
    assert any(word.startswith(query) for word in searchable(text))


def test_the_middle_of_a_latin_word_is_not_indexed() -> None:
    """It would make the index many times larger."""
    assert not any(word.startswith("orthwind") for word in searchable("Northwind"))
