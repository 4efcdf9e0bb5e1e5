"""From the press of Send to Gmail's request on its way, with the boxes ticked and without."""

from playwright.async_api import BrowserContext, Page

from bench.results import Figure, figure, percentile
from tests.e2e.rep import new_compose, open_gmail
from tests.e2e.standin.server import GmailStandIn

ROUNDS = 5
MAILS = 20
# The request is really sent by the browser's own XMLHttpRequest, whatever has been put around it.
_WATCH = """(() => {
    const { send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.send = function (body) {
        if (typeof body === "string" && body.includes('"^pfg"')) window.leftAt = performance.now();
        return send.call(this, body);
    };
})()"""
_PRESS = """(button) => {
    window.leftAt = null;
    window.pressedAt = performance.now();
    button.click();
}"""
_TAKEN = "window.leftAt !== null && window.leftAt - window.pressedAt"


async def measure(browser: BrowserContext, gmail: GmailStandIn) -> list[Figure]:
    """`extension_send_p50_ms` and `extension_send_p99_ms`: what Kaifu adds; an untracked Send beside it."""
    await browser.add_init_script(_WATCH)
    page = await open_gmail(browser)
    with_, without = [], []
    for number in range(ROUNDS):
        with_.append([await _sent(page, gmail, ticked=True) for _ in range(MAILS)])
        without.append([await _sent(page, gmail, ticked=False) for _ in range(MAILS)])
        print(f"  send round {number + 1}: p50 {percentile(with_[-1], 0.5):.1f} ms, "
              f"with no box ticked {percentile(without[-1], 0.5):.1f} ms")  # fmt: skip
    await page.close()
    note = f"{ROUNDS} rounds of {MAILS} mails with three links; reference: both boxes off"
    return [_figure("extension_send_p50_ms", with_, without, 0.5, note),
            _figure("extension_send_p99_ms", with_, without, 0.99, note)]  # fmt: skip


def _figure(
    name: str, with_: list[list[float]], without: list[list[float]], share: float, note: str
) -> Figure:
    values = [percentile(one, share) for one in with_]
    references = [percentile(one, share) for one in without]
    added = [own - bare for own, bare in zip(values, references, strict=True)]
    note = f"{note}; ratio: milliseconds added"
    return figure(name, "ms", values, references, added, "≤ 1500 (E3)", note)


async def _sent(page: Page, gmail: GmailStandIn, *, ticked: bool) -> float:
    compose = await new_compose(page)
    links = "".join(f'<a href="https://www.example.com/{number}">offer</a>' for number in range(3))
    await compose.write("ann@recipient.example", "Bench", f"<p>Hello</p>{links}")
    if not ticked:
        await compose.track.uncheck()
        await compose.log.uncheck()
    count = len(gmail.mails)
    await compose.window.locator(".send").evaluate(_PRESS)
    await gmail.sent(count + 1)
    taken: float = await page.evaluate(_TAKEN)
    return taken
