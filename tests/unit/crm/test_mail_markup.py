"""Hostile markup is bounded before a parser sees it; ordinary markup stays as it is meant."""

import re

import pytest

from services.crm.rules.mail_html import clean_html
from services.crm.rules.mail_markup import DEEPEST, Attributes, balanced

pytestmark = pytest.mark.requirement("R3")
MANY = 200_000


def everything(_: str, attributes: Attributes) -> Attributes:
    """Choose all."""
    return attributes


def made(html: str) -> str:
    """All elements, but scripts."""
    return balanced(html, everything, frozenset({"script"}))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        (
            "<ul><li>a<li>b<ul><li>c</ul><li>d</ul>",
            "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>",
        ),
        (
            "<table><tr><td>a<td>b<tr><td>c</table>",
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
        ),
        ("<div><table><tr><td></div>x</table>y</div>", "<div><table><tr><td>x</td></tr></table>y</div>"),
        ("<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"),
        ("<b>a<i>b</b>c</i>", "<b>a<i>b</i></b>c"),
        ("a<br>b<br/>c<hr />", "a<br>b<br>c<hr>"),
        ("</p>a</div>", "a"),
        ("<P CLASS=a Title='b \"c\"' x>d</P>", '<p class="a" title="b &quot;c&quot;" x="">d</p>'),
        ("a<script>b<p></script >c", "ac"),
        ("a<script>b", "a"),
        ("a<!-- <b> -->c<!>d<?x?>e", "acde"),
        ("a<!-->b", "ab"),
        ("1 < 2 &amp; 3 &lt; 4 & 5", "1 &lt; 2 &amp; 3 &lt; 4 &amp; 5"),
        ("a<b", "a"),
        ('a<b title="c', "a"),
        ("a</", "a"),
    ],
)
def test_what_it_makes_of_markup(html: str, expected: str) -> None:
    assert made(html) == expected


def test_nothing_is_nested_deeper_than_that() -> None:
    """What is in there stays, as text."""
    found = made("<div>" * MANY + "x")
    assert (found.count("<div>"), found.count("</div>"), "x" in found) == (DEEPEST, DEEPEST, True)


@pytest.mark.parametrize(
    "bomb",
    [
        "<div>" * MANY,
        "<div><!--</div>-->" * (MANY // 10),
        "".join(f"<font size={number}><p>" for number in range(MANY // 10)),
        "".join(f"<font size={number}>" for number in range(500)) + "<div>x</div>" * (MANY // 10),
        "<a href=https://a.example><div>" * (MANY // 10),
        "<table>" * MANY,
        "<table><tr><td>" * (MANY // 10),
        "<p " + " ".join(f"a{number}=1" for number in range(MANY)) + ">",
        "<" * MANY,
        "<a" * MANY,
        "<a b=\"'" * MANY,
        "<a b=" * MANY,
        "<!--" * MANY,
        "<![CDATA[" * MANY,
        "</a" * MANY,
        "<script>" * MANY,
        "<svg></SVG>" * (MANY // 10),
        "&" * MANY,
        "&#x" + "1" * MANY,
        "&#" + "1" * MANY,
        '<a href="&#' + "1" * MANY + '">',
        '<p style="' + "color:red;" * MANY + '">',
        '<p style="' + "rgb(" * MANY + '">',
        '<img src="https:' + "//a" * MANY + '">',
        '<img src="https://' + "a" * 4000 + '/">',
        '<img src="//a/' + "%25" * 1000 + '">',
    ],
    ids=lambda bomb: re.sub(r"\d+", "", bomb[:12]),
)
def test_hostile_markup_takes_no_longer_than_other_markup(bomb: str) -> None:
    """By the square of its length, most of these would take minutes, or all memory."""
    assert len(clean_html(bomb, "https://track.example", images=True).html) < 6 * len(bomb) + 100
