"""What the stand-in's server keeps for one account: mails, drafts, scheduled mails and uploaded files."""

import itertools
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# Ids are hexadecimal with 16 digits, as in addresses of Gmail's page: the time, and here a number, so that no
# two mails of a run share one.
_NUMBERS = itertools.count(1)
_NUMBER_BITS = 20


def new_hex_id(at_ms: int | None = None) -> str:
    """An id as the server gives it to a message or a thread."""
    return f"{(at_ms or now_ms()) << _NUMBER_BITS | next(_NUMBERS):016x}"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class File:
    """A file as it was uploaded. `type`: what the browser says of it."""

    id: str
    name: str
    type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """A mail as the server has it. `to`: addresses of To, Cc and Bcc; `html`: as it left the page; `raw`: the
    page shows the body as it is, with all that Gmail would take out."""

    id: str
    to: tuple[str, ...]
    subject: str
    html: str
    sender: str = ""
    sender_name: str = ""
    to_line: tuple[str, ...] = ()
    cc_line: tuple[str, ...] = ()
    hex_id: str = ""
    thread_id: str = ""
    at_ms: int = 0
    files: tuple[File, ...] = ()
    raw: bool = False

    def shown(self, *, sent: bool) -> dict[str, Any]:
        """What the page needs to show it."""
        return {
            "id": self.id,
            "hex": self.hex_id,
            "thread": self.thread_id,
            "from": {"address": self.sender, "name": self.sender_name},
            "to": self.to_line,
            "cc": self.cc_line,
            "subject": self.subject,
            "html": self.html,
            "raw": self.raw,
            "at": self.at_ms,
            "sent": sent,
            "files": [
                {"id": one.id, "name": one.name, "type": one.type, "size": len(one.content)}
                for one in self.files
            ],
        }


@dataclass(frozen=True)
class Scheduled:
    """A mail that waits for its moment. `send_at_ms`: the moment that was chosen."""

    mail: Mail
    send_at_ms: int


@dataclass
class Account:
    """One account of the browser, at `/mail/u/<number>/`."""

    number: int
    address: str
    mails: list[Mail] = field(default_factory=list)
    inbox: list[Mail] = field(default_factory=list)
    scheduled: list[Scheduled] = field(default_factory=list)
    undone: list[Mail] = field(default_factory=list)
    drafts: dict[str, Mail] = field(default_factory=dict)
    discarded: list[str] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)

    @property
    def cookie(self) -> str:
        """Name of the session cookie."""
        return f"SID_{self.number}"

    def new_session(self) -> str:
        """A browser's own secret."""
        token = secrets.token_urlsafe(24)
        self.sessions.add(token)
        return token

    def everything(self) -> Iterator[tuple[Mail, bool]]:
        """All mails of the account, oldest first, and whether each was sent by it."""
        both = [(mail, True) for mail in self.mails] + [(mail, False) for mail in self.inbox]
        yield from sorted(both, key=lambda one: one[0].at_ms)

    def find(self, identifier: str) -> Mail | None:
        """The mail or draft with this id, hexadecimal or `msg-…`."""
        everything = [mail for mail, _ in self.everything()] + list(self.drafts.values())
        return next((mail for mail in everything if identifier in (mail.id, mail.hex_id)), None)

    def receive(self, sender: str, subject: str, html: str, **more: Any) -> Mail:
        """A mail comes in. `more`: further fields of Mail."""
        hex_id = new_hex_id(more.get("at_ms"))
        fields: dict[str, Any] = {
            "id": f"msg-f:{int(hex_id, 16)}",
            "to": (self.address,),
            "to_line": (self.address,),
            "hex_id": hex_id,
            "thread_id": hex_id,
            "at_ms": now_ms(),
            **more,
        }
        mail = Mail(subject=subject, html=html, sender=sender, **fields)
        self.inbox.append(mail)
        return mail
