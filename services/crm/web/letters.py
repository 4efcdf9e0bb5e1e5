"""The words of Kaifu's own mail. Nothing that somebody could type freely stands in it: it goes to addresses
that nobody has proven yet."""

from collections.abc import Sequence
from pathlib import Path

from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.crm.model.letters import LetterKind, Outgoing, Written
from services.crm.web.language import LANGUAGES, choose, translations

_TEMPLATES = Path(__file__).with_name("templates")
_DAY_H = 24


class LetterWriter:
    """In the languages of the pages."""

    def __init__(self) -> None:
        self._texts = {language: translations(language) for language in LANGUAGES}
        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined
        )
        self._template = environment.get_template("letter.html")

    def write(self, outgoing: Outgoing) -> Written:
        """Plain text, and the same as HTML."""
        language = choose(outgoing.locale, "")
        texts = self._texts[language]
        subject, before, after = _WORDS[outgoing.letter.kind](texts, outgoing)
        url = outgoing.url.get_secret_value()
        html = self._template.render(language=language, subject=subject, before=before, url=url, after=after)
        text = "\n\n".join((*before, url, *after))
        return Written(subject=subject, text=f"{text}\n", html=html)


_Words = tuple[str, Sequence[str], Sequence[str]]


def _address(texts: Translations, outgoing: Outgoing) -> _Words:
    named = {"asker": outgoing.about, "address": outgoing.to}
    before = (
        texts.gettext("%(asker)s wants to send mail from %(address)s with Kaifu.") % named,
        texts.gettext("Confirm it on this page, signed in as %(asker)s:") % named,
    )
    after = (
        _good_for(texts, outgoing),
        texts.gettext("If you do not know of this, do nothing: without the link nothing happens."),
    )
    return texts.gettext("Confirm your address for Kaifu"), before, after


def _invitation(texts: Translations, outgoing: Outgoing) -> _Words:
    before = (
        texts.gettext("You are invited to Kaifu, account “%(account)s”.") % {"account": outgoing.about},
        texts.gettext("Choose your password on this page:"),
    )
    return texts.gettext("Your invitation to Kaifu"), before, (_good_for(texts, outgoing),)


def _password(texts: Translations, outgoing: Outgoing) -> _Words:
    before = (
        texts.gettext("A new password was asked for, for %(address)s.") % {"address": outgoing.about},
        texts.gettext("Choose your password on this page:"),
    )
    after = (
        _good_for(texts, outgoing),
        texts.gettext("If you do not know of this, do nothing: your password stays as it is."),
    )
    return texts.gettext("A new password for Kaifu"), before, after


def _good_for(texts: Translations, outgoing: Outgoing) -> str:
    if outgoing.hours > _DAY_H:
        return texts.gettext("The link works once, for %(days)s days.") % {"days": outgoing.hours // _DAY_H}
    return texts.gettext("The link works once, for %(hours)s hours.") % {"hours": outgoing.hours}


_WORDS = {
    LetterKind.ADDRESS: _address,
    LetterKind.INVITATION: _invitation,
    LetterKind.PASSWORD: _password,
}
