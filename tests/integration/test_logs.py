"""The logs of the whole run: readable by machines, and without a word about people. Runs last."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.environment import SERVICES
from deploy.local.rep import BROWSER, GMAIL_PROXY, Rep, follow_link, load_pixel, reading_time
from deploy.local.screen import open_screen
from deploy.local.stack import Stack
from tests.integration.collector import Collector

pytestmark = pytest.mark.integration

JSON_PARTS = (*SERVICES, "database")  # the broker says nothing unless it fails
ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+")
TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+|\bAQ[\w-]{40,}")
LEVELS = {"debug", "info", "warning", "error", "critical"}


def lines(stack: Stack) -> Iterator[tuple[Path, str]]:
    for log in sorted(stack.home.logs.iterdir()):
        for line in log.read_text().splitlines():
            yield log, line


@pytest.fixture
async def secrets(stack: Stack, rep: Rep) -> dict[str, str]:
    """A mail's whole life, good and bad; what it was about, by what it is."""
    subject, recipient = "Umbrella pricing, strictly between us", "aoi.kuroda@recipient.example"
    prepared = await rep.prepare(
        [{"address": recipient, "name": "Aoi Kuroda"}],
        ["https://example.com/secret-path"],
        subject=subject,
        log=True,
        create_contacts=[recipient],
    )
    await rep.confirm_sent(prepared)
    async with open_screen(stack.addresses["push_url"], rep.token) as screen:
        await load_pixel(rep.http, prepared["pixel_url"])
        await reading_time()
        await follow_link(rep.http, prepared["links"][0]["tracked_url"])
        await screen.event(type="notification_raised", kind="clicked", message_id=prepared["message_id"])
    await rep.http.get(prepared["pixel_url"].replace(".gif", "x.gif"), headers=GMAIL_PROXY)
    await rep.http.get(prepared["links"][0]["tracked_url"][:-4], headers=BROWSER)
    await rep.http.post(f"{rep.api_url}/v1/messages", content=subject, headers=_bearer(rep))
    await rep.http.post(
        f"{rep.api_url}/v1/messages/{prepared['message_id']}/sent",
        json={"receipt": prepared["receipt"][:-3]},
        headers=_bearer(rep),
    )
    return {
        "subject": subject,
        "recipient": recipient,
        "name": "Aoi Kuroda",
        "destination": "secret-path",
        "pixel token": prepared["pixel_url"].rsplit("/", 1)[1][:-4],
        "link token": prepared["links"][0]["tracked_url"].rsplit("/", 1)[1][:40],
        "receipt": prepared["receipt"][:40],
        "access token": rep.token[-40:],
        "sender": rep.address,
        "directory token": stack.home.directory_token(),
        "proxy address": GMAIL_PROXY["X-Forwarded-For"],
        "client address": BROWSER["X-Forwarded-For"],
        **{f"password {at}": found for at, found in enumerate(_passwords(stack))},
    }


def _bearer(rep: Rep) -> dict[str, str]:
    return {"Authorization": f"Bearer {rep.token}", "Content-Type": "application/json"}


def _passwords(stack: Stack) -> list[str]:
    return re.findall(r'"password": "([^"]+)"', json.dumps(stack.sign_ins))


async def test_every_line_is_json_with_service_and_level(stack: Stack, secrets: dict[str, str]) -> None:
    counted = dict.fromkeys(JSON_PARTS, 0)
    for log, line in lines(stack):
        part = log.name.split(".")[0]
        if part not in JSON_PARTS:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            pytest.fail(f"{log.name} has a line that is no JSON: {line[:200]}")
        assert entry["service"] == part
        assert entry["level"] in LEVELS
        counted[part] += 1
    assert all(counted[service] for service in SERVICES), counted


async def test_no_person_and_no_secret_in_any_span(
    collector: Collector, secrets: dict[str, str], rep: Rep
) -> None:
    """Searching included: what people look for stands in an address."""
    await rep.get("/v1/contacts", q=secrets["recipient"])
    await collector.span("tracker", "judge")
    for span in collector.spans:
        said = f"{span.service} {span.name} {span.attributes}"
        for what, value in secrets.items():
            assert value not in said, f"a span holds the {what}: {said}"
        assert not ADDRESS.search(said), said
        assert not TOKEN.search(said), said


async def test_no_person_and_no_secret_in_any_line(stack: Stack, secrets: dict[str, str]) -> None:
    assert _passwords(stack)
    for log, line in lines(stack):
        for what, value in secrets.items():
            assert value not in line, f"{log.name} holds the {what}: {line[:300]}"
        assert not ADDRESS.search(line), f"{log.name} holds an e-mail address: {line[:300]}"
        assert not TOKEN.search(line), f"{log.name} holds a token: {line[:300]}"
