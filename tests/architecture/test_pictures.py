"""Every page of crm is among the pictures that the tests take for people to look at (B10)."""

import ast

import pytest

from services.crm.web.pages import make_pages
from shared.settings import PublicAddresses
from tests.architecture.source import called, sources
from tests.integration.pictures import NO_PAGES, PAGES
from tests.unit.crm_web.fakes import NOW, fake_crm

pytestmark = pytest.mark.requirement("B10")
TAKING = {"taken", "take", "visit"}
ERRORS = {"not-found"}  # shown under an address that nothing answers


def test_every_address_is_a_page_with_a_picture_or_no_page() -> None:
    """A new page, and one that is no more, is noticed."""
    addresses = PublicAddresses(app_url="https://app.example", push_url="wss://push.example")
    described = make_pages(fake_crm(), addresses, lambda: NOW).openapi()["paths"]
    answered = {path for path, methods in described.items() if "get" in methods}
    pictured = {path for name, path in PAGES.items() if name not in ERRORS}
    assert pictured | NO_PAGES.keys() == answered
    assert pictured & NO_PAGES.keys() == set()


def test_every_picture_is_taken_by_a_test() -> None:
    """By its name, in a module that the suite runs."""
    modules = [one for one in sources("tests/integration") if "/test_" in one.name]
    named = {
        given.value
        for module in modules
        for call in ast.walk(module.tree)
        if isinstance(call, ast.Call) and called(call) in TAKING
        for given in call.args
        if isinstance(given, ast.Constant) and isinstance(given.value, str)
    }
    assert named == PAGES.keys()
