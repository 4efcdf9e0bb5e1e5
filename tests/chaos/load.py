"""Numbered events against ingest, and which of them it acknowledged.

A hit carries its number in the user agent, which is kept with it to the end. It waits until somebody
listens, and is not repeated under its number: once it is sent it may have had its effect. A send is repeated
until it is accepted, as the extension does, since that has one effect.
"""

import asyncio
import functools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

from tests.chaos.oracle import Acknowledged
from tests.chaos.wire import Answer, NoAnswer, Wire

# A mail service's proxy shows pictures and a browser follows links, so that both count and are pushed.
PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LINK = "https://www.example.com/offer"
HITS_PER_SEND = 20
_RECENT = 100  # a hit is on one of the newest messages
_AGAIN_AFTER_S = 0.3
_CONNECTIONS = 16
_POSTING = 4
_MOST_WAITING = 256


@dataclass(slots=True)
class Mail:
    """A prepared message: where its pixel and its link are, and its receipt."""

    message_id: UUID
    receipt: str
    pixel: str
    link: str


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody whom mail goes to, and whose timeline it is logged on."""

    id: UUID
    address: str


@dataclass(frozen=True, slots=True)
class Poster:
    """Whose mail it is. `token`: a fresh access token."""

    address: str
    token: Callable[[], str]
    contacts: Sequence[Contact]


@dataclass(slots=True)
class Record:
    """What was seen. `refused`: answers that acknowledged nothing, by status. `latencies`: s, of each hit."""

    hits: dict[int, UUID] = field(default_factory=dict)
    sends: set[UUID] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    def acknowledged(self) -> Acknowledged:
        """For the oracle."""
        return Acknowledged(dict(self.hits), frozenset(self.sends))


class Load:
    """One poster's mail and its readers. `run`: part of each number; `posts_per_send`: posts of each mail;
    `evidence`: further headers of each hit."""

    def __init__(self, run: str, seed: int, poster: Poster, api_port: int, tracking_port: int) -> None:
        self.run = run
        self.record = Record()
        self.mails: list[Mail] = []
        self.posts_per_send = 1
        self.number = 0  # of the next hit
        self.evidence: dict[str, str] = {}
        self._random = random.Random(f"{run} {seed}")
        self._poster = poster
        self.api_port = api_port
        self.tracking_port = tracking_port
        self._hits: asyncio.Queue[tuple[int, Mail]] = asyncio.Queue(_MOST_WAITING)
        self._posts: asyncio.Queue[Mail] = asyncio.Queue()
        self._prepared = 0

    @property
    def agent(self) -> str:
        """What the user agents of this run end with, before the number of the hit."""
        return f"chaos/{self.run}/"

    @property
    def events(self) -> int:
        """How many were acknowledged."""
        return len(self.record.hits) + len(self.record.sends)

    async def prepare(self, count: int) -> None:
        """Prepare so many mails; repeated until it works."""
        share = -(-count // _POSTING)
        await asyncio.gather(*(self._prepare_some(share) for _ in range(_POSTING)))

    async def while_doing(self, fault: "asyncio.Future[float]", rate: float) -> None:
        """Send and fetch at this rate until the fault is over, then see that every send is accepted."""
        fetchers = [asyncio.create_task(self._fetch_all()) for _ in range(_CONNECTIONS)]
        posters = [asyncio.create_task(self._post_all()) for _ in range(_POSTING)]
        try:
            await self._offer(fault, rate)
            await self._hits.join()
            await self._posts.join()
        finally:
            for task in (*fetchers, *posters):
                task.cancel()
            await asyncio.gather(*fetchers, *posters, return_exceptions=True)
        fault.result()

    async def hit(self, wire: Wire, number: int, mail: Mail) -> None:
        """One fetch: acknowledged when its whole answer came."""
        is_pixel = number % 4 != 0
        await wire.connect()
        began = time.monotonic()
        try:
            answer = await wire.get(
                mail.pixel if is_pixel else mail.link,
                user_agent=f"{PROXY if is_pixel else BROWSER} {self.agent}{number}",
                x_forwarded_for=f"{'66.249.84' if is_pixel else '203.0.113'}.{number % 250}",
                **self.evidence,
            )
        except NoAnswer as error:
            self.record.refused[f"hit {error}"] += 1
            return
        self.record.latencies.append(time.monotonic() - began)
        if answer.status == (200 if is_pixel else 302):
            self.record.hits[number] = mail.message_id
        else:
            self.record.refused[f"hit {answer.status}"] += 1

    async def _offer(self, fault: "asyncio.Future[float]", rate: float) -> None:
        begin, sent = time.monotonic(), 0
        first = self.number
        while not fault.done():
            due = self.number - first
            if due % HITS_PER_SEND == 0 and sent < len(self.mails) and due // HITS_PER_SEND >= sent:
                self._posts.put_nowait(self.mails[sent])
                sent += 1
            # some are fetched before their mail is confirmed (T9)
            mail = self.mails[self._random.randrange(max(0, sent - _RECENT), min(sent + 2, len(self.mails)))]
            await self._hits.put((self.number, mail))
            self.number += 1
            await asyncio.sleep(max(0.0, begin + due / rate - time.monotonic()))

    async def _fetch_all(self) -> None:
        wire = Wire(self.tracking_port)
        try:
            while True:
                number, mail = await self._hits.get()
                await self.hit(wire, number, mail)
                self._hits.task_done()
        finally:
            wire.close()

    async def _post_all(self) -> None:
        wires = [Wire(self.api_port) for _ in range(self.posts_per_send)]
        try:
            while True:
                mail = await self._posts.get()
                posts = [functools.partial(self._post, wire, mail) for wire in wires]
                await asyncio.gather(*(self._accepted(post, 202) for post in posts))
                self.record.sends.add(mail.message_id)
                self._posts.task_done()
        finally:
            for wire in wires:
                wire.close()

    async def _prepare_some(self, count: int) -> None:
        wire = Wire(self.api_port)
        try:
            for _ in range(count):
                self._prepared += 1
                key = f"{self.run}-{self._prepared}"
                prepare = functools.partial(self.ask_to_prepare, wire, key)
                answer = await self._accepted(prepare, 201)
                self.mails.append(_mail(answer))
        finally:
            wire.close()

    def _mail(self, key: str) -> object:
        """The same for the same key."""
        contact = random.Random(key).choice(self._poster.contacts)
        return {
            "from": {"address": self._poster.address},
            "to": [{"address": contact.address}],
            "records": [{"record_type": "contact", "record_id": str(contact.id)}],
            "links": [LINK],
            "subject": key,
            "track": True,
            "log": True,
            "create_contacts": [],
        }

    async def ask_to_prepare(self, wire: Wire, key: str) -> Answer:
        """Once. Raises NoAnswer."""
        return await wire.post(
            "/v1/messages", self._mail(key), authorization=self._bearer(), idempotency_key=key
        )

    async def _post(self, wire: Wire, mail: Mail) -> Answer:
        path, body = f"/v1/messages/{mail.message_id}/sent", {"receipt": mail.receipt}
        return await wire.post(path, body, authorization=self._bearer())

    def _bearer(self) -> str:
        return f"Bearer {self._poster.token()}"

    async def _accepted(self, ask: Callable[[], Awaitable[Answer]], wanted: int) -> Answer:
        """Repeated until it is accepted."""
        while True:
            try:
                answer = await ask()
            except NoAnswer as error:
                self.record.refused[f"post {error}"] += 1
            else:
                if answer.status == wanted:
                    return answer
                self.record.refused[f"post {answer.status}"] += 1
            await asyncio.sleep(_AGAIN_AFTER_S)


def _mail(answer: Answer) -> Mail:
    prepared = answer.json()
    return Mail(
        UUID(prepared["message_id"]),
        prepared["receipt"],
        urlsplit(prepared["pixel_url"]).path,
        urlsplit(prepared["links"][0]["tracked_url"]).path,
    )
