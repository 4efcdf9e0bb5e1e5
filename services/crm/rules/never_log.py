"""What an entry of a never-log list covers (L8). Pure.

`a@example.com` covers that address and its tagged forms (`a+tag@example.com`); dots count. `example.com`
and `@example.com` cover that domain, `*.example.com` its subdomains and not itself. Case does not count,
and a domain is the same in Unicode and in its ASCII form (IDNA, UTS 46).
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from uuid import UUID

import idna

from services.crm.model.never_log import NeverLogEntry
from services.crm.rules.addresses import fold

MAX_ENTRIES = 10_000  # of an account
_ANY_SUBDOMAIN = "*."
_LONGEST = 320
_LOCAL = re.compile(r"[^\s@,;<>]+")


class NotAPattern(ValueError):
    """What was typed is neither an address nor a domain; says what to write instead."""


def canonical(typed: str) -> str:
    """The one form of an entry: `a@example.com`, `example.com` or `*.example.com`, its domain in ASCII.

    Raises NotAPattern.
    """
    text = typed.strip()
    if len(text) > _LONGEST:
        raise NotAPattern(f"An entry has at most {_LONGEST} characters.")
    local, at, domain = text.rpartition("@")
    if at and local:
        if not _LOCAL.fullmatch(local):
            raise NotAPattern(f"“{typed.strip()}” is no address: write one address per line.")
        return f"{fold(local)}@{_ascii(domain, typed)}"
    wildcard = _ANY_SUBDOMAIN if domain.startswith(_ANY_SUBDOMAIN) else ""
    return wildcard + _ascii(domain.removeprefix(_ANY_SUBDOMAIN), typed)


def readable(pattern: str) -> str:
    """The entry as people write it, its domain in Unicode."""
    start = 2 if pattern.startswith(_ANY_SUBDOMAIN) else pattern.rfind("@") + 1
    try:
        return pattern[:start] + idna.decode(pattern[start:])
    except idna.IDNAError:
        return pattern


class NeverLogList:
    """All entries of an account. Looking up costs the same however many there are."""

    def __init__(self, entries: Iterable[NeverLogEntry] = ()) -> None:
        self._ids = {entry.pattern: entry.id for entry in entries}

    def covering(self, address: str) -> UUID | None:
        """The entry that covers the address, the narrowest of several; None: it is not listed."""
        if not self._ids:
            return None
        return next((self._ids[one] for one in _patterns(address) if one in self._ids), None)


def _patterns(address: str) -> Iterator[str]:
    """Every entry that would cover the address, the narrowest first."""
    local, _, written = address.strip().rpartition("@")
    local, domain = fold(local), fold(written).rstrip(".")
    with suppress(NotAPattern):  # then it is compared as it stands
        domain = _ascii(written, address)
    while local:
        yield f"{local}@{domain}"
        local = local.rpartition("+")[0]
    yield domain
    while "." in domain:
        domain = domain.partition(".")[2]
        yield _ANY_SUBDOMAIN + domain


def _ascii(domain: str, typed: str) -> str:
    try:
        found = idna.encode(domain, uts46=True).decode().rstrip(".")  # a fully qualified name is no other
    except idna.IDNAError:
        found = ""
    if "." not in found:
        raise NotAPattern(
            f"“{typed.strip()}” is neither an address nor a domain: write name@example.com, "
            "example.com or *.example.com."
        )
    return found
