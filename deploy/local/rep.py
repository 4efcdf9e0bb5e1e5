"""A signed-in rep who uses the public HTTP APIs, and a recipient's mail reader."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import uuid4

import httpx

Json = dict[str, Any]
T = TypeVar("T")

GMAIL_PROXY = {  # what Gmail's image proxy sends for a view; the address is one of Google's
    "User-Agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "X-Forwarded-For": "66.249.84.1",
}
BROWSER = {  # what a person's browser sends; 203.0.113.0/24 is for documentation (RFC 5737)
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "X-Forwarded-For": "203.0.113.77",
}
_LOOK_EVERY_S = 0.03
_FASTEST_READER_S = 2.05


class Refused(RuntimeError):
    """An answer that was not expected: method, path (without its token), status, problem type."""

    def __init__(self, answer: httpx.Response) -> None:
        path = "/".join(step if len(step) < 40 else "…" for step in answer.url.path.split("/"))
        try:
            problem = answer.json().get("type", "")
        except (ValueError, AttributeError):
            problem = ""
        super().__init__(f"{answer.request.method} {path} answered {answer.status_code} {problem}".rstrip())
        self.answer = answer


class NotInTime(TimeoutError):
    """A condition did not come true before its deadline."""


async def until(look: Callable[[], Awaitable[T | None]], what: str, within_s: float = 20.0) -> T:
    """Look again and again until something is found. Raises NotInTime, which says what was awaited."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                if (found := await look()) is not None:
                    return found
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise NotInTime(f"{what}: not within {within_s:g} s") from None


class Rep:
    """The APIs as one user sees them. `addresses` as in run/addresses.json."""

    def __init__(self, http: httpx.AsyncClient, addresses: Json, token: str, address: str) -> None:
        self.http = http
        self.app_url = str(addresses["app_url"])
        self.api_url = str(addresses["api_url"])
        self.token = token
        self.address = address

    async def get(self, path: str, **params: Any) -> Json:
        """GET a resource of crm's API."""
        return await self._json(200, "GET", self.app_url + path, params=params)

    async def prepare(self, to: list[Json], links: list[str], **more: Any) -> Json:
        """Prepare a mail; a fresh idempotency key unless one is given."""
        key = more.pop("key", None) or str(uuid4())
        asked = {
            "from": {"address": self.address},
            "to": to,
            "links": links,
            "subject": f"Offer {key[:8]}",
            "track": True,
            "log": False,
            "records": [],
            "create_contacts": [],
            **more,
        }
        url = f"{self.api_url}/v1/messages"
        return await self._json(201, "POST", url, json=asked, headers={"Idempotency-Key": key})

    async def confirm_sent(self, prepared: Json, **more: Any) -> Json:
        """Say that the mail system took the mail."""
        url = f"{self.api_url}/v1/messages/{prepared['message_id']}/sent"
        return await self._json(202, "POST", url, json={"receipt": prepared["receipt"], **more})

    async def feed_row(self, message_id: str) -> Json | None:
        """The feed's row of a message with its engagements; None while there is none."""
        answer = await self._ask("GET", f"{self.app_url}/v1/feed/{message_id}")
        if answer.status_code == 404:
            return None
        return self._read(200, answer)

    async def _json(self, expected: int, method: str, url: str, **request: Any) -> Json:
        return self._read(expected, await self._ask(method, url, **request))

    async def _ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **request.pop("headers", {})}
        return await self.http.request(method, url, headers=headers, **request)

    @staticmethod
    def _read(expected: int, answer: httpx.Response) -> Json:
        if answer.status_code != expected:
            raise Refused(answer)
        body: Json = answer.json()
        return body


async def reading_time() -> None:
    """Wait as long as the fastest reader takes after Send: what comes sooner is judged a machine's."""
    await asyncio.sleep(_FASTEST_READER_S)


async def load_pixel(http: httpx.AsyncClient, url: str, headers: dict[str, str] = GMAIL_PROXY) -> bytes:
    """Fetch a pixel as a mail reader does; returns the image. Raises Refused."""
    answer = await http.get(url, headers=headers)
    if answer.status_code != 200 or answer.headers.get("content-type") != "image/gif":
        raise Refused(answer)
    return answer.content


async def follow_link(http: httpx.AsyncClient, url: str, headers: dict[str, str] = BROWSER) -> bytes:
    """Where a tracked link leads: the bytes of its Location, not followed. Raises Refused."""
    answer = await http.get(url, headers=headers)
    locations = [value for name, value in answer.headers.raw if name.lower() == b"location"]
    if answer.status_code != 302 or len(locations) != 1:
        raise Refused(answer)
    return locations[0]


def http_client() -> httpx.AsyncClient:
    """A client that goes to the given addresses directly and follows nothing."""
    return httpx.AsyncClient(timeout=10.0, trust_env=False, follow_redirects=False)
