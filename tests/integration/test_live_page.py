"""The feed's script in real Chromium against a scripted notifier: what a running one seldom says."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, Route, WebSocketRoute, expect

from deploy.local.rep import until
from services.crm.web.pages import make_pages
from shared.http.server import quiet_server
from shared.settings import PublicAddresses
from tests.integration.browser import until_live, watched
from tests.unit.crm_web.fakes import COOKIE, NOW, FakeCrm, fake_crm, feed_row, sent_row

pytestmark = pytest.mark.integration
PUSH = "ws://push.example"


@dataclass
class Notifier:
    """Sockets that the page opened; it answers only what the test says."""

    sockets: list[WebSocketRoute] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0
    expires_in: int = 600
    opened: asyncio.Queue[WebSocketRoute] = field(default_factory=asyncio.Queue)
    authenticated: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def accept(self, route: WebSocketRoute) -> None:
        self.sockets.append(route)
        route.on_message(self._hear)
        self.opened.put_nowait(route)

    def _hear(self, message: str | bytes) -> None:
        said = json.loads(message)
        self.said.append(said)
        if said["type"] == "authenticate":
            self.authenticated.put_nowait(said["access_token"])

    async def token(self, route: Route, request: Request) -> None:
        self.tokens += 1
        assert request.headers["x-csrf-token"]
        await route.fulfill(json={"access_token": f"token-{self.tokens}", "expires_in": self.expires_in})

    def tell(self, **message: Any) -> None:
        self.sockets[-1].send(json.dumps(message))

    def event(self, type_: str, cursor: str, **fields: Any) -> None:
        self.tell(type="event", cursor=cursor, event={"type": type_, **fields})


@dataclass
class Screen:
    """A feed page, the notifier that it talks to, and the application behind it."""

    page: Page
    context: BrowserContext
    notifier: Notifier
    crm: FakeCrm

    async def ready(self, cursor: str = "c1") -> WebSocketRoute:
        """Let the page's next socket become ready."""
        opened = await asyncio.wait_for(self.notifier.opened.get(), 10)
        await asyncio.wait_for(self.notifier.authenticated.get(), 10)
        self.notifier.tell(type="ready", cursor=cursor)
        await until_live(self.page)
        return opened


@asynccontextmanager
async def serving(crm: FakeCrm) -> AsyncIterator[str]:
    """The pages on a port of their own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = quiet_server(make_pages(crm, PublicAddresses(app_url=url, push_url=PUSH), lambda: NOW), "", 0)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield url
    finally:
        server.should_exit = True
        await serving
        listener.close()


@pytest_asyncio.fixture(loop_scope="session")
async def screen(browser: Browser) -> AsyncIterator[Screen]:
    crm, notifier = fake_crm(), Notifier()
    crm.feed.rows = [sent_row(subject="One"), sent_row(subject="Two")]
    async with serving(crm) as url, watched(browser, locale="en", permissions=["notifications"]) as watching:
        context, complaints = watching
        await context.add_cookies([{"name": "kaifu_session", "value": COOKIE, "url": url}])
        await context.add_init_script(_RECORD_POPUPS)
        page = await context.new_page()
        await page.route_web_socket(f"{PUSH}/**", notifier.accept)
        await page.route("**/session/access-token", notifier.token)
        await page.goto(f"{url}/feed")
        yield Screen(page, context, notifier, crm)
        assert complaints == []


_RECORD_POPUPS = """
  window.popups = [];
  window.Notification = class extends window.Notification {
    constructor(title, options) { super(title, options); window.popups.push("shown"); }
    close() { super.close(); window.popups.push("closed"); }
  };
