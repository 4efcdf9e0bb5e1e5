"""The HTML of a mail as it may be shown (R3): nothing runs, nothing is fetched that was not asked for.

First the markup is bounded and images are looked at; then nh3, which parses as browsers do, has the last
word on every element and attribute.
"""

import posixpath
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import idna
import nh3

from services.crm.rules.mail_markup import Attributes, balanced

_LONGEST_URL = 4096
_BLOCKS = "address blockquote center div dd dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre ul"
_TEXT = (
    "a abbr b bdi bdo big br cite code del dfn em font i img ins kbd mark q rp rt ruby s samp small span "
    "strike strong sub sup time tt u var wbr"
)
_TABLES = "caption col colgroup table tbody td tfoot th thead tr"
_TAGS = frozenset(f"{_BLOCKS} {_TEXT} {_TABLES}".split())
_NEVER = (
    "applet audio canvas embed frameset iframe math noembed noframes noscript object script select style svg "
    "template textarea title video xmp"
)
_NEVER_WITH_CONTENT = frozenset(_NEVER.split())
_CELL = frozenset({"bgcolor", "colspan", "height", "nowrap", "rowspan", "scope", "width"})
_ATTRIBUTES = {
    "*": frozenset({"align", "dir", "lang", "style", "title", "valign"}),
    "a": frozenset({"href"}),
    "col": frozenset({"span", "width"}),
    "colgroup": frozenset({"span", "width"}),
    "font": frozenset({"color", "face", "size"}),
    "hr": frozenset({"size", "width"}),
    "img": frozenset({"alt", "height", "src", "width"}),
    "li": frozenset({"type", "value"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "table": frozenset({"bgcolor", "border", "cellpadding", "cellspacing", "height", "width"}),
    "td": _CELL,
    "th": _CELL,
    "time": frozenset({"datetime"}),
    "tr": frozenset({"bgcolor", "height"}),
    "ul": frozenset({"type"}),
}
_SIDES = ("", "-top", "-right", "-bottom", "-left")
_BOXES = [f"{box}{side}" for box in ("border", "margin", "padding") for side in _SIDES]
_BORDERS = [f"border{side}-{part}" for side in _SIDES for part in ("color", "style", "width")]
_PLAIN_STYLES = (
    "background background-color border-collapse border-radius border-spacing clear color direction display "
    "float font font-family font-size font-style font-variant font-weight height letter-spacing line-height "
    "list-style-type max-height max-width min-height min-width overflow-wrap table-layout text-align "
    "text-decoration text-indent text-transform vertical-align white-space width word-break word-spacing "
    "word-wrap"
)
_STYLES = frozenset((*_BOXES, *_BORDERS, *_PLAIN_STYLES.split()))
# No function but colours, no escape, no comment: url() has no spelling without one of them.
_STYLE_VALUE = re.compile(r"(?:[\w\s#.,%!'\"+/-]|\b(?:rgb|hsl)a?\([\d\s.,%/]*\))+")
_RULES: dict[str, Any] = {
    "tags": _TAGS,
    "clean_content_tags": _NEVER_WITH_CONTENT,
    "attributes": _ATTRIBUTES,
    "url_schemes": frozenset({"http", "https", "mailto", "tel"}),
    "link_rel": "noopener noreferrer",
    "set_tag_attribute_values": {"a": {"target": "_blank"}},
    "strip_comments": True,
}
_WEB = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_REMOTE = re.compile(r"(?:https?:)?//[^/?#]", re.IGNORECASE)
_SERVERS = re.compile(r"(?=//([^/?#&\s]+)([^?#\s]*))")  # also those that stand inside an address
_AUTHORITY = re.compile(r"(?:.*@)?(.*?)(?::(\d*))?", re.DOTALL)
_IGNORED = re.compile(r"[\t\n\r]")
_ENDS = "".join(map(chr, range(0x21)))  # browsers drop these at both ends of an address
_DEFAULT_PORTS = frozenset({"", "80", "443"})
_PIXELS = "/o/"
_MOST_SERVERS = 8  # addresses within one address


@dataclass(frozen=True, slots=True)
class CleanHtml:
    """HTML that may be shown in a frame. `held_back`: the remote images that were left out of it."""

    html: str
    held_back: int


def clean_html(html: str, tracking_url: str, *, images: bool) -> CleanHtml:
    """The mail's HTML without anything that runs, and without remote images unless they are asked for.

    Pixels of ours (of the origin `tracking_url`) never stay: looking at a logged mail is no open.
    """
    own = _server(tracking_url.partition("//")[2].partition("/")[0])
    sources = _Sources(own, images=images)
    bounded = balanced(html, sources.chosen, _NEVER_WITH_CONTENT)
    clean = nh3.clean(bounded, attribute_filter=sources.attribute, **_RULES)
    return CleanHtml(clean, sources.held_back)


_Server = tuple[str, str]


class _Sources:
    """What stays of elements and attributes; counts the remote images that do not."""

    def __init__(self, own: _Server, *, images: bool) -> None:
        self._own = own
        self._images = images
        self.held_back = 0

    def chosen(self, element: str, attributes: Attributes) -> Attributes | None:
        """The attributes of an element that may stay. An image that is held back leaves its place."""
        if element not in _TAGS:
            return None
        allowed = _ATTRIBUTES["*"] | _ATTRIBUTES.get(element, frozenset())
        kept = {name: value for name, value in attributes.items() if name in allowed}
        if element != "img":
            return kept
        source = self._remote(kept.pop("src", ""))
        if source is None:
            return None
        if self._images:
            return {"src": source, **kept}
        self.held_back += 1
        return kept

    def attribute(self, element: str, attribute: str, value: str) -> str | None:
        """The last word on an attribute of the parsed document; None: it goes."""
        match attribute:
            case "style":
                return _style(value)
            case "href":
                return _link(value)
            case "src":
                return self._remote(value) if self._images else None
            case _:
                return value

    def _remote(self, value: str) -> str | None:
        url = _as_browsers_read(value)
        if len(url) > _LONGEST_URL or not _REMOTE.match(url) or _is_own(url, self._own):
            return None
        return url if _WEB.match(url) else f"https:{url}"


def _style(value: str) -> str | None:
    kept = []
    for declaration in value.split(";"):
        name, _, given = declaration.partition(":")
        if name.strip().lower() in _STYLES and _STYLE_VALUE.fullmatch(given):
            kept.append(f"{name.strip().lower()}:{given.strip()}")
    return ";".join(kept) or None


def _link(value: str) -> str | None:
    url = _as_browsers_read(value)
    scheme = url.partition(":")[0].lower()
    return url if scheme in {"mailto", "tel"} or _WEB.match(url) else None


def _as_browsers_read(url: str) -> str:
    """As the URL standard reads it first: no line ends and tabs, no space around it, one kind of slash."""
    return _IGNORED.sub("", url).strip(_ENDS).replace("\\", "/")


def _is_own(url: str, own: _Server) -> bool:
    """Whether it leads to our pixels, itself or by way of a proxy that has our address in its own."""
    for spelled in {url, unquote(url), unquote(unquote(url))}:
        if spelled.count("//") > _MOST_SERVERS:
            return True  # nobody's picture: looking at each would take as long as its sender likes
        for authority, path in _SERVERS.findall(spelled):
            host, port = _server(authority)
            if host == own[0] and (_same_port(port, own[1]) or _path(path).startswith(_PIXELS)):
                return True
    return False


def _server(authority: str) -> _Server:
    """Host and port. Browsers take wide letters and dots for the plain ones."""
    found = _AUTHORITY.fullmatch(authority)
    host, port = found.groups() if found else (authority, None)
    plain = host.casefold()
    with suppress(idna.IDNAError, UnicodeError):  # then it is compared as it stands
        plain = idna.encode(plain, uts46=True).decode()
    return plain.rstrip("."), port or ""


def _same_port(one: str, other: str) -> bool:
    return one == other or (one in _DEFAULT_PORTS and other in _DEFAULT_PORTS)


def _path(path: str) -> str:
    return "/" + posixpath.normpath(unquote(path) or "/").lstrip("/") + ("/" if path.endswith("/") else "")
