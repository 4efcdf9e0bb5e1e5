"""A mail of the rep's whose body and attachments are uploaded, and the events of its life."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from services.crm.collaborators import Collaborators
from services.crm.handlers import MessageHandler
from services.crm.model.accounts import User
from services.crm.rules.files import MessageEvent
from shared.directory.contract import RecordRef
from shared.events.log_decisions import RecordType
from shared.tokens.receipt import Receipt, seal_receipt
from tests.integration.crm.people import People, as_user, asked, client
from tests.unit.crm.made import cancelled, decided, sent


class Upload:
    """A prepared mail and its receipt."""

    def __init__(self, crm: Collaborators, people: People) -> None:
        self.crm = crm
        self.people = people
        self.question = asked(people)

    def receipt(self, **more: Any) -> str:
        """As ingest seals it."""
        question, now = self.question, self.crm.clock()
        fields: dict[str, Any] = {
            "account_id": question.account_id,
            "user_id": question.user_id,
            "message_id": question.message_id,
            "source": question.source,
            "tracked": True,
            "logged": True,
            "anonymous": False,
            "recipient_count": 1,
            "link_count": 2,
            "policy_version": 1,
            "prepared_at": question.prepared_at,
            "expires_at": now + timedelta(days=30),
        }
        return seal_receipt(self.crm.configuration.receipts, Receipt(**(fields | more)))

    async def put(self, receipt: str | None = None, user: Any = None, html: str = "<p>Hi</p>") -> int:
        """The status of an upload."""
        async with client(self.crm) as http:
            answer = await http.put(
                f"/v1/messages/{self.question.message_id}/body",
                json={"receipt": receipt or self.receipt(), "html": html, "text": "Hi"},
                headers=as_user(self.crm, self.people, user or self.people.rep),
            )
        return answer.status_code

    async def decide(self, *on: RecordRef) -> None:
        """The logger's word arrives."""
        of: dict[str, Any] = {"message_id": self.question.message_id, "account_id": self.people.account_id}
        event = decided(*on, user_id=self.people.rep.id, **of)
        await MessageHandler(self.crm.stores.messages)([(event, ())])

    async def send(self) -> None:
        """Word that the mail system took it arrives."""
        await self._arrives(sent)

    async def cancel(self) -> None:
        """Word that the mail does not go out arrives."""
        await self._arrives(cancelled)

    async def _arrives(self, kind: Callable[..., MessageEvent]) -> None:
        of: dict[str, Any] = {"message_id": self.question.message_id, "account_id": self.people.account_id}
        event = kind(user_id=self.people.rep.id, **of)
        await MessageHandler(self.crm.stores.messages)([(event, ())])

    async def decided_meanwhile(self, people: People) -> None:
        """From now on, the mail is logged while the next transaction is between reading and writing."""
        hanako = RecordRef(record_type=RecordType.CONTACT, record_id=people.hanako.id)
        self.meanwhile(lambda: self.decide(hanako))

    def meanwhile(self, act: Callable[[], Awaitable[object]]) -> None:
        """From now on, this happens while the next transaction is between reading and writing."""
        decisions = self.crm.stores.messages._decisions
        read, done = decisions.find, []

        async def find(*asked: Any, **more: Any) -> Any:
            found = await read(*asked, **more)
            if not done and more.get("session") is not None:
                done.append(True)
                await act()
            return found

        async def get(account_id: UUID, id_: UUID, session: Any = None) -> Any:
            return next(iter(await find(account_id, {"_id": id_}, session=session)), None)

        decisions.find, decisions.get = find, get  # type: ignore[method-assign]

    async def attach(
        self,
        content: bytes | AsyncIterator[bytes] = b"%PDF-1.7 ...",
        index: int = 0,
        receipt: str | None = None,
        user: User | None = None,
        type_: str = "application/pdf",
        **query: str,
    ) -> httpx.Response:
        """Upload an attachment, offer.pdf unless another name is given."""
        async with client(self.crm) as http:
            return await http.put(
                self.path(index),
                params={"name": "offer.pdf", **query},
                content=content,
                headers={
                    **as_user(self.crm, self.people, user or self.people.rep),
                    "Kaifu-Receipt": receipt or self.receipt(),
                    "Content-Type": type_,
                },
            )

    async def download(self, index: int = 0, user: User | None = None) -> httpx.Response:
        """As a colleague, unless somebody else is named."""
        async with client(self.crm) as http:
            headers = as_user(self.crm, self.people, user or self.people.admin)
            return await http.get(self.path(index), headers=headers)

    def path(self, index: int) -> str:
        """Where an attachment is."""
        return f"/v1/messages/{self.question.message_id}/attachments/{index}"

    async def named(self) -> list[tuple[str, int, bool, str | None]]:
        """The attachments that Hanako's timeline names: name, size, stored, reason."""
        async with client(self.crm) as http:
            headers = as_user(self.crm, self.people, self.people.admin)
            answer = await http.get(f"/v1/contacts/{self.people.hanako.id}/timeline", headers=headers)
        return [
            (file["name"], file["size"], file["stored"], file["reason"])
            for row in answer.json()["items"]
            for file in row["attachments"]
        ]

    async def stored(self) -> tuple[str, bool] | None:
        """The HTML and whether it still waits for the decision."""
        account_id = self.people.account_id
        body = await self.crm.stores.bodies.get(account_id, self.question.message_id)
        return None if body is None else (body.html, body.pending_until is not None)
