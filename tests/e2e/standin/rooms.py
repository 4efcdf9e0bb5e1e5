"""What the stand-in's server answers, by room of an account: `/mail/u/N/`, `/sync/u/N/`, `/upload/u/N/`."""

import http.cookies
import json
from dataclasses import dataclass

from tests.e2e.standin import sync
from tests.e2e.standin.gmail import GmailStandIn
from tests.e2e.standin.mailbox import Account, File
from tests.e2e.standin.originals import original


@dataclass(frozen=True)
class Answer:
    """What is sent back. `cookie`: a session that begins."""

    status: int
    kind: str = "text/plain"
    body: bytes = b""
    cookie: str | None = None


NOT_FOUND = Answer(404)


@dataclass(frozen=True)
class Asked:
    """A request: which account's room, the rest of the path, the query, the browser's cookies, the body."""

    room: str
    account: Account
    rest: str
    query: dict[str, str]
    cookies: http.cookies.SimpleCookie
    body: bytes

    @property
    def in_session(self) -> bool:
        """Whether the browser has opened this account's page."""
        morsel = self.cookies.get(self.account.cookie)
        return morsel is not None and morsel.value in self.account.sessions


def get(stand_in: GmailStandIn, asked: Asked) -> Answer:
    """The page for anybody; mail only within the account's session, else 403."""
    view = asked.query.get("view")
    if asked.room == "mail" and view is None:
        new = None if asked.in_session else f"{asked.account.cookie}={asked.account.new_session()}"
        return Answer(200, "text/html", stand_in.page(asked.account), new)
    if not asked.in_session:
        return Answer(403)
    if asked.room == "sync" and asked.rest == "/i/list":
        shown = [mail.shown(sent=sent) for mail, sent in asked.account.everything()]
        return Answer(200, "application/json", json.dumps(shown).encode())
    return _mail_view(asked, view)


def _mail_view(asked: Asked, view: str | None) -> Answer:
    mail = asked.account.find(asked.query.get("th") or asked.query.get("permmsgid") or "")
    if mail is None:
        return NOT_FOUND
    if view == "att" and asked.query.get("attid") == "0":
        return Answer(200, "text/plain", original(mail))
    if view == "om":
        query = f"view=att&amp;th={mail.hex_id}&amp;attid=0&amp;disp=comp&amp;safe=1"
        link = f"/mail/u/{asked.account.number}?{query}"
        return Answer(200, "text/html", f'<a download href="{link}">Download Original</a>'.encode())
    return NOT_FOUND


def post(stand_in: GmailStandIn, asked: Asked) -> Answer:
    """An upload, or a change to the mailbox that waiting tests are told of."""
    if not asked.in_session:
        return Answer(403)
    if asked.room == "upload":
        return _upload(asked)
    if stand_in.failing:
        return Answer(500)
    with stand_in.changed:
        body = _change(asked)
        stand_in.changed.notify_all()
    return NOT_FOUND if body is None else Answer(200, "application/json", body)


def _change(asked: Asked) -> bytes | None:
    if asked.rest == "/i/s":
        return sync.take(asked.account, asked.body)
    if asked.rest == "/i/undo":
        return sync.take_back(asked.account, asked.query["id"])
    if asked.rest == "/i/discard":
        asked.account.drafts.pop(asked.query["id"], None)
        asked.account.discarded.append(asked.query["id"])
        return b"{}"
    return None


def _upload(asked: Asked) -> Answer:
    number = len(asked.account.files)
    file = File(f"f_{number}", asked.query["name"], asked.query.get("type", ""), asked.body)
    asked.account.files[file.id] = file
    url = f"/mail/u/{asked.account.number}/?view=att&attid=0.{number}"
    return Answer(200, "application/json", json.dumps({"id": file.id, "url": url}).encode())
