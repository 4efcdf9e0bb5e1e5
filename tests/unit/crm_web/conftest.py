"""The pages on fakes, over ASGI."""

from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from services.crm.web.pages import make_pages
from shared.settings import PublicAddresses
from tests.unit.crm_web.fakes import APP, COOKIE, NOW, Browser, FakeCrm, fake_crm


@pytest.fixture
def crm() -> FakeCrm:
    return fake_crm()


@pytest.fixture(scope="session")
def pages() -> FastAPI:
    """Made once, because templates are compiled; each test has its own application behind it."""
    addresses = PublicAddresses(app_url=APP, push_url="wss://push.example")
    return make_pages(fake_crm(), addresses, lambda: NOW, trusted_proxies=1)


@pytest.fixture
def browser(crm: FakeCrm, pages: FastAPI) -> Browser:
    """A client of the pages; `signed_in=False` has no session, `language` is Accept-Language."""
    pages.state.desk = replace(pages.state.desk, application=crm)

    def open_(*, signed_in: bool = True, language: str = "") -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(pages, raise_app_exceptions=False),
            base_url=APP,
            cookies={"kaifu_session": COOKIE} if signed_in else {},
            headers={"Accept-Language": language, "Accept": "text/html"},
        )

    return open_
