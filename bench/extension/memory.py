"""What a Gmail page with twenty compose windows holds in memory, with the extension and without."""

from playwright.async_api import BrowserContext, Page, expect

from bench.results import Figure, figure
from tests.e2e.rep import GMAIL

COMPOSES = 20
ROUNDS = 3


async def measure(with_kaifu: BrowserContext, without_kaifu: BrowserContext) -> Figure:
    """`extension_memory_mb`: V8's heap of the page after collection, all its worlds together."""
    with_, without = [], []
    for number in range(ROUNDS):
        with_.append(await _held(with_kaifu, bars=COMPOSES))
        without.append(await _held(without_kaifu, bars=0))
        print(f"  memory round {number + 1}: {with_[-1]:.1f} MB, without the extension {without[-1]:.1f} MB")
    added = [own - bare for own, bare in zip(with_, without, strict=True)]
    note = f"{ROUNDS} rounds, {COMPOSES} compose windows; reference: the page alone; ratio: MB added"
    return figure("extension_memory_mb", "MB", with_, without, added, "", note)


async def _held(browser: BrowserContext, bars: int) -> float:
    page = await browser.new_page()
    await page.goto(GMAIL.format(0))
    for _ in range(COMPOSES):
        await page.locator("#compose").click()
    await expect(page.locator("[role=dialog]")).to_have_count(COMPOSES)
    await expect(page.locator(".kaifu-bar")).to_have_count(bars, timeout=30_000)
    held = await _heap(page)
    await page.close()
    return held


async def _heap(page: Page) -> float:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("HeapProfiler.collectGarbage")
    usage = await devtools.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 1e6
