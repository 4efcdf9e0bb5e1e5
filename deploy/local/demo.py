"""`make demo`: one tracked and logged mail, from prepare to push, through public addresses only.

Every run uses fresh ids. Each step is printed with its time; the first that fails ends the run with
exit code 1. `--json` prints one object instead:
`{"ok": …, "message_id": …, "total_ms": …, "steps": [{"step": …, "ok": …, "ms": …, "error": …}]}`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer
from rich.console import Console
from websockets.exceptions import WebSocketException

from deploy.local.home import default_home
from deploy.local.rep import (
    Json,
    NotInTime,
    Refused,
    Rep,
    follow_link,
    http_client,
    load_pixel,
    reading_time,
    until,
)
from deploy.local.screen import NotTold, Screen, open_screen
from deploy.local.seed import known_sign_ins, people
from deploy.local.sign_in import SignInFailed, access_token
from shared.auth.tokens import Role

PUBLIC = ("app_url", "api_url", "tracking_url", "push_url")


class StepFailed(RuntimeError):
    """An answer came and is not what was promised; the message says what differs."""


FAILURES = (
    StepFailed,
    Refused,
    NotInTime,
    NotTold,
    SignInFailed,
    httpx.HTTPError,
    WebSocketException,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step went; `ms` is its wall time."""

    step: str
    ok: bool
    ms: float
    error: str = ""


def expect(truth: object, otherwise: str) -> None:
    """Raises StepFailed unless it is true."""
    if not truth:
        raise StepFailed(otherwise)


