"""How often a letter is tried, and what it says."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from services.crm.model.letters import Letter, LetterKind, Outgoing, Trouble
from services.crm.rules.letters import GIVE_UP_AFTER, mailable, next_try
from services.crm.web.letters import LetterWriter
from shared.events.ids import new_id
from tests.unit.crm.made import T0

pytestmark = pytest.mark.requirement("E4")
LETTER = Letter(id=new_id(), kind=LetterKind.ADDRESS, asked_at=T0, next_at=T0)
URL = "https://app.example/x?a=1&b=2"


def test_a_letter_is_tried_later_and_later_for_a_day() -> None:
    """Seconds at first, half an hour in the end."""
    now, waits = T0, []
    for attempt in range(1, 100):
        at = next_try(LETTER.model_copy(update={"attempts": attempt}), Trouble.UNREACHABLE, now)
        if at is None:
            break
        waits.append((at - now).total_seconds())
        now = at
    assert waits[:3] == [10, 30, 120]
    assert waits == sorted(waits)
    assert max(waits) == 1800
    assert GIVE_UP_AFTER - timedelta(minutes=31) < now - T0 < GIVE_UP_AFTER


def test_a_refused_address_is_not_tried_again() -> None:
    assert next_try(LETTER.model_copy(update={"attempts": 1}), Trouble.REFUSED, T0) is None


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" a.b+c@Example.COM ", "a.b+c@example.com"),
        ("a..b.@docomo.example", "a..b.@docomo.example"),  # old Japanese phones have such
        ("a@例え.example", "a@xn--r8jz45g.example"),
        ("a@x.example.", "a@x.example"),
        ("a b@x.example", None),
        ('"a"@x.example', None),
        ("a@x", None),
        ("a@b@x.example", None),
        ("a@x.example\n", "a@x.example"),
        ("a@x.exam\nple", None),
        ("", None),
    ],
)
def test_what_mail_can_be_sent_to(typed: str, address: str | None) -> None:
    assert mailable(typed) == address


@pytest.mark.parametrize("kind", LetterKind)
@pytest.mark.parametrize("locale", ["en", "ja"])
def test_each_letter_says_the_same_as_text_and_as_html(kind: LetterKind, locale: str) -> None:
    """With the link, escaped where it must be; in the reader's language."""
    letter = LETTER.model_copy(update={"kind": kind})
    outgoing = Outgoing(
        letter=letter,
        to="new@app.example",
        locale=locale,
        about="<b>@app.example",
        url=SecretStr(URL),
        hours=24,
    )
    written = LetterWriter().write(outgoing)
    assert URL in written.text.splitlines()
    assert 'href="https://app.example/x?a=1&amp;b=2"' in written.html
    assert "<b>" not in written.html
    assert f'<html lang="{locale}">' in written.html
    assert "%(" not in written.subject + written.text
    assert written.subject.isascii() is (locale == "en")
    said = [line for line in written.text.split("\n\n") if "app.example" not in line]
    assert all(line.strip() in written.html for line in said)
