"""Fetches before anybody looks: Gmail loads images of unread mail while it is open."""

from services.tracker.model import Finding
from services.tracker.rules.google import is_google
from services.tracker.rules.rule import Rule
from shared.events.engagements import Verdict
from shared.events.hits import Endpoint, HitRecorded

GMAIL_PREFETCH_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
_AGENT_FAMILY = GMAIL_PREFETCH_AGENT.partition(" Edge/")[0]
_SOURCE = "A study of 9.8 billion Gmail opens (2021): this agent from a Google address, 1-6 % of opens"

GMAIL = Rule(
    "prefetch.gmail",
    Verdict.MACHINE,
    0.95,
    _SOURCE,
    "Once per unread thread, while Gmail is open as the mail arrives; the agent may change any day.",
)
GMAIL_ADDRESS_UNKNOWN = Rule(
    "prefetch.gmail-address-unknown",
    Verdict.HUMAN,
    0.3,
    _SOURCE,
    "Machine only when agent and address agree; without an address neither is shown, so a person gets "
    "the benefit of the doubt at a low confidence.",
)
GMAIL_ELSEWHERE = Rule(
    "prefetch.gmail-elsewhere",
    Verdict.HUMAN,
    0.4,
    _SOURCE,
    "The agent without a Google address: Google's list may be stale, or somebody copies the agent.",
)
RULES = (GMAIL, GMAIL_ADDRESS_UNKNOWN, GMAIL_ELSEWHERE)
_MACHINE, _UNKNOWN, _ELSEWHERE = (rule.finding() for rule in RULES)


def find_certain(hit: HitRecorded) -> Finding | None:
    """A finding when agent and address agree; later forms of the agent add to its end."""
    is_agent = hit.user_agent.startswith(_AGENT_FAMILY) and hit.endpoint is Endpoint.PIXEL
    return _MACHINE if is_agent and hit.client_address and is_google(hit.client_address) else None


def find(hit: HitRecorded) -> Finding | None:
    """A finding for the prefetcher's exact agent on a pixel, else None."""
    if hit.user_agent != GMAIL_PREFETCH_AGENT or hit.endpoint is not Endpoint.PIXEL:
        return None
    if hit.client_address is None:
        return _UNKNOWN
    return _MACHINE if is_google(hit.client_address) else _ELSEWHERE
