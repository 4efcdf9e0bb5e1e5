"""Markup of strangers as a bounded, balanced stream of tags, in time linear to its length.

A parser that follows the HTML standard takes time and memory by the square of hostile markup (nested
elements, formatting that nobody closes). What comes out of here is nested at most `DEEPEST` deep and every
element is closed where it began, so that such a parser is quick about it. It is not safe to show yet.
"""

import re
from collections.abc import Callable, Mapping
from html import escape, unescape

DEEPEST = 200
_TAG = re.compile(r"(/?)([a-zA-Z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]*))?")
_END_OF_TAG = re.compile(r"[\s/=]*>")
_NO_CHARACTER = re.compile(r"&#[0-9]{20,};?")
_MOST_ATTRIBUTES = 100
_VOID = frozenset({"br", "col", "hr", "img", "wbr"})
_BLOCKS = frozenset({"blockquote", "center", "dd", "div", "dl", "dt", "li", "ol", "pre", "ul"})
_ROWS = frozenset({"table", "tbody", "tfoot", "thead"})
_CELLS = frozenset({"td", "th"})
_TABLE_PARTS = _ROWS | _CELLS | {"caption", "colgroup", "tr"}
_BOUNDS = _CELLS | {"caption", "table"}  # an end tag inside of these ends nothing outside
# An element that ends another by beginning: which, and what stands between them.
_ENDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "dd": (frozenset({"dd", "dt"}), frozenset({"dl"})),
    "dt": (frozenset({"dd", "dt"}), frozenset({"dl"})),
    "li": (frozenset({"li"}), frozenset({"ol", "ul"})),
    "p": (frozenset({"p"}), _BLOCKS | _BOUNDS),
    "td": (_CELLS, _ROWS | {"tr"}),
    "th": (_CELLS, _ROWS | {"tr"}),
    "tr": (frozenset({"tr"}), _ROWS),
}

Attributes = dict[str, str]
Chooser = Callable[[str, Attributes], Attributes | None]


def balanced(html: str, chosen: Chooser, without_content: frozenset[str]) -> str:
    """The elements and attributes that `chosen` lets through (None: not this one), and all text.

    Elements named in `without_content` go with what is in them. Names are in lower case.
    """
    return _Balancing(html, chosen, without_content).result()


class _Balancing:
    def __init__(self, html: str, chosen: Chooser, without_content: frozenset[str]) -> None:
        self._html = html
        self._chosen = chosen
        self._ends = {name: re.compile(f"</{name}", re.IGNORECASE | re.ASCII) for name in without_content}
        self._open: list[str] = []
        self._out: list[str] = []

    def result(self) -> str:
        """All of it, closed."""
        at: int | None = 0
        while at is not None:
            begin = self._html.find("<", at)
            self._text(at, begin if begin >= 0 else len(self._html))
            at = self._markup(begin) if begin >= 0 else None
        self._close(0)
        return "".join(self._out)

    def _text(self, begin: int, end: int) -> None:
        self._out.append(escape(_decoded(self._html[begin:end]), quote=False))

    def _markup(self, begin: int) -> int | None:
        """Where what begins here ends; None: never."""
        html = self._html
        tag = _TAG.match(html, begin + 1)
        if tag is not None:
            return self._tag(bool(tag.group(1)), tag.group(2).lower(), tag.end())
        if html.startswith("<!--", begin):
            return _after(html.find("-->", begin + 2), 3)
        if html.startswith(("<!", "<?", "</"), begin):
            return _after(html.find(">", begin), 1)
        self._out.append("&lt;")
        return begin + 1

    def _tag(self, is_end: bool, name: str, at: int) -> int | None:
        attributes, end = self._attributes(at)
        if end is None:
            return None
        if is_end:
            self._end(name)
        elif name in self._ends:
            found = self._ends[name].search(self._html, end)
            return found.start() if found else None
        else:
            self._begin(name, attributes)
        return end

    def _attributes(self, at: int) -> tuple[Attributes, int | None]:
        found: Attributes = {}
        while (end := _END_OF_TAG.match(self._html, at)) is None:
            attribute = _ATTRIBUTE.match(self._html, at)
            if attribute is None or attribute.end() == at:
                return found, None
            name, value = attribute.group(1).lower(), attribute.group(2) or ""
            if len(found) < _MOST_ATTRIBUTES:
                found.setdefault(name, _decoded(value[1:-1] if value[:1] in {'"', "'"} else value))
            at = attribute.end()
        return found, end.end()

    def _begin(self, name: str, attributes: Attributes) -> None:
        kept = self._chosen(name, attributes)
        if kept is None or (len(self._open) >= DEEPEST and name not in _VOID):
            return
        self._end_before(name)
        given = "".join(f' {one}="{escape(value)}"' for one, value in kept.items())
        self._out.append(f"<{name}{given}>")
        if name not in _VOID:
            self._open.append(name)

    def _end_before(self, name: str) -> None:
        if name not in _ENDS:
            return
        ended, between = _ENDS[name]
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth] in ended:
                self._close(depth)
                return
            if self._open[depth] in between:
                return

    def _end(self, name: str) -> None:
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth] == name:
                self._close(depth)
                return
            if self._open[depth] in _BOUNDS and name not in _TABLE_PARTS:
                return

    def _close(self, depth: int) -> None:
        while len(self._open) > depth:
            self._out.append(f"</{self._open.pop()}>")


def _decoded(text: str) -> str:
    """With characters for their references; Python refuses to read a number of thousands of digits."""
    return unescape(_NO_CHARACTER.sub("\ufffd", text))


def _after(found: int, length: int) -> int | None:
    return found + length if found >= 0 else None
