"""Switching tracking and logging off for a contact or a domain, from the compose window."""

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.rep import ComposeWindow, Desk, new_compose


def row(compose: ComposeWindow, heading: str, label: str) -> Locator:
    """The box of an entry under its heading in the open menu."""
    menu = compose.page.locator(".kaifu-menu:popover-open")
    below = menu.locator(f".kaifu-heading:has-text('{heading}') ~ label").filter(has_text=label)
    return below.locator("input").first


async def open_menu(compose: ComposeWindow) -> None:
    """The menu of lists."""
    await compose.window.locator(".kaifu-never").click()


@pytest.mark.requirement("E2", "L9")
async def test_off_for_a_contact_and_for_a_domain_and_on_again(desk: Desk) -> None:
    compose = await new_compose(desk.page)
    await compose.write("ann@off.example", "Off", "<p>Hello</p>")
    await expect(compose.track).to_be_checked()
    await open_menu(compose)
    await row(compose, "Never track", "ann@off.example").check()
    await expect(compose.track).to_be_disabled()
    await expect(compose.track).not_to_be_checked()
    await expect(compose.log).to_be_checked()
    await expect(compose.window.locator(".kaifu-reason")).to_contain_text("never-track list")
    await row(compose, "Never log", "Everyone at off.example").check()
    await expect(compose.log).to_be_disabled()
    await expect(row(compose, "Never log", "ann@off.example")).to_be_disabled()
    await desk.page.keyboard.press("Escape")
    await compose.send()
    assert (await desk.gmail.sent(1)).html == "<p>Hello</p>"

    other = await new_compose(desk.page)
    await other.write("bob@off.example", "Off too", "<p>Hello</p>")
    await expect(other.track).to_be_enabled()
    await expect(other.log).to_be_disabled()
    await open_menu(other)
    await row(other, "Never log", "Everyone at off.example").uncheck()
    await expect(other.log).to_be_checked()
    await desk.page.keyboard.press("Escape")
    await other.window.locator(".close").click()

    again = await new_compose(desk.page)
    await again.write("ann@off.example", "On again", "<p>Hello</p>")
    await expect(again.track).to_be_disabled()
    await open_menu(again)
    await row(again, "Never track", "ann@off.example").uncheck()
    await expect(again.track).to_be_checked()
    await expect(again.track).to_be_enabled()
