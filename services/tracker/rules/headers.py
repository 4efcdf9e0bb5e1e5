"""What the other headers say: a fetch in advance, or one that no following of a link looks like."""

from services.tracker.model import Finding
from services.tracker.rules.agents import is_browser, sends_fetch_metadata
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
from shared.events.hits import Endpoint, HitRecorded

_ADVANCE = ("purpose", "sec-purpose", "x-moz", "x-purpose")
_ADVANCE_WORDS = ("prefetch", "preview", "prerender")
_NAVIGATES = ("navigate", "nested-navigate")

IN_ADVANCE = Rule(
    "headers.in-advance",
    Verdict.MACHINE,
    0.9,
    "Fetch standard: `Sec-Purpose: prefetch`; before it `Purpose`, `X-Moz` and `X-Purpose` said the same",
    "What was fetched in advance may be shown later without another fetch.",
)
NOT_A_VISIT = Rule(
    "headers.not-a-visit",
    Verdict.MACHINE,
    0.7,
    "Fetch Metadata: whoever follows a link sends `Sec-Fetch-Mode: navigate`; a script's fetch does not",
    "A reader in a page of its own (a web app) may fetch a link for its user.",
)
WITHOUT_LANGUAGE = Rule(
    "headers.without-language",
    None,
    0.0,
    "Browsers send Accept-Language when they follow a link; programs that pose as one seldom do",
    "A proxy or an extension for privacy may take it out.",
)
NOT_FOR_A_PAGE = Rule(
    "headers.not-for-a-page",
    None,
    0.0,
    "Browsers ask for text/html when they follow a link; libraries ask for */* or for nothing",
    "An office's proxy may rewrite Accept.",
)
WITHOUT_METADATA = Rule(
    "headers.without-metadata",
    None,
    0.0,
    "Chrome since 76 and Firefox since 90 send Sec-Fetch headers to every secure address",
    "Not over plain http, so it counts only beside a missing language; some offices' proxies remove them.",
)
PAGE_FOR_A_PICTURE = Rule(
    "headers.page-for-a-picture",
    None,
    0.0,
    "Mail programs and browsers ask for image/* or */* to show a picture, for a page when they visit one",
    "Somebody may open the picture by itself.",
)
RULES = (
    IN_ADVANCE,
    NOT_A_VISIT,
    WITHOUT_LANGUAGE,
    NOT_FOR_A_PAGE,
    WITHOUT_METADATA,
    PAGE_FOR_A_PICTURE,
)
_IN_ADVANCE, _NOT_A_VISIT = IN_ADVANCE.finding(), NOT_A_VISIT.finding()


def find(hit: HitRecorded) -> Finding | None:
    """A finding where a header says outright that nobody looks; else None."""
    if not hit.headers:
        return None
    for name in _ADVANCE:
        value = hit.headers.get(name)
        if value and any(word in value.lower() for word in _ADVANCE_WORDS):
            return _IN_ADVANCE
    mode = mode_of(hit)
    if hit.endpoint is Endpoint.LINK and mode is not None and mode not in _NAVIGATES:
        return _NOT_A_VISIT
    return None


def mode_of(hit: HitRecorded) -> str | None:
    """How the browser came to fetch it, as it says."""
    return hit.headers.get("sec-fetch-mode")


def doubts(hit: HitRecorded) -> tuple[Rule, ...]:
    """What does not fit a browser that follows a link or shows a picture. No header at all says nothing."""
    if not hit.headers or not is_browser(hit.user_agent):
        return ()
    if hit.endpoint is Endpoint.PIXEL:
        is_visit = hit.headers.get("accept", "").startswith("text/html") or mode_of(hit) in _NAVIGATES
        return (PAGE_FOR_A_PICTURE,) if is_visit else ()
    found = []
    if "accept-language" not in hit.headers:
        found.append(WITHOUT_LANGUAGE)
        if mode_of(hit) is None and sends_fetch_metadata(hit.user_agent):
            found.append(WITHOUT_METADATA)
    if "text/html" not in hit.headers.get("accept", ""):
        found.append(NOT_FOR_A_PAGE)
    return tuple(found)


def is_whole_visit(hit: HitRecorded) -> bool:
    """Whether it carries all that a browser sends for a person who follows a link."""
    return (
        hit.endpoint is Endpoint.LINK
        and hit.headers.get("sec-fetch-mode") in _NAVIGATES
        and "accept-language" in hit.headers
        and "text/html" in hit.headers.get("accept", "")
    )
