"""One browser's Gmail, as a test sees it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from tests.e2e.standin.mailbox import Account, Mail, Scheduled

PAGES = Path(__file__).parent


class GmailStandIn:
    """One browser's Gmail. `account` stands at `/mail/u/0/`, `others` at `/mail/u/1/` and so on.

    `mails`, `scheduled`, `undone`, `drafts` and `receive` are the first account's; `at(number)` has any's.
    While `failing`, whatever is sent is answered with 500.
    """

    def __init__(self, account: str, language: str = "en", others: Sequence[str] = ()) -> None:
        self.language = language
        self.port = 0
        self.failing = False
        self.accounts = [Account(number, address) for number, address in enumerate((account, *others))]
        self.changed = threading.Condition()

    def at(self, number: int) -> Account:
        """The account of `/mail/u/<number>/`."""
        return self.accounts[number]

    @property
    def account(self) -> str:
        """Address of the first account."""
        return self.at(0).address

    @account.setter
    def account(self, address: str) -> None:
        self.at(0).address = address

    @property
    def mails(self) -> list[Mail]:
        """What was sent and not taken back, oldest first."""
        return self.at(0).mails

    @property
    def scheduled(self) -> list[Scheduled]:
        """What waits for its moment."""
        return self.at(0).scheduled

    @property
    def undone(self) -> list[Mail]:
        """What was taken back by Undo."""
        return self.at(0).undone

    @property
    def drafts(self) -> dict[str, Mail]:
        """Drafts as they were saved last, by id."""
        return self.at(0).drafts

    def receive(self, sender: str, subject: str, html: str, **more: Any) -> Mail:
        """A mail comes in."""
        return self.at(0).receive(sender, subject, html, **more)

    def clear(self) -> None:
        """Empty mailboxes; sessions stay."""
        for account in self.accounts:
            for kept in (account.mails, account.inbox, account.scheduled, account.undone, account.discarded):
                cast("list[object]", kept).clear()
            account.drafts.clear()

    async def sent(self, count: int, within_s: float = 10.0, number: int = 0) -> Mail:
        """Wait for that many mails; the newest of them."""
        mails = self.at(number).mails
        await self.until(lambda: len(mails) >= count, "no mail was sent", within_s)
        return mails[count - 1]

    async def until(self, condition: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
        """Wait until what the page has sent makes this true. AssertionError with `what` when it doesn't."""
        assert await asyncio.to_thread(self._wait, condition, within_s), what

    def _wait(self, condition: Callable[[], bool], within_s: float) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, within_s)

    def page(self, account: Account) -> bytes:
        """The page of one account."""
        html = (PAGES / "gmail.html").read_text()
        html = html.replace("STAND_IN_ACCOUNT", account.address)
        return html.replace("STAND_IN_LANGUAGE", self.language).encode()