"""


def raised(screen: Screen, cursor: str = "c2", **fields: Any) -> str:
    """Send a notification about the first row; returns its id."""
    id_ = str(fields.pop("notification_id", uuid4()))
    about = {"kind": "opened", "message_id": str(screen.crm.feed.rows[0].message_id), "candidates": [0]}
    screen.notifier.event("notification_raised", cursor, notification_id=id_, **{**about, **fields})
    return id_


async def popups(screen: Screen, *states: str) -> None:
    """Wait until that is what happened on the desktop, in this order and no more."""

    async def look() -> bool | None:
        return True if await screen.page.evaluate("window.popups") == list(states) else None

    await until(look, f"desktop pop-ups {states}")


@pytest.mark.requirement("T4")
async def test_a_socket_that_drops_resumes_from_the_last_cursor_and_repeats_show_nothing_twice(
    screen: Screen,
) -> None:
    first = await screen.ready("c1")
    assert first.url == f"{PUSH}/v1/stream"
    id_ = raised(screen, "c 2/")
    await expect(screen.page.locator(".toast")).to_have_count(1)
    await first.close(code=1012)
    await expect(screen.page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    second = await screen.ready("c3")
    assert second.url == f"{PUSH}/v1/stream?after=c%202%2F"
    raised(screen, "c4", notification_id=id_)
    raised(screen, "c5", kind="test", message_id=None)
    await expect(screen.page.locator(".toast.test")).to_have_count(1)
    await expect(screen.page.locator(".toast")).to_have_count(2)
    await popups(screen, "shown", "shown")


@pytest.mark.requirement("B3")
async def test_a_withdrawn_notification_leaves_the_screen_and_is_never_raised_again(screen: Screen) -> None:
    await screen.ready()
    message_id = str(screen.crm.feed.rows[0].message_id)
    id_ = raised(screen)
    await popups(screen, "shown")
    later, about = str(uuid4()), {"message_id": message_id, "engagement_id": str(uuid4()), "rule": "x"}
    screen.notifier.event("notification_retracted", "c3", notification_id=id_, **about)
    await expect(screen.page.locator(".toast.opened")).to_have_count(0)
    await expect(screen.page.locator(".toast.note")).to_contain_text("withdrawn")
    await expect(screen.page.locator(f"#row-{message_id}")).to_have_class("mail changed")
    await popups(screen, "shown", "closed")
    screen.notifier.event("notification_retracted", "c4", notification_id=later, **about)
    raised(screen, "c5", notification_id=later)
    raised(screen, "c6", kind="test", message_id=None)
    await expect(screen.page.locator(".toast.test")).to_have_count(1)
    await expect(screen.page.locator(".toast.opened")).to_have_count(0)


@pytest.mark.requirement("B8")
@pytest.mark.parametrize("why", ["muted", "quiet_hours"])
async def test_a_silent_notification_is_seen_in_its_row_alone_and_comes_up_never(
    screen: Screen, why: str
) -> None:
    """Neither a pop-up nor a toast, also when it is told again without a word of silence."""
    await screen.ready()
    row = feed_row(subject="Opened at night")
    screen.crm.feed.rows.insert(0, row)
    id_, about = str(uuid4()), {"message_id": str(row.message_id)}
    event = {
        "type": "notification_raised",
        "notification_id": id_,
        "kind": "opened",
        "candidates": [0],
        **about,
    }
    screen.notifier.tell(type="event", cursor="c2", silent=why, event=event)
    screen.notifier.event("feed_changed", "c3", **about)
    await expect(screen.page.locator(f"#row-{row.message_id} .state")).to_have_text("Opened")
    raised(screen, "c4", notification_id=id_)
    raised(screen, "c5", kind="test", message_id=None)
    await expect(screen.page.locator(".toast.test")).to_have_count(1)
    await expect(screen.page.locator(".toast")).to_have_count(1)
    await popups(screen, "shown")


@pytest.mark.requirement("B8")
async def test_a_mail_is_muted_in_its_row(screen: Screen) -> None:
    """By keyboard; the focus stays on the button."""
    await screen.ready()
    row = screen.page.locator(f"#row-{screen.crm.feed.rows[0].message_id}")
    await row.get_by_role("button", name="Mute").focus()
    await screen.page.keyboard.press("Enter")
    await expect(row.locator(".tag")).to_have_text("muted")
    await expect(row.get_by_role("button", name="Unmute")).to_be_focused()
    await screen.page.keyboard.press("Enter")
    await expect(row.locator(".tag")).to_have_count(0)
    assert not screen.crm.feed.rows[0].muted


@pytest.mark.requirement("T4")
async def test_a_toast_leads_to_the_mail(screen: Screen) -> None:
    await screen.ready()
    raised(screen)
    await screen.page.locator(".toast a").click()
    message_id = screen.crm.feed.rows[0].message_id
    await expect(screen.page.locator(f"#why-{message_id}")).to_be_focused()
    assert screen.page.url.endswith(f"#row-{message_id}")
    await expect(screen.page.locator(".toast")).to_have_count(0)


@pytest.mark.requirement("T4")
async def test_a_link_leads_to_a_mail_further_down_than_what_is_loaded(screen: Screen) -> None:
    """It stands on top, marked, and once only when its own place is loaded."""
    newer = [sent_row(subject=f"Newer {number}") for number in range(40)]
    asked = sent_row(subject="Asked for")
    screen.crm.feed.rows = [*newer, asked]
    await screen.page.reload()
    await screen.page.evaluate(f"location.hash = 'row-{asked.message_id}'")
    row = screen.page.locator(f"#row-{asked.message_id}")
    await expect(row).to_be_in_viewport()
    assert await row.evaluate("(row) => row.matches(':target')")
    await expect(screen.page.locator(".subject").first).to_have_text("Asked for")
    await screen.page.locator(".more").scroll_into_view_if_needed()
    await expect(screen.page.locator(".subject")).to_have_text([*(one.subject for one in newer), "Asked for"])


@pytest.mark.requirement("T3")
async def test_only_the_changed_row_is_fetched_and_an_open_detail_stays_open(screen: Screen) -> None:
    await screen.ready()
    first, second = screen.crm.feed.rows
    row = screen.page.locator(f"#row-{first.message_id}")
    await row.locator("summary").click()
    await expect(row.locator(".detail")).to_contain_text("Nothing has been loaded")
    asked: list[str] = []
    screen.page.on("request", lambda request: asked.append(request.url.split("/feed/")[-1]))
    screen.crm.feed.rows[0] = feed_row(message_id=first.message_id, subject="One")
    screen.notifier.event("feed_changed", "c2", message_id=str(first.message_id))
    await expect(row.locator(".state")).to_have_text("Opened")
    await expect(row.locator("details")).to_have_attribute("open", "")
    await expect(row.locator("summary")).to_be_focused()
    await expect(screen.page.locator("#announcer")).to_have_text("The row of “One” has changed")
    assert set(asked) == {f"rows/{first.message_id}", f"rows/{first.message_id}/detail"}
    assert await screen.page.locator(f"#row-{second.message_id} .state").inner_text() == "Sent"


@pytest.mark.requirement("T3")
async def test_what_happened_between_page_and_socket_is_caught_up_without_touching_other_rows(
    screen: Screen,
) -> None:
    first, second = screen.crm.feed.rows
    row = screen.page.locator(f"#row-{second.message_id}")
    await row.locator("summary").click()
    await row.evaluate("(row) => { row.untouched = true }")
    new = sent_row(subject="Three", sent_at=NOW)
    screen.crm.feed.rows = [new, feed_row(message_id=first.message_id, subject="One"), second]
    await screen.ready()
    await expect(screen.page.locator(".subject")).to_have_text(["Three", "One", "Two"])
    await expect(screen.page.locator(".state")).to_have_text(["Sent", "Opened", "Sent"])
    assert await row.evaluate("(row) => row.untouched && row.querySelector('details').open") is True


async def test_a_resync_loads_the_feed_afresh_and_goes_on_from_its_cursor(screen: Screen) -> None:
    socket_ = await screen.ready()
    screen.crm.feed.rows = [sent_row(subject="New world")]
    screen.notifier.tell(type="resync", reason="other_epoch", cursor="e2")
    await expect(screen.page.locator(".subject")).to_have_text(["New world"])
    await socket_.close(code=1012)
    assert (await screen.ready()).url == f"{PUSH}/v1/stream?after=e2"


@pytest.mark.parametrize("held", ["rows", "rows/{id}"], ids=["catching up", "a row"])
async def test_what_was_asked_for_before_a_resync_is_not_shown_after_it(held: str, screen: Screen) -> None:
    """Its answer comes when the feed of the new world stands already."""
    first = screen.crm.feed.rows[0]
    answered, let_go = asyncio.Event(), asyncio.Event()
    path = "/feed/" + held.format(id=first.message_id)

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        await screen.page.unroute(f"**{path}")
        answered.set()
        await let_go.wait()
        await route.fulfill(response=answer)

    await screen.page.route(f"**{path}", hold)
    async with screen.page.expect_request(f"**{path}") as asked:
        await screen.ready()
        screen.notifier.event("feed_changed", "c2", message_id=str(first.message_id))
    await answered.wait()
    new = sent_row(subject="New world")
    screen.crm.feed.rows = [new]
    screen.notifier.tell(type="resync", reason="other_epoch", cursor="e2")
    await expect(screen.page.locator(".subject")).to_have_text(["New world"])
    async with screen.page.expect_event("requestfinished", lambda request: request == late):
        late = await asked.value
        let_go.set()
    screen.crm.feed.rows = [feed_row(message_id=new.message_id, subject="New world")]
    screen.notifier.event("feed_changed", "e3", message_id=str(new.message_id))
    await expect(screen.page.locator(".state")).to_have_text(["Opened"])
    await expect(screen.page.locator(".subject")).to_have_text(["New world"])


async def test_a_feed_that_can_not_be_loaded_afresh_is_tried_again(screen: Screen) -> None:
    await screen.ready()
    screen.crm.feed.rows = [sent_row(subject="New world")]
    await screen.page.route("**/feed/rows", lambda route: route.fulfill(status=503), times=1)
    screen.notifier.tell(type="resync", reason="other_epoch", cursor="e2")
    await screen.ready()
    await expect(screen.page.locator(".subject")).to_have_text(["New world"])


async def test_what_came_while_away_is_one_line(screen: Screen) -> None:
    await screen.ready()
    screen.notifier.tell(type="summary", count=12, cursor="c9")
    await expect(screen.page.locator(".toast.note")).to_contain_text(
        "12 notifications came while you were away"
    )


async def begin_again_with_a_clock(screen: Screen) -> None:
    """Load the page anew, with time that only the test moves on."""
    await screen.ready()
    await screen.page.clock.install()
    await screen.page.reload()
    await screen.ready()


async def test_the_access_token_is_renewed_before_it_ends_on_the_same_socket(screen: Screen) -> None:
    await begin_again_with_a_clock(screen)
    before, sockets = screen.notifier.tokens, len(screen.notifier.sockets)
    for _ in range(54):  # pings are answered meanwhile, or the page would reconnect
        await screen.page.clock.run_for(10_000)
        screen.notifier.tell(type="pong")
    renewed = await asyncio.wait_for(screen.notifier.authenticated.get(), 10)
    assert (renewed, len(screen.notifier.sockets)) == (f"token-{before + 1}", sockets)
    assert {"type": "ping"} in screen.notifier.said


async def test_a_silent_socket_is_given_up(screen: Screen) -> None:
    await begin_again_with_a_clock(screen)
    await screen.page.clock.run_for(36_000)
    await asyncio.wait_for(screen.notifier.opened.get(), 10)


async def test_a_revoked_sign_in_leads_to_the_sign_in_page(screen: Screen) -> None:
    socket_ = await screen.ready()
    screen.crm.sign_ins.disabled = True
    await socket_.close(code=4403)
    await screen.page.wait_for_url("**/sign-in**")
    assert screen.page.url.endswith("/sign-in?next=%2Ffeed")


async def test_signing_out_hangs_up_first(screen: Screen) -> None:
    """Else its own revocation reloads the page while the answer is on its way."""
    opened, hung_up = await screen.ready(), asyncio.Event()
    opened.on_close(lambda *_: hung_up.set())

    async def hold(route: Route) -> None:
        await asyncio.wait_for(hung_up.wait(), 10)
        await route.continue_()

    await screen.page.route("**/sign-out", hold)
    await screen.page.get_by_role("button", name="Sign out").click()
    await screen.page.wait_for_url("**/sign-in")
    assert len(screen.notifier.sockets) == 1
