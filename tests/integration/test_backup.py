"""Fill, back up, restore on an empty machine: old addresses open, people sign in, all they had is there."""

import json

import pytest

from deploy.local.home import Home
from deploy.local.ports import Ports
from deploy.local.rep import Json, Rep, follow_link, load_pixel, until
from deploy.local.stack import Stack
from tests.integration.client import signed_in
from tests.integration.running import command, running

pytestmark = pytest.mark.integration
LINK = "https://example.com/offer?id=%C3%A9#part"
FILE = bytes(range(256)) * 9000  # 2.3 MB: several chunks


async def a_mail(rep: Rep) -> Json:
    """Tracked, opened and logged on a contact, with an attachment."""
    found = (await rep.get("/v1/contacts"))["items"]
    contact = next(one for one in found if one["addresses"] and one["legal_basis"]["kind"] != "none")
    records = [{"record_type": "contact", "record_id": contact["id"]}]
    prepared = await rep.prepare([{"address": contact["addresses"][0]}], [LINK], log=True, records=records)
    await rep.confirm_sent(prepared)
    headers = {"Authorization": f"Bearer {rep.token}", "Kaifu-Receipt": prepared["receipt"]}
    url = f"{rep.app_url}/v1/messages/{prepared['message_id']}/attachments/0?name=offer.pdf"
    answer = await rep.http.put(url, content=FILE, headers=headers)
    assert answer.status_code == 200, answer.text
    await load_pixel(rep.http, prepared["pixel_url"])
    prepared["contact_id"] = contact["id"]
    await opened(rep, prepared, 1)
    return prepared


async def opened(rep: Rep, prepared: Json, opens: int) -> None:
    async def look() -> bool | None:
        row = await rep.feed_row(prepared["message_id"])
        return (row is not None and row["opens"] >= opens) or None

    await until(look, f"{opens} opens in the feed", 60)


async def timeline(rep: Rep, prepared: Json) -> Json:
    """The contact's, once it has the mail with its attachment, and the open."""

    async def complete() -> Json | None:
        page = await rep.get(f"/v1/contacts/{prepared['contact_id']}/timeline")
        text = json.dumps([row for row in page["items"] if row.get("message_id") == prepared["message_id"]])
        return page if "offer.pdf" in text and '"open' in text else None

    return await until(complete, "mail, attachment and open on the timeline", 60)


async def attachment(rep: Rep, prepared: Json) -> bytes:
    url = f"{rep.app_url}/v1/messages/{prepared['message_id']}/attachments/0"
    answer = await rep.http.get(url, headers={"Authorization": f"Bearer {rep.token}"})
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_what_was_backed_up_is_there_again_on_an_empty_machine(
    stack: Stack, rep: Rep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, ports = tmp_path_factory.mktemp("backup"), Ports.free()
    home, file = Home(folder / "home"), folder / "kaifu.backup"
    prepared = await a_mail(rep)
    before = await timeline(rep, prepared)
    code, said = await command(stack.home, stack.ports, "backup", str(file))
    assert code == 0, said
    assert "holds people's mail and the keys" in said
    assert file.stat().st_mode & 0o777 == 0o600
    code, said = await command(stack.home, stack.ports, "restore", str(file))
    assert (code, "already running" in said) == (2, True)

    code, said = await command(home, ports, "restore", str(file))
    assert code == 0, said
    for ring in ("tracking", "receipts", "cursors"):
        assert home.ring(ring).read_bytes() == stack.home.ring(ring).read_bytes()
        assert home.ring(ring).stat().st_mode & 0o777 == 0o600
    code, said = await command(home, ports, "restore", str(file))
    assert (code, "not empty" in said, "nothing was changed" in said) == (1, True, True)

    async with running(home, ports) as up, signed_in(up.addresses, stack.sign_ins) as again:
        assert up.sign_ins == stack.sign_ins
        assert await timeline(again, prepared) == before
        assert await attachment(again, prepared) == FILE
        old, new = stack.addresses["tracking_url"], up.addresses["tracking_url"]
        await load_pixel(again.http, prepared["pixel_url"].replace(old, new))
        link = prepared["links"][0]["tracked_url"].replace(old, new)
        assert await follow_link(again.http, link) == LINK.encode()
        await opened(again, prepared, 2)
