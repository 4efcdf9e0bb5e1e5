"""What an agent says of itself: a program without a reader, a mail program, or a browser.

The names lie in `data/agents.json` and `data/crawlers.json` with their origin. Image proxies are judged
before this family.
"""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

from services.tracker.model import Finding
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
from shared.events.hits import Endpoint, HitRecorded


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """The longest first, so that it decides; of no names none matches."""
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or "(?!)")


_DATA = json.loads(files("services.tracker.rules").joinpath("data/agents.json").read_text())
AGENTS_VERSION: str = _DATA["version"]
_PROGRAMS = {name: kind for kind, names in _DATA["programs"].items() for name in names}
_A_PROGRAM = _any_of(_PROGRAMS)
_LISTED_DATA = json.loads(files("services.tracker.rules").joinpath("data/crawlers.json").read_text())
_LISTED = {name: kind for kind, names in _LISTED_DATA["kinds"].items() for name in names}
_A_LISTED = re.compile(rf"(?<![a-z0-9])(?:{_any_of(_LISTED).pattern})")
_A_WORD = re.compile(
    rf"(?<![a-z])(?!{'|'.join(_DATA['not_words'])})[a-z]*(?:{'|'.join(_DATA['words'])})(?![a-z])"
)
_A_MAIL_PROGRAM = re.compile("|".join(re.escape(name) for name in _DATA["mail_programs"]))
_A_BROWSER = re.compile(
    r"(?:chrome|crios|firefox|fxios|edg|edge|edga|edgios|opr|version|samsungbrowser|trident)/[0-9]|msie [0-9]"
)
_SOURCE = "The name that the program gives itself (data/agents.json names the lists compared)"

DECLARED = Rule(
    "agents.declared",
    Verdict.MACHINE,
    0.95,
    _SOURCE,
    "A name is easily copied; nobody gains by posing as a program that does not count.",
)
LISTED = Rule(
    "agents.listed",
    Verdict.MACHINE,
    0.8,
    "A public list knows the name that stands in the agent for a program's (data/crawlers.json)",
    "Entered by volunteers; an app that shows pages to its user may carry such a name.",
)
NONE = Rule(
    "agents.none",
    Verdict.MACHINE,
    0.6,
    "Every mail program and browser in wide use sends a User-Agent; scripts often send none",
    "A privacy extension or a strict proxy may remove the agent of a person.",
)
ROBOT_OWNER = Rule(
    "agents.robot-owner",
    Verdict.MACHINE,
    0.9,
    "RFC 9110 section 10.1.2: `From` is sent by robots, to name whoever runs them; browsers do not send it",
    "A proxy of an office may add it.",
)
UNKNOWN_PROGRAM = Rule(
    "agents.unknown-program",
    Verdict.MACHINE,
    0.55,
    "Browsers and the mail programs in wide use name themselves as such (data/agents.json)",
    "A mail program that is not listed yet.",
)
IMPOSSIBLE = Rule(
    "agents.impossible",
    Verdict.MACHINE,
    0.7,
    "The agent contradicts itself: Internet Explorer's engine has run on Windows alone since 2003",
    "None known; such agents are made up.",
)
NOT_A_BROWSER = Rule(
    "agents.not-a-browser",
    Verdict.MACHINE,
    0.6,
    "People follow links with browsers, which name themselves and their version",
    "A new browser, or a program that shows pages in a frame of its own, may send another form.",
)
OUTDATED = Rule(
    "agents.outdated",
    None,
    0.0,
    "Browsers update themselves; scanners name versions that are years old (seen: Chrome 42, 57, 64)",
    "An old machine that is never updated.",
)
RULES = (DECLARED, LISTED, NONE, ROBOT_OWNER, UNKNOWN_PROGRAM, IMPOSSIBLE, NOT_A_BROWSER, OUTDATED)
_NONE, _ROBOT_OWNER, _UNKNOWN_PROGRAM, _IMPOSSIBLE, _NOT_A_BROWSER = (
    rule.finding() for rule in (NONE, ROBOT_OWNER, UNKNOWN_PROGRAM, IMPOSSIBLE, NOT_A_BROWSER)
)
_OLDEST_CHROME, _OLDEST_FIREFOX = 80, 68  # of early 2020 and mid 2019
_CHROME = re.compile(r"chrome/([0-9]+)")
_FIREFOX = re.compile(r"firefox/([0-9]+)")
_DESCRIBES_ITSELF = re.compile(r"^mozilla/[0-9.]+ \(compatible; (?!msie |konqueror|googletoolbar)")
_AN_ENGINE = re.compile(r"applewebkit/|gecko/|gecko firefox|trident/|msie |presto/")
_MAY_SHOW_MAIL = ("mail", "outlook", "cfnetwork", "exchange", "opera/")
# WebKit as a program for Apple's systems shows it, mail among them: without a browser's name and version
_APPLE_PROGRAM = re.compile(
    r"Mozilla/5\.0 \((?:Macintosh|iPhone|iPad|iPod)[^)]*\) AppleWebKit/[0-9.]+ \(KHTML, like Gecko\)"
    r"(?: Mobile/[0-9A-Za-z]+)?"
)