class Demo:
    """The steps, in order. What one learns the next ones use."""

    rep: Rep
    screen: Screen
    contact: Json
    prepared: Json
    pushed: Json

    def __init__(self, addresses: Json, address: str, password: str, held: AsyncExitStack) -> None:
        self._addresses = addresses
        self._address = address
        self._password = password
        self._held = held
        run = uuid4().hex
        self.subject = f"Offer {run[:8]}"
        self.links = [
            f"https://example.com/offer/{run}?a=1&amp;b=%7E%2f&sig=AbC+/==#part",
            f"https://example.org/terms/{run}",
        ]

    def steps(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        """Title and doing of each step."""
        yield "sign in as a rep (OAuth code + PKCE)", self.sign_in
        yield "open the push socket", self.open_socket
        yield "look up a contact", self.look_up_contact
        yield "prepare a tracked and logged mail with two links", self.prepare
        yield "confirm that it was sent", self.confirm
        yield "see it as Sent in the feed", self.see_sent
        yield "load the pixel as Gmail's proxy does", self.load_pixel
        yield "receive the push of that open", self.receive_open
        yield "read for two seconds: a click that comes sooner is no person's", self.read
        yield "follow a link, byte for byte", self.follow_link
        yield "receive the push of that click", self.receive_click
        yield "read the feed: Opened, 1 open, 1 click", self.read_feed
        yield "read the contact's timeline: mail, open, click", self.read_timeline

    @property
    def message_id(self) -> str:
        """The mail's id; "" before it is prepared."""
        return str(self.prepared["message_id"]) if hasattr(self, "prepared") else ""

    async def sign_in(self) -> None:
        http = await self._held.enter_async_context(http_client())
        token = await access_token(http, self._addresses["app_url"], self._address, self._password)
        self.rep = Rep(http, self._addresses, token, self._address)
        me = await self.rep.get("/v1/me")
        expect(me["address"] == self._address, "/v1/me names somebody else")

    async def open_socket(self) -> None:
        opened = open_screen(self._addresses["push_url"], self.rep.token)
        self.screen = await self._held.enter_async_context(opened)

    async def look_up_contact(self) -> None:
        found = (await self.rep.get("/v1/contacts", limit=50))["items"]
        eligible = [one for one in found if one["addresses"] and one["legal_basis"]["kind"] != "none"]
        expect(eligible, "no contact with an address and a legal basis")
        self.contact = eligible[0]

    async def prepare(self) -> None:
        to = [{"address": self.contact["addresses"][0], "name": self.contact["name"]}]
        records = [{"record_type": "contact", "record_id": self.contact["id"]}]
        self.prepared = await self.rep.prepare(
            to, self.links, log=True, records=records, subject=self.subject
        )
        expect(self.prepared["tracked"], f"not tracked: {self.prepared['untracked_reason']}")
        expect(self.prepared["logged"], f"not logged: {self.prepared['unlogged_reason']}")
        expect([link["url"] for link in self.prepared["links"]] == self.links, "the links are not ours")

    async def confirm(self) -> None:
        confirmed = await self.rep.confirm_sent(self.prepared)
        expect(confirmed["state"] == "sent", f"the state is {confirmed['state']}")

    async def see_sent(self) -> None:
        await self._feed("as Sent in the feed", lambda row: row["state"] == "sent" and row["opens"] == 0)

    async def load_pixel(self) -> None:
        image = await load_pixel(self.rep.http, self.prepared["pixel_url"])
        expect(image.startswith(b"GIF89a") and len(image) == 43, "not the 43-byte GIF")

    async def receive_open(self) -> None:
        self.pushed = await self.screen.event(
            type="notification_raised", kind="opened", message_id=self.message_id
        )
        expect(self.pushed["verdict"] == "proxied_human", f"the verdict is {self.pushed['verdict']}")
        await self._feed("that engagement in the feed", self._names_pushed_hit)

    async def read(self) -> None:
        await reading_time()

    async def follow_link(self) -> None:
        location = await follow_link(self.rep.http, self.prepared["links"][0]["tracked_url"])
        expect(location == self.links[0].encode(), "the redirect is not the original address")

    async def receive_click(self) -> None:
        pushed = await self.screen.event(
            type="notification_raised", kind="clicked", message_id=self.message_id
        )
        expect(pushed["link_index"] == 0, f"the push names link {pushed['link_index']}")

    async def read_feed(self) -> None:
        await self._feed(
            "one open and one click in the feed",
            lambda row: (row["state"], row["opens"], row["clicks"]) == ("opened", 1, 1),
        )

    async def read_timeline(self) -> None:
        path = f"/v1/contacts/{self.contact['id']}/timeline"

        async def look() -> bool | None:
            rows = [
                row for row in (await self.rep.get(path))["items"] if row["message_id"] == self.message_id
            ]
            kinds = sorted(row["type"] for row in rows)
            subjects = {row["subject"] for row in rows if row["type"] == "email"}
            return True if kinds == ["click", "email", "open"] and subjects == {self.subject} else None

        await until(look, "mail, open and click on the contact's timeline")

    def _names_pushed_hit(self, row: Json) -> bool:
        """Whether the feed's engagement and the push are about the same hit."""
        known = {(one["id"], one["hit_id"]) for one in row["engagements"]}
        return (self.pushed["engagement_id"], self.pushed["hit_id"]) in known

    async def _feed(self, what: str, fits: Callable[[Json], bool]) -> None:
        async def look() -> bool | None:
            row = await self.rep.feed_row(self.message_id)
            return True if row is not None and fits(row) else None

        await until(look, what)


async def run(demo: Demo, report: Callable[[Outcome], None]) -> list[Outcome]:
    """Do the steps until one fails."""
    outcomes = []
    for title, step in demo.steps():
        began = time.perf_counter()
        error = ""
        try:
            await step()
        except FAILURES as failure:
            error = str(failure) or type(failure).__name__
        except (KeyError, TypeError, IndexError) as failure:
            error = f"an answer lacks what is documented: {type(failure).__name__} {failure}"
        outcome = Outcome(title, not error, round((time.perf_counter() - began) * 1000, 1), error)
        outcomes.append(outcome)
        report(outcome)
        if error:
            break
    return outcomes


def found_addresses() -> Json:
    """PUBLIC_… of the environment over those of the stack that runs; exits when neither says."""
    running = default_home().running() or {}
    found = {name: os.environ.get(f"PUBLIC_{name.upper()}") or running.get(name) for name in PUBLIC}
    if missing := [name for name, address in found.items() if not address]:
        names = ", ".join(f"PUBLIC_{name.upper()}" for name in missing)
        sys.exit(f"Kaifu is not running: `make up` first (or set {names})")
    return found


def found_rep() -> tuple[str, str]:
    """Address and password of a rep: KAIFU_DEMO_ADDRESS and _PASSWORD, or the demo account's first."""
    address, password = os.environ.get("KAIFU_DEMO_ADDRESS"), os.environ.get("KAIFU_DEMO_PASSWORD")
    if address and password:
        return address, password
    if reps := people(known_sign_ins(default_home()), Role.REP):
        return reps[0].address, reps[0].password
    sys.exit("no sign-in of a rep: set KAIFU_DEMO_ADDRESS and KAIFU_DEMO_PASSWORD")


async def _demo(report: Callable[[Outcome], None]) -> tuple[Demo, list[Outcome]]:
    async with AsyncExitStack() as held:
        demo = Demo(found_addresses(), *found_rep(), held)
        return demo, await run(demo, report)


def main(as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False) -> None:
    """Show a tracked mail at work against what `make up` started."""
    console = Console()
    began = time.perf_counter()

    def show(outcome: Outcome) -> None:
        if as_json:
            return
        tick = "[green]✓[/]" if outcome.ok else "[bold red]✗[/]"
        console.print(f"{tick} {outcome.ms:8.1f} ms  {outcome.step}", highlight=False)
        if outcome.error:
            console.print(f"               {outcome.error}", style="red", markup=False, highlight=False)

    demo, outcomes = asyncio.run(_demo(show))
    ok = all(outcome.ok for outcome in outcomes)
    summary: dict[str, Any] = {
        "ok": ok,
        "message_id": demo.message_id,
        "total_ms": round((time.perf_counter() - began) * 1000, 1),
        "steps": [asdict(outcome) for outcome in outcomes],
    }
    if as_json:
        print(json.dumps(summary, indent=2))
    elif ok:
        console.print(f"[bold green]done[/] in {summary['total_ms']:.0f} ms", highlight=False)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    typer.run(main)
