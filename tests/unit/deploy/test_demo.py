"""The demo's steps: each is content with what is promised, and with nothing else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, cast

import httpx
import pytest

from deploy.local import demo as demo_module
from deploy.local.demo import Demo, Outcome, run
from deploy.local.rep import Json, until
from deploy.local.screen import Screen

ADDRESS = "rep@app.test"
ADDRESSES = {"app_url": "http://app.test", "api_url": "http://api.test", "push_url": "ws://push.test"}
PIXEL = b"GIF89a" + bytes(37)
HIT = {"engagement_id": "e-1", "hit_id": "h-1"}


def _contact(**fields: object) -> Json:
    return {
        "id": "c-1",
        "name": "Aoi",
        "addresses": ["a@b.test"],
        "legal_basis": {"kind": "consent"},
        **fields,
    }


class Kaifu:
    """What it answers; a test changes one thing."""

    def __init__(self) -> None:
        self.me = ADDRESS
        self.contact = _contact()
        self.prepared: Json = {
            "message_id": "m-1",
            "receipt": "r",
            "tracked": True,
            "untracked_reason": None,
            "logged": True,
            "unlogged_reason": None,
        }
        self.link = ""
        self.state = "sent"
        self.row: Json = {"state": "sent", "opens": 0, "clicks": 0, "engagements": []}
        self.subject = ""
        self.timeline = ["click", "email", "open"]
        self.pixel = PIXEL
        self.location = ""
        self.opened: Json = {**HIT, "verdict": "proxied_human"}
        self.clicked: Json = {"link_index": 0}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path:
            case "GET", "/v1/me":
                return httpx.Response(200, json={"address": self.me})
            case "GET", "/v1/contacts":
                return httpx.Response(200, json={"items": [self.contact]})
            case "POST", "/v1/messages":
                return httpx.Response(201, json=self.prepared)
            case "POST", "/v1/messages/m-1/sent":
                return httpx.Response(202, json={"state": self.state})
            case "GET", "/v1/feed/m-1":
                return httpx.Response(200, json=self.row)
            case "GET", "/v1/contacts/c-1/timeline":
                rows = [
                    {"message_id": "m-1", "type": kind, "subject": self.subject} for kind in self.timeline
                ]
                return httpx.Response(200, json={"items": rows})
            case "GET", "/o/1.gif":
                return httpx.Response(200, content=self.pixel, headers={"content-type": "image/gif"})
            case "GET", "/c/1":
                return httpx.Response(302, headers={"location": self.location})
            case asked:
                raise AssertionError(asked)

    async def event(self, **fields: object) -> Json:
        """The push of this kind."""
        return self.opened if fields["kind"] == "opened" else self.clicked


@pytest.fixture
def kaifu() -> Kaifu:
    return Kaifu()


@pytest.fixture
async def demo(kaifu: Kaifu, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Demo]:
    """Ready for any step after the socket's."""

    async def token(*_: object) -> str:
        return "token"

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(kaifu))

    monkeypatch.setattr(demo_module, "access_token", token)
    monkeypatch.setattr(demo_module, "http_client", client)
    monkeypatch.setattr(demo_module, "until", partial(until, within_s=0.05))
    async with AsyncExitStack() as held:
        demo = Demo(ADDRESSES, ADDRESS, "password", held)
        await demo.sign_in()
        demo.screen = cast(Screen, kaifu)
        demo.contact = _contact()
        links = [{"url": url, "tracked_url": "http://t.test/c/1"} for url in demo.links]
        kaifu.prepared.update(links=links, pixel_url="http://t.test/o/1.gif")
        demo.prepared = dict(kaifu.prepared)
        kaifu.location, kaifu.subject = demo.links[0], demo.subject
        yield demo


RIGHT: list[tuple[str, Json]] = [
    ("sign_in", {}),
    ("look_up_contact", {}),
    ("prepare", {}),
    ("confirm", {}),
    ("see_sent", {}),
    ("load_pixel", {}),
    ("receive_open", {"row": {"engagements": [{"id": "e-1", "hit_id": "h-1"}]}}),
    ("follow_link", {}),
    ("receive_click", {}),
    ("read_feed", {"row": {"state": "opened", "opens": 1, "clicks": 1}}),
    ("read_timeline", {}),
]

