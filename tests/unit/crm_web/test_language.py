"""English and Japanese: complete, chosen rightly, in the words that reps know (B10)."""

import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from services.crm.web import language
from services.crm.web.words import Clock, file_size
from shared.events.evidence import SENTENCES
from shared.events.log_reasons import LOG_REASONS
from tests.unit.crm_web.fakes import NOW

WEB = Path(language.__file__).parent
METHODS = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {
    "templates/**.html": {"extensions": "jinja2.ext.i18n", "trim_blocks": "true", "lstrip_blocks": "true"}
}

pytestmark = pytest.mark.requirement("B10")


def used() -> set[str | tuple[str, ...]]:
    """The texts in templates and code."""
    return {found[2] for found in extract_from_dir(WEB, METHODS, OPTIONS)}


def catalogue(name: language.Language) -> Catalog:
    with (WEB / "locales" / name / "LC_MESSAGES" / "messages.po").open("rb") as source:
        return read_po(source, locale=name)


def texts(message: object) -> Iterator[str]:
    yield from [message] if isinstance(message, str) else message  # type: ignore[misc]


@pytest.mark.parametrize("name", language.LANGUAGES)
def test_every_text_that_is_used_is_translated_and_no_other_is_kept(name: language.Language) -> None:
    messages = {message.id: message for message in catalogue(name) if message.id}
    assert len(used()) > 100
    assert set(messages) == used()
    for message in messages.values():
        assert all(texts(message.string)), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("name", language.LANGUAGES)
def test_translations_keep_the_placeholders(name: language.Language) -> None:
    for message in catalogue(name):
        if message.id:
            expected = {part for text in texts(message.id) for part in placeholders(text)}
            for text in texts(message.string):
                assert set(placeholders(text)) == expected, message.id


def placeholders(text: str) -> list[str]:
    return [part.split(")")[0] for part in text.split("%(")[1:]]


def test_japanese_is_japanese() -> None:
    """A text that was copied over untranslated would have no Japanese letter."""
    for message in catalogue("ja"):
        if message.id:
            for text in texts(message.string):
                assert any(ord(letter) > 0x3000 for letter in text), message.id


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("Activity feed", "アクティビティーフィード"),
        ("Sent", "送信済み"),
        ("Opened", "開封"),
        ("Associations", "関連付け"),
    ],
)
def test_the_labels_are_those_of_the_tools_that_reps_know(english: str, japanese: str) -> None:
    assert language.translations("ja").gettext(english) == japanese


def test_sentences_from_elsewhere_are_in_both_languages() -> None:
    for rule, sentences in SENTENCES.items():
        assert set(sentences) == {"en", "ja"}, rule
        fields = [
            {field for _, field, _, _ in string.Formatter().parse(text) if field}
            for text in sentences.values()
        ]
        assert fields[0] == fields[1], rule
    assert all(text.en and text.ja for text in LOG_REASONS.values())


@pytest.mark.parametrize(
    ("profile", "accepted", "chosen"),
    [
        ("ja", "en", "ja"),
        ("ja-JP", "", "ja"),
        (None, "ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        (None, "en;q=0.4, ja;q=0.8", "ja"),
        (None, "de, fr;q=0.5", "en"),
        (None, "ja;q=0, en", "en"),
        (None, "*;;;q=,\x00", "en"),
        (None, "", "en"),
        ("xx", "ja", "en"),
    ],
)
def test_the_profile_wins_then_the_browser_then_english(
    profile: str | None, accepted: str, chosen: str
) -> None:
    assert language.choose(profile, accepted) == chosen


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("fr, ja;q=0.5", "ja"),
        ("en-GB", "en"),
        ("de, fr;q=0.5", None),
        ("ja;q=0", None),
        ("*", None),
        ("", None),
    ],
)
def test_a_browser_may_ask_for_no_language_of_ours(header: str, found: str | None) -> None:
    assert language.accepted(header) == found


def test_times_are_in_the_users_zone_and_name_it() -> None:
    tokyo, nowhere = Clock("ja", "Asia/Tokyo", NOW), Clock("en", "Mars/Olympus", NOW)
    assert tokyo.short(NOW) == "12:30"
    assert (tokyo.zone_name, nowhere.zone_name) == ("日本時間", "UTC")
    assert Clock("ja", "UTC", NOW).zone_name == "UTC"
    assert nowhere.short(NOW) == "03:30"
    assert nowhere.short(NOW.replace(month=1)) == "Jan 24, 03:30"
    assert nowhere.short(NOW.replace(year=2024)) == "Nov 24, 2024"
    assert "UTC" in nowhere.full(NOW)


@pytest.mark.parametrize(
    ("size", "read"),
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KB"), (50 * 1024 * 1024, "50 MB"), (3 << 40, "3,072 GB")],
)
def test_sizes_are_told_in_the_unit_that_fits(size: int, read: str) -> None:
    assert file_size(size, "en") == read
