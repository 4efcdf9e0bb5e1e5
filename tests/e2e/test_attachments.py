"""Files of a logged mail, from the compose window to the download on the timeline."""

import hashlib

import pytest
from playwright.async_api import FilePayload, expect

from deploy.local.rep import Json, Rep, until
from tests.e2e.rep import Desk, new_compose
from tests.e2e.test_compose import new_contact

FILES: list[FilePayload] = [
    {
        "name": "見積書 🎉.pdf",
        "mimeType": "application/pdf",
        "buffer": b"%PDF-1.7\n" + bytes(range(256)) * 4000,
    },
    {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""},
    {"name": 'a "quoted" name; x=1.csv', "mimeType": "text/csv", "buffer": "名前,値\r\n".encode()},
]


@pytest.mark.requirement("L10", "A2")
async def test_the_files_of_a_logged_mail_can_be_downloaded_from_its_timeline(desk: Desk, api: Rep) -> None:
    contact = await new_contact(api, "files@recipient.example")
    compose = await new_compose(desk.page)
    await compose.write("files@recipient.example", "With files", "<p>See the files</p>")
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    await compose.window.locator("input[name=Filedata]").set_input_files(FILES)
    await expect(compose.window.locator(".files .dL")).to_have_count(len(FILES))
    await compose.send()
    await desk.gmail.sent(1)

    async def stored() -> Json | None:
        rows = (await api.get(f"/v1/contacts/{contact['id']}/timeline"))["items"]
        mail = next((row for row in rows if row["type"] == "email"), None)
        return mail if mail and len(mail["attachments"]) == len(FILES) else None

    mail = await until(stored, "the files on the timeline", 30.0)
    by_name = {kept["name"]: kept for kept in mail["attachments"]}
    for file in FILES:
        kept = by_name[file["name"]]
        assert (kept["size"], kept["stored"]) == (len(file["buffer"]), True)
        url = f"{api.app_url}/v1/messages/{mail['message_id']}/attachments/{kept['index']}"
        answer = await api.http.get(url, headers={"Authorization": f"Bearer {api.token}"})
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).digest() == hashlib.sha256(file["buffer"]).digest()
        assert answer.headers["content-disposition"].startswith("attachment")