WRONG: list[tuple[str, Json, str]] = [
    ("sign_in", {"me": "other@app.test"}, "names somebody else"),
    ("look_up_contact", {"contact": _contact(addresses=[])}, "no contact"),
    ("look_up_contact", {"contact": _contact(legal_basis={"kind": "none"})}, "no contact"),
    ("prepare", {"prepared": {"tracked": False, "untracked_reason": "off"}}, "not tracked: off"),
    ("prepare", {"prepared": {"logged": False, "unlogged_reason": "off"}}, "not logged: off"),
    ("prepare", {"prepared": {"links": []}}, "the links are not ours"),
    ("confirm", {"state": "scheduled"}, "the state is scheduled"),
    ("see_sent", {"row": {"state": "opened"}}, "as Sent in the feed"),
    ("see_sent", {"row": {"opens": 1}}, "as Sent in the feed"),
    ("load_pixel", {"pixel": PIXEL[:-1]}, "not the 43-byte GIF"),
    ("load_pixel", {"pixel": b"\x89PNG\r\n" + PIXEL[6:]}, "not the 43-byte GIF"),
    ("receive_open", {"opened": {"verdict": "machine"}}, "the verdict is machine"),
    ("receive_open", {"row": {"engagements": [{"id": "e-1", "hit_id": "h-2"}]}}, "in the feed"),
    ("follow_link", {"location": "https://example.com/offer"}, "not the original address"),
    ("receive_click", {"clicked": {"link_index": 1}}, "the push names link 1"),
    ("read_feed", {"row": {"state": "opened", "opens": 2, "clicks": 1}}, "one open and one click"),
    ("read_feed", {"row": {"state": "opened", "opens": 1, "clicks": 0}}, "one open and one click"),
    ("read_timeline", {"timeline": ["click", "email"]}, "on the contact's timeline"),
    ("read_timeline", {"subject": "Another"}, "on the contact's timeline"),
]


def change(kaifu: Kaifu, answers: Json) -> None:
    for name, value in answers.items():
        if isinstance(value, dict):
            getattr(kaifu, name).update(value)
        else:
            setattr(kaifu, name, value)


async def only(demo: Demo, method: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """How that step alone goes."""
    step: Callable[[], Any] = getattr(demo, method)
    monkeypatch.setattr(demo, "steps", lambda: [(method, step)])
    (outcome,) = await run(demo, lambda _: None)
    return outcome


@pytest.mark.parametrize(("step", "answers"), RIGHT)
async def test_a_step_is_content_with_what_is_promised(
    demo: Demo, kaifu: Kaifu, monkeypatch: pytest.MonkeyPatch, step: str, answers: Json
) -> None:
    change(kaifu, answers)
    assert (await only(demo, step, monkeypatch)).error == ""


@pytest.mark.parametrize(("step", "answers", "error"), WRONG)
async def test_a_step_fails_on_anything_else_and_says_what_differs(
    demo: Demo, kaifu: Kaifu, monkeypatch: pytest.MonkeyPatch, step: str, answers: Json, error: str
) -> None:
    change(kaifu, answers)
    outcome = await only(demo, step, monkeypatch)
    assert not outcome.ok
    assert error in outcome.error


async def test_an_answer_without_a_documented_field_is_a_failure_that_ends_the_run(
    demo: Demo, kaifu: Kaifu, monkeypatch: pytest.MonkeyPatch
) -> None:
    del kaifu.clicked["link_index"]
    steps = [("click", demo.receive_click), ("confirm", demo.confirm)]
    monkeypatch.setattr(demo, "steps", lambda: steps)
    reported: list[Outcome] = []
    outcomes = await run(demo, reported.append)
    assert reported == outcomes
    assert [outcome.step for outcome in outcomes] == ["click"]
    assert outcomes[0].error == "an answer lacks what is documented: KeyError 'link_index'"
