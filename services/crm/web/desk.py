"""What a page needs at hand: the application, the templates, and who asks in which language."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from babel.support import Translations
from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.crm.api.dependencies import COOKIE
from services.crm.model.accounts import User
from services.crm.model.sign_ins import Session
from services.crm.web import security, words
from services.crm.web.application import PagesApplication
from services.crm.web.assets import Assets
from services.crm.web.language import LANGUAGES, Language, accepted, choose, translations
from services.crm.web.properties import amount
from services.crm.web.words import Clock
from shared.auth.tokens import SignedIn
from shared.http.problems import NOT_SIGNED_IN, Problem
from shared.settings import PublicAddresses

SESSION_COOKIE = COOKIE
_TEMPLATES = Path(__file__).with_name("templates")


class SignInNeeded(Exception):
    """The page is for signed-in people."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page."""

    session: Session
    user: User

    @property
    def account_id(self) -> UUID:
        """The visitor's account."""
        return self.user.account_id

    @property
    def user_id(self) -> UUID:
        """The visitor's user."""
        return self.user.id

    def as_signed_in(self) -> SignedIn:
        """The visitor as the API knows its callers."""
        session, user = self.session, self.user
        return SignedIn(user.id, user.account_id, user.role, session.id, session.expires_at)


@dataclass(frozen=True, slots=True)
class Desk:
    """What all requests share."""

    application: PagesApplication
    addresses: PublicAddresses
    assets: Assets
    templates: dict[Language, Environment]
    now: Callable[[], datetime]
    trusted_proxies: int

    @property
    def secure(self) -> bool:
        """Whether cookies may travel over https only."""
        return self.addresses.app_url.startswith("https:")


def environments(assets: Assets) -> dict[Language, Environment]:
    """One environment per language: texts are bound to it, autoescape is always on."""
    return {language: _environment(assets, translations(language), language) for language in LANGUAGES}


def _environment(assets: Assets, texts: Translations, language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(asset=assets.url, language=language, words=words)
    environment.filters["bytes"] = lambda size: words.file_size(size, language)
    environment.filters["place"] = lambda place: words.place(place, language)
    environment.filters["amount"] = amount
    environment.filters["sentence"] = lambda evidence: words.sentence(evidence, language)
    return environment


class Visit:
    """One request for a page."""

    def __init__(self, desk: Desk, request: Request, visitor: Visitor | None) -> None:
        self.desk = desk
        self.request = request
        self.visitor = visitor
        user = visitor.user if visitor else None
        self._accept_language = request.headers.get("accept-language", "")
        self.language = choose(user.locale if user else None, self._accept_language)
        self.clock = Clock(self.language, user.time_zone if user else "UTC", desk.now())

    @property
    def browsers_language(self) -> Language | None:
        """What the browser asks for, whoever is signed in; None: none that we have."""
        return accepted(self._accept_language)

    def page(
        self,
        template: str,
        status_code: int = 200,
        form_targets: tuple[str, ...] = (),
        **values: Any,
    ) -> HTMLResponse:
        """The template in the visitor's language, with the headers of a page."""
        user = self.visitor.user if self.visitor else None
        csrf = self.visitor.session.csrf_token if self.visitor else ""
        values = {
            "user": user,
            "csrf_token": csrf,
            "csrf_headers": json.dumps({security.CSRF_HEADER: csrf}),
            "clock": self.clock,
            "push_url": self.desk.addresses.push_url,
            **values,
        }
        content = self.desk.templates[self.language].get_template(template).render(values)
        headers = security.headers(self.desk.addresses.push_url, form_targets=form_targets)
        return HTMLResponse(content, status_code, headers={**headers, "Content-Language": self.language})


class SignedInVisit(Visit):
    """A request of somebody who is signed in."""

    visitor: Visitor


async def visit(request: Request) -> Visit:
    """Whoever it is."""
    desk: Desk = request.app.state.desk
    return Visit(desk, request, await _visitor(desk, request.cookies.get(SESSION_COOKIE)))


async def _visitor(desk: Desk, cookie: str | None) -> Visitor | None:
    sign_ins = desk.application.sign_ins
    session = await sign_ins.session(cookie) if cookie else None
    if session is None:
        return None
    try:
        return Visitor(session, await sign_ins.user(session.account_id, session.user_id))
    except Problem as problem:
        if problem.problem is not NOT_SIGNED_IN:
            raise
        return None


async def signed_in_visit(request: Request) -> SignedInVisit:
    """Raises SignInNeeded."""
    found = await visit(request)
    if found.visitor is None:
        raise SignInNeeded
    return SignedInVisit(found.desk, request, found.visitor)


async def changing_visit(request: Request) -> AsyncIterator[SignedInVisit]:
    """A request that changes something. Raises SignInNeeded, Forged (no CSRF token of this session).

    Files of its form are closed at the end.
    """
    found = await signed_in_visit(request)
    security.check_origin(request, found.desk.addresses.app_url)
    try:
        sent = request.headers.get(security.CSRF_HEADER)
        if sent is None:
            field = (await request.form()).get(security.CSRF_FIELD)
            sent = field if isinstance(field, str) else None
        security.check_token(sent, found.visitor.session.csrf_token)
        yield found
    finally:
        await request.close()


Anyone = Annotated[Visit, Depends(visit)]
SignedInPage = Annotated[SignedInVisit, Depends(signed_in_visit)]
ChangingPage = Annotated[SignedInVisit, Depends(changing_visit)]
