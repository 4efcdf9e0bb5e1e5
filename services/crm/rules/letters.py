"""How often a letter is tried, and which address one can be sent to."""

import re
from datetime import datetime, timedelta
from uuid import UUID

import idna

from services.crm.model.letters import Letter, Trouble
from services.crm.rules.addresses import LONGEST
from shared.events.ids import derived_id

GIVE_UP_AFTER = timedelta(hours=24)
_PAUSES_S = (10, 30, 120, 300, 600, 1800)  # then every half hour
# RFC 5321 and 5322 without quotes: nothing that ends a header, a command or a list of addresses.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")


def forgotten_letter(name: str) -> UUID:
    """The id of the letter to whoever signs in with that name and has forgotten the password."""
    return derived_id("forgotten-password", name)


def next_try(letter: Letter, trouble: Trouble, now: datetime) -> datetime | None:
    """When to try again after an attempt has failed, which `attempts` counts already; None: never."""
    if trouble is Trouble.REFUSED:
        return None
    pause = timedelta(seconds=_PAUSES_S[min(letter.attempts, len(_PAUSES_S)) - 1])
    return now + pause if now + pause < letter.asked_at + GIVE_UP_AFTER else None


def mailable(typed: str) -> str | None:
    """The address, its domain in ASCII; None for what no letter can be sent to."""
    address = typed.strip()
    local, at, domain = address.rpartition("@")
    if not at or len(address) > LONGEST or not _LOCAL.fullmatch(local):
        return None
    try:
        ascii_domain = idna.encode(domain.rstrip("."), uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    return f"{local}@{ascii_domain}" if "." in ascii_domain else None
