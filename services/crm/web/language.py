"""Languages: catalogues are compiled from .po at start, in memory, so that none can be stale."""

import io
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LOCALES = Path(__file__).with_name("locales")
_DEFAULT: Language = "en"


@cache
def translations(language: Language) -> Translations:
    """The compiled catalogue of a language."""
    with (LOCALES / language / "LC_MESSAGES" / "messages.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def choose(profile: str | None, accept_language: str) -> Language:
    """The profile's language, else the browser's first that we have, else English."""
    return (_first([profile]) if profile else accepted(accept_language)) or _DEFAULT


def accepted(accept_language: str) -> Language | None:
    """The browser's first language that we have, if any."""
    return _first(_by_preference(accept_language))


def _first(wanted: list[str]) -> Language | None:
    found = negotiate_locale([tag.replace("-", "_") for tag in wanted], LANGUAGES)
    return next((language for language in LANGUAGES if language == found), None)


def _by_preference(accept_language: str) -> list[str]:
    weighed: list[tuple[float, str]] = []
    for entry in accept_language.split(",")[:20]:
        tag, _, weight = entry.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if quality > 0 and tag not in {"", "*"}:
            weighed.append((-quality, tag))
    return [tag for _, tag in sorted(weighed, key=lambda one: one[0])]