def find(hit: HitRecorded) -> Finding | None:
    """A finding for a program that names itself, has no name, or names its owner; else None."""
    if not hit.user_agent.strip():
        return _NONE
    kind = program(hit.user_agent)
    if kind is not None:
        return DECLARED.finding(kind=kind)
    if hit.headers.get("from"):
        return _ROBOT_OWNER
    return _by_form(hit.user_agent, hit.endpoint)


def find_listed(hit: HitRecorded) -> Finding | None:
    """A finding for a program that a public list knows by a name of its own (data/crawlers.json)."""
    kind = _listed(hit.user_agent)
    return None if kind is None else LISTED.finding(kind=kind)


@lru_cache(maxsize=4096)
def _listed(user_agent: str) -> str | None:
    found = None if is_mail_program(user_agent) else _A_LISTED.search(user_agent.lower())
    return None if found is None else str(_LISTED[found.group()])


def is_no_browser(user_agent: str) -> bool:
    """Whether these rules know it for something else than a browser, without the public list."""
    is_program = program(user_agent) is not None or is_mail_program(user_agent)
    return is_program or _by_form(user_agent, Endpoint.LINK) is not None


@lru_cache(maxsize=4096)
def _by_form(user_agent: str, endpoint: Endpoint) -> Finding | None:
    agent = user_agent.lower()
    if is_mail_program(user_agent):
        return None
    if ("trident/" in agent or "msie " in agent) and "windows" not in agent:
        return _IMPOSSIBLE
    if endpoint is Endpoint.LINK:
        has_engine = agent.startswith("mozilla/") and _AN_ENGINE.search(agent)
        return None if has_engine or agent.startswith("opera/") else _NOT_A_BROWSER
    is_known = agent.startswith("mozilla/") or any(word in agent for word in _MAY_SHOW_MAIL)
    return None if is_known else _UNKNOWN_PROGRAM


def doubts(hit: HitRecorded) -> tuple[Rule, ...]:
    """A browser that nobody has run for years."""
    return (OUTDATED,) if _is_outdated(hit.user_agent) else ()


@lru_cache(maxsize=4096)
def _is_outdated(user_agent: str) -> bool:
    if is_mail_program(user_agent):
        return False
    agent = user_agent.lower()
    for pattern, oldest in ((_CHROME, _OLDEST_CHROME), (_FIREFOX, _OLDEST_FIREFOX)):
        found = pattern.search(agent)
        if found is not None and int(found[1]) < oldest:
            return True
    return False


@lru_cache(maxsize=4096)
def sends_fetch_metadata(user_agent: str) -> bool:
    """Whether it names a browser that has sent Sec-Fetch headers for years (Chrome 76, Firefox 90)."""
    agent = user_agent.lower()
    chrome, firefox = _CHROME.search(agent), _FIREFOX.search(agent)
    return (chrome is not None and int(chrome[1]) >= 85) or (firefox is not None and int(firefox[1]) >= 95)


@lru_cache(maxsize=4096)
def program(user_agent: str) -> str | None:
    """Which kind of program without a reader names itself: a key of `programs`, "robot" for a mere word."""
    agent = user_agent.lower()
    if is_mail_program(user_agent):
        return None
    if _DESCRIBES_ITSELF.search(agent) or "+http" in agent:
        return "robot"
    found = _A_PROGRAM.search(agent)
    if found is not None:
        return str(_PROGRAMS[found.group()])
    return "robot" if _A_WORD.search(agent) else None


@lru_cache(maxsize=4096)
def is_mail_program(user_agent: str) -> bool:
    """Whether a mail program for the desk or the phone names itself: it loads pictures for a reader."""
    return _A_MAIL_PROGRAM.search(user_agent.lower()) is not None


@lru_cache(maxsize=4096)
def is_browser(user_agent: str) -> bool:
    """Whether it names a browser with its version, as a scanner that hides does too."""
    agent = user_agent.lower()
    return agent.startswith("mozilla/") and _A_BROWSER.search(agent) is not None


@lru_cache(maxsize=4096)
def is_apple_program(user_agent: str) -> bool:
    """WebKit on Apple's systems without a browser's name: Mail, or a program that shows pages likewise."""
    return _APPLE_PROGRAM.fullmatch(user_agent) is not None
