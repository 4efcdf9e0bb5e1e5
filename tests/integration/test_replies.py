"""An answer, from the rep's Gmail by way of ingest and tracker to the feed in crm (B7)."""

from datetime import UTC, datetime, timedelta

import pytest

from deploy.local.rep import Json, Rep, load_pixel, until
from deploy.local.screen import open_screen
from deploy.local.stack import Stack
from tests.integration.client import signed_in

pytestmark = [pytest.mark.integration, pytest.mark.requirement("B7")]
TO = [{"address": f"{name}@recipient.example"} for name in ("ann", "bob")]


async def sent(rep: Rep, to: list[Json]) -> Json:
    """A tracked mail that went out, and that nobody has opened."""
    prepared = await rep.prepare(to, [])
    await rep.confirm_sent(prepared)
    await until(lambda: rep.feed_row(prepared["message_id"]), "the sent mail in the feed")
    return prepared


async def answered(rep: Rep, prepared: Json, **more: object) -> datetime:
    """Tell of an answer that came just now."""
    came = datetime.now(UTC)
    reply = {
        "message_id": prepared["message_id"],
        "reply_id": "18c0ffee00000001",
        "occurred_at": came.isoformat(),
        **more,
    }
    url = f"{rep.api_url}/v1/replies"
    headers = {"Authorization": f"Bearer {rep.token}"}
    answer = await rep.http.post(url, json={"replies": [reply]}, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    return came


async def opened(rep: Rep, prepared: Json, by: int) -> Json:
    """The feed's row once this slot has opened the mail."""

    async def look() -> Json | None:
        row = await rep.feed_row(prepared["message_id"]) or {"engagements": ()}
        return row if any(one["candidates"] == [by] for one in row["engagements"]) else None

    return await until(look, f"an open by slot {by}")


@pytest.mark.requirement("T3", "B6", "B4")
async def test_a_reply_opens_the_row_of_exactly_its_recipient_and_pops_nothing_up(
    stack: Stack, rep: Rep
) -> None:
    """However often it is told; what is fetched later stands beside it as before, with its pop-up."""
    prepared = await sent(rep, TO)
    async with open_screen(stack.addresses["push_url"], rep.token) as screen:
        came = await answered(rep, prepared, slot=1)
        await answered(rep, prepared, slot=1, occurred_at=came.isoformat())
        # What is told of a mail is judged in turn: once this one shows, the second telling was judged.
        await answered(rep, prepared, slot=0, reply_id="18c0ffee00000002")
        row = await opened(rep, prepared, by=0)
        assert row["state"] == "opened"
        engagement, _ = sorted(row["engagements"], key=lambda one: one["candidates"] != [1])
        assert engagement["inferred"]
        assert engagement["candidates"] == [1]
        assert engagement["evidence"][0]["rule"] == "inferred.reply"
        assert (engagement["place"], engagement["place_unknown"]) == (None, "reply")
        assert abs(datetime.fromisoformat(row["first_open_at"]) - came) < timedelta(milliseconds=1)
        assert row["last_evidence"][0]["rule"] == "inferred.reply"

        await load_pixel(rep.http, prepared["pixel_url"])
        raised = await screen.event(type="notification_raised", message_id=prepared["message_id"])
        raisings = [
            event
            for event in (frame.get("event", {}) for frame in screen.frames)
            if event.get("type") == "notification_raised"
            and event.get("message_id") == prepared["message_id"]
        ]
        assert [event["hit_id"] for event in raisings] == [raised["hit_id"]] != [engagement["hit_id"]]


async def test_a_colleague_s_word_is_none(stack: Stack, rep: Rep) -> None:
    """It is taken, as a report of viewing is, and changes nothing; the sender's own does."""
    prepared = await sent(rep, TO[:1])
    async with signed_in(stack.addresses, stack.sign_ins, number=1) as colleague:
        early = await answered(colleague, prepared, slot=0)
    later = await answered(rep, prepared, slot=0)
    row = await opened(rep, prepared, by=0)
    assert len(row["engagements"]) == 1
    assert early < later - timedelta(milliseconds=1)
    assert abs(datetime.fromisoformat(row["first_open_at"]) - later) < timedelta(milliseconds=1)
