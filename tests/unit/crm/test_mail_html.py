"""Cleaned mail runs nothing and fetches nothing that was not asked for (R3)."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.crm.rules.mail_html import clean_html
from tests.unit.crm.hostile_mail import HOSTILE, OWN_PIXELS

TRACKING = "https://track.example"
# What the test itself takes for harmless: no attribute of these leads anywhere but `href` and `src`.
ELEMENTS = (
    "a abbr address b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt "
    "em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small "
    "span strike strong sub sup table tbody td tfoot th thead time tr tt u ul var wbr"
)
ATTRIBUTES = (
    "align alt bgcolor border cellpadding cellspacing color colspan datetime dir face height href lang "
    "nowrap rel reversed rowspan scope size span src start style target title type valign value width"
)
LINK = re.compile(r"(https?://[^/]|mailto:|tel:)", re.IGNORECASE)
IMAGE = re.compile(r"https?://(?!track\.example)[^/]", re.IGNORECASE)

pytestmark = pytest.mark.requirement("R3")


class Faults(HTMLParser):
    """What a browser could run or fetch, by another parser than the one that cleaned."""

    def __init__(self, *, images: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._images = images
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS.split():
            self.found.append(f"element {tag}")
        names = [name for name, _ in attrs]
        if tag == "a" and not {("rel", "noopener noreferrer"), ("target", "_blank")} <= set(attrs):
            self.found.append("a link that knows its opener")
        self.found += [f"attribute {name}" for name in names if name not in ATTRIBUTES.split()]
        for name, value in attrs:
            self._look(name, value or "")

    def _look(self, name: str, value: str) -> None:
        if name == "href" and not LINK.match(value):
            self.found.append(f"link {value}")
        if name == "src" and not (self._images and IMAGE.match(value)):
            self.found.append(f"source {value}")
        if name == "style" and re.search(r"url|image|expression|import|[@\\<>{}]|/\*|position", value, re.I):
            self.found.append(f"style {value}")

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.found.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.found.append("processing instruction")

    def unknown_decl(self, data: str) -> None:
        self.found.append("unknown declaration")


def faults(html: str, *, images: bool = False) -> list[str]:
    """All of them, in markup that was cleaned."""
    parser = Faults(images=images)
    parser.feed(html)
    parser.close()
    return parser.found


def shown(html: str, *, images: bool = False) -> str:
    """The HTML alone."""
    return clean_html(html, TRACKING, images=images).html


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE)
def test_nothing_of_hostile_markup_runs_or_fetches(html: str, images: bool) -> None:
    """Alone, and in the middle of a mail that nobody closed."""
    for whole in (html, f"<div><p title='x'>before{html}after"):
        assert faults(shown(whole, images=images), images=images) == []


@given(
    st.lists(
        st.sampled_from([*HOSTILE.values(), *(f'<img src="{url}">' for url in OWN_PIXELS)])
        | st.text(alphabet="<>\"'=/& abimgscrptyle:;()\\\x00\n-!", max_size=30)
        | st.text(max_size=10),
        max_size=6,
    ),
    st.booleans(),
    st.data(),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_put_together_runs_and_fetches_nothing(
    parts: list[str], images: bool, data: st.DataObject
) -> None:
    """Also cut in the middle; and cleaning what is clean changes nothing."""
    html = "".join(parts)
    html = html[data.draw(st.integers(0, len(html))) :]
    once = clean_html(html, TRACKING, images=images)
    assert faults(once.html, images=images) == []
    assert images is False or once.held_back == 0
    assert faults(shown(once.html, images=images), images=images) == []


@pytest.mark.parametrize("url", OWN_PIXELS)
@pytest.mark.parametrize("images", [False, True])
def test_our_own_pixel_goes_however_it_is_spelled(url: str, images: bool) -> None:
    """The image itself, not only its address; and it is not one that could be asked for."""
    clean = clean_html(f'<p>x</p><img src="{url}" width="1" height="1" alt="">', TRACKING, images=images)
    assert (clean.html, clean.held_back) == ("<p>x</p>", 0)


@pytest.mark.parametrize("tracking", ["http://127.0.0.1:8802", "http://127.0.0.1:8802/"])
def test_on_one_machine_the_port_says_which_server_it_is(tracking: str) -> None:
    """Other images of the same host stay."""
    html = '<img src="http://127.0.0.1:8802/o/a.gif"><img src="http://127.0.0.1:9000/logo.png">'
    assert clean_html(html, tracking, images=True).html == '<img src="http://127.0.0.1:9000/logo.png">'


def test_remote_images_are_held_back_and_counted_until_they_are_asked_for() -> None:
    """Their place stays, with its words and size."""
    html = '<img src="https://a.example/1.png" alt="Logo" width="90"><IMG SRC=//b.example/2.png>'
    held = clean_html(html, TRACKING, images=False)
    assert (held.html, held.held_back) == ('<img alt="Logo" width="90"><img>', 2)
    asked = clean_html(html, TRACKING, images=True)
    assert asked.held_back == 0
    assert asked.html == (
        '<img src="https://a.example/1.png" alt="Logo" width="90"><img src="https://b.example/2.png">'
    )


@pytest.mark.parametrize(
    "url",
    ["cid:x@y", "data:image/png;base64,AAAA", "/logo.png", "logo.png", "ftp://a.example/x", "", "x" * 5000],
)
def test_what_is_no_remote_image_is_no_image(url: str) -> None:
    """Neither shown nor counted."""
    for images in (False, True):
        clean = clean_html(f'a<img src="{url}" alt="x">b', TRACKING, images=images)
        assert (clean.html, clean.held_back) == ("ab", 0)


@pytest.mark.parametrize(
    "url", ["https://a.example/x?y=1&z=2#w", "http://a.example", "mailto:a@b.example", "tel:+81"]
)
def test_links_of_people_stay(url: str) -> None:
    """They open elsewhere, and what they open knows nothing of us."""
    html = shown(f'<a href="{url.replace("&", "&amp;")}">x</a>')
    assert f'href="{url.replace("&", "&amp;")}"' in html
    assert 'rel="noopener noreferrer"' in html
    assert 'target="_blank"' in html


def test_what_a_mail_looks_like_stays() -> None:
    """Tables, colours, sizes, quotes, right to left."""
    html = (
        '<table width="600" cellpadding="0" bgcolor="#ffffff"><tbody><tr><td align="center" colspan="2">'
        "<span style=\"color:#c00;font:bold 12px/1.5 'Noto Sans', serif;background:rgb(1, 2, 3)\">見積</span>"
        '<font color="red" size="2">x</font></td></tr></tbody></table>'
        '<blockquote dir="rtl">שלום</blockquote><ul><li>1</li></ul><hr><pre>a  b</pre>'
    )
    assert shown(html) == html


def test_of_a_style_what_is_harmless_stays() -> None:
    """One bad declaration takes no other with it."""
    html = '<p style="color: red; background-image: url(x); margin: 1px -2px; position: fixed">x</p>'
    assert shown(html) == '<p style="color:red;margin:1px -2px">x</p>'


def test_text_stays_text() -> None:
    """Whatever it looks like."""
    assert shown("&lt;script&gt; 1 < 2 & 3") == "&lt;script&gt; 1 &lt; 2 &amp; 3"


@pytest.mark.requirement("R3")
def test_an_image_whose_address_is_full_of_addresses_goes_unread() -> None:
    """To look at each of them would take as long as the mail's sender likes."""
    few, many = (f"https://pictures.example{'//a' * count}.png" for count in (3, 1000))
    assert few in shown(f'<img src="{few}">', images=True)
    assert many not in shown(f'<img src="{many}">', images=True)
