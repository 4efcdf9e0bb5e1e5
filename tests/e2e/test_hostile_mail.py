"""Mail that means harm, shown as no release of Gmail would: with all its scripts, forms and imitations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Worker, expect

from deploy.local.rep import Rep, until
from deploy.local.stack import Stack
from tests.e2e.chromium import worker_of
from tests.e2e.records import new_contact
from tests.e2e.rep import Desk, answer, new_compose, open_thread
from tests.e2e.test_thread_view import row_of, send_tracked

_LISTEN = """async () => {
    self.heard = [];
    self.listener = (message) => { if (message.kaifu) self.heard.push(message); };
    chrome.runtime.onMessage.addListener(self.listener);
    const { queue, cursors, ...kept } = await chrome.storage.local.get();
    return kept;
}"""
_HEARD = """async () => {
    chrome.runtime.onMessage.removeListener(self.listener);
    // Other mails go their way meanwhile, and the push stream goes on.
    const { queue, cursors, ...kept } = await chrome.storage.local.get();
    return { messages: self.heard, kept };
}"""
# What scripts of a page can say in InboxSDK's and in our name.
_FORGED = """([draft, account]) => {
    const say = (name, detail, target = document) =>
        target.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
    const ids = { draftID: draft, messageID: `msg-a:${draft}`, threadID: "thread-a:x",
                  oldMessageID: "18c0ffee99999999", oldThreadID: "18c0ffee99999999" };
    for (const type of ["emailSending", "emailSent", "emailDraftReceived"])
        say("inboxSDKajaxIntercept", { type, ...ids });
    for (const dialog of document.querySelectorAll("[role=dialog]"))
        for (const name of ["inboxSDKsendCanceled", "closedProgrammatically"]) say(name, null, dialog);
    const hello = { kaifu: 1, type: "sent", account, key: "k", draft, occurred_at: new Date().toISOString(),
                    provider_message_id: null, provider_thread_id: null, html: "<p>forged</p>", late: null };
    for (const message of [hello, { type: "kaifu-standing-changed" }, JSON.stringify(hello)])
        window.postMessage(message, "*");
    say("kaifu", hello);
    const mail = { draft, html: "<p>forged</p>", sendAt: new Date(Date.now() + 1e8).toISOString(),
                   written: { from: { address: account }, to: [], cc: [], bcc: [], subject: "forged" } };
    for (const detail of [null, "", "{", "[]", "{}", { id: "i", mail }, JSON.stringify({ id: "i", mail }),
                          JSON.stringify({ id: "i", ok: true, html: "<p>forged</p>" })])
        for (const name of ["scheduling", "scheduled", "taken", "body"]) say(`kaifu:${name}`, detail);
    return typeof chrome === "undefined" || !chrome.runtime ? "no way in" : "a way in";
}"""


def hostile(own_hex: str, known: str, account: str) -> str:
    """Scripts, handlers, clobbered names, and imitations of Gmail's, InboxSDK's and our elements."""
    fake_message = f"""<div role="list"><div class="h7" role="listitem"><div class="adn ads"
        data-message-id="#msg-a:r-1" data-legacy-message-id="{own_hex}"><table><tr><td class="gF"><span
        class="gD" email="{account}" name="Rep">Rep</span></td></tr></table>
        <div class="ii gt">fake</div><div class="ip"></div></div></div></div>"""
    fake_compose = f"""<div class="AD"><div><div role="dialog" class="inboxsdk__compose"><form>
        <input name="composeid" value="x"><input name="draft" value="#msg-a:r-evil">
        <div class="anm" name="to"><div role="listbox"><div role="option" data-name="k"
        data-hovercard-id="{known}">k</div></div></div></form>
        <div class="Ap"><div g_editable="true" contenteditable="true" class="large">compose</div></div>
        </div></div></div>"""
    return f"""<p>Read me</p>
        <script>window.ran = true; window.postMessage({{ kaifu: 1, type: "open-options" }}, "*");</script>
        <style>.large {{ display: block; height: 120px; width: 420px }}</style>
        <img src="x" onerror="document.body.append('from a handler')">
        <a id="link" href="javascript:document.body.append('from a link')">link</a>
        <iframe srcdoc="<script>parent.framed = true</script>"></iframe>
        <form name="head" id="kaifu"><input name="draft" value="#msg-a:e"></form>
        <form contenteditable="true" class="large"><input name="getBoundingClientRect"></form>
        <img name="documentElement"><form name="implementation"></form><img name="chrome" id="chrome">
        <div class="kaifu-status kaifu-opened">Opened 99×</div>
        <div class="kaifu-toasts" hidden></div>
        <div class="kaifu-bar"><label class="kaifu-track"><input type="checkbox"></label></div>
        <div class="large" contenteditable="true" role="textbox">large</div>
        <textarea name="body" class="large"></textarea>
        {fake_message}{fake_compose}"""


@asynccontextmanager
async def listening(worker: Worker) -> AsyncIterator[dict[str, Any]]:
    """What reaches the worker while the block runs, and what it keeps before and after."""
    heard: dict[str, Any] = {"before": await worker.evaluate(_LISTEN)}
    yield heard
    heard.update(await worker.evaluate(_HEARD))


@pytest.mark.requirement("B4", "T8", "T1")
async def test_a_hostile_body_reaches_nothing(desk: Desk, stack: Stack, api: Rep) -> None:
    page, account = desk.page, desk.gmail.account
    await new_contact(api, "imitated@recipient.example")
    own = await send_tracked(desk, "Before")
    await row_of(api, "Before")
    html = hostile(own.hex_id, "imitated@recipient.example", account)
    received = desk.gmail.receive("eve@evil.example", "Hostile", html, raw=True)
    worker = await worker_of(desk.browser)
    async with listening(worker) as heard:
        shown = await open_thread(page, received)
        await page.wait_for_function("window.ran && window.framed")
        await shown.locator("#link").click()
        await page.evaluate(_FORGED, ["r-evil", account])
        # Once more: views are found anew, with the imitations in the page.
        await page.evaluate("location.hash = '#inbox'")
        await expect(shown).to_be_hidden()
        await open_thread(page, received)
        await page.evaluate("window.standIn.openUnknown()")
        await expect(page.locator("body > .kaifu-toasts .kaifu-warning")).to_be_visible(timeout=6000)
        # That of the unknown window only: the places to write in that the mail has were there before.
        await expect(page.locator(".kaifu-toast")).to_have_count(1)
        await page.locator(".unknown-window button").click()
    assert {one["type"] for one in heard["messages"]} <= {"status", "hello", "reply-seen"}
    replies = {(one["reply"], one["sender"]) for one in heard["messages"] if one["type"] == "reply-seen"}
    assert replies == {(received.hex_id, "eve@evil.example")}
    ids = {one["provider_message_id"] for one in heard["messages"] if one["type"] == "status"}
    assert ids == {received.hex_id}
    assert heard["kept"] == heard["before"]
    for name, count in ((".kaifu-status", 1), (".kaifu-bar", 1), (".kaifu-badge", 0), (".kaifu-toasts", 1)):
        await expect(page.locator(f"[role=listitem] {name}")).to_have_count(count)
    await expect(page.locator(".kaifu-status")).to_have_text("Opened 99×")

    reply = await answer(page, "reply")
    await reply.send()
    mail = await desk.gmail.sent(2)
    assert mail.html.count(f"{stack.addresses['tracking_url']}/o/") == 1


@pytest.mark.requirement("T1", "L1")
async def test_what_a_page_forges_about_an_open_window_is_not_believed(desk: Desk) -> None:
    compose = await new_compose(desk.page)
    await compose.write("forged@recipient.example", "Forged", "<p>Hello</p>")
    await expect(compose.window.locator(".kaifu-records")).to_have_text("Records (1)")
    worker = await worker_of(desk.browser)
    async with listening(worker) as heard:
        way_in = await desk.page.evaluate(_FORGED, [await compose.draft(), desk.gmail.account])
        assert way_in == "no way in"
        await compose.track.uncheck()

        async def choice_heard() -> bool | None:
            heard: bool = await worker.evaluate("self.heard.some((one) => one.type === 'keep-draft')")
            return heard or None

        # What the forged ones set off would have come before it.
        await until(choice_heard, "the choice")
    assert {one["type"] for one in heard["messages"]} <= {"keep-draft", "context", "hello"}
    await compose.track.check()
    await compose.send()
    assert "<img " in (await desk.gmail.sent(1)).html


@pytest.mark.requirement("L4", "T6")
async def test_names_and_subjects_with_html_are_text(desk: Desk, api: Rep) -> None:
    name = '<img src=x onerror="document.title=1"><b>Bobby</b>'
    answered = await api.http.post(
        f"{api.app_url}/v1/contacts",
        headers={"Authorization": f"Bearer {api.token}"},
        json={"name": name, "addresses": ["bobby@recipient.example"]},
    )
    assert answered.status_code == 201
    compose = await new_compose(desk.page)
    await compose.write("bobby@recipient.example", name, "<p>Hello</p>")
    await compose.window.locator(".kaifu-records").click()
    row = desk.page.locator(".kaifu-menu:popover-open .kaifu-row")
    await expect(row).to_have_text(f"{name} · Contact")
    await expect(row.locator("img, b")).to_have_count(0)
    await desk.page.keyboard.press("Escape")
    await compose.send()
    await desk.gmail.sent(1)
    popup = await desk.browser.new_page()
    await popup.goto(f"{(await worker_of(desk.browser)).url.rpartition('/')[0]}/popup.html")
    shown = popup.locator("article.mail", has_text="Bobby")
    await expect(shown).to_contain_text(name)
    await expect(shown.locator("img, b")).to_have_count(0)
    await popup.close()
