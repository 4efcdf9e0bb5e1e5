"""The page of a dead link speaks the reader's language (B10)."""

import pytest

from services.ingest.not_found import language, page


@pytest.mark.requirement("B10")
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"", "en"),
        (b"ja", "ja"),
        (b"ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        (b"en-US,en;q=0.9,ja;q=0.8", "en"),
        (b"ja;q=0.3, en;q=0.7", "en"),
        (b"fr, ja;q=0.5", "ja"),
        (b"fr, de", "en"),
        (b"ja;q=x, en", "en"),
        (b"ja;q=nan", "en"),
        (b"\xff\xfe;;,=;q", "en"),
    ],
)
def test_the_language_is_chosen_by_the_browser(header: bytes, expected: str) -> None:
    assert language(header) == expected


@pytest.mark.requirement("B10")
def test_both_pages_are_there() -> None:
    assert "This link does not work" in page("en").decode()
    assert "このリンクは開けません" in page("ja").decode()
