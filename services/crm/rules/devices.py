"""What a client calls itself, as people would say it: "Chrome on Windows", "Mail on iPhone".

Families are ua-parser's (builtin patterns of the uap-core project). Doubt: a user agent is a claim, and
programs that show mail in a web view of the system often name only the system.
"""

from collections.abc import Mapping
from functools import lru_cache

from ua_parser import parse

from services.crm.model.origins import Device

_LONGEST = 300  # characters that are looked at: honest agents say who they are by then

# Apple Mail calls itself nothing: what is left is the web view. Other programs mostly add their name.
_PROGRAMS: Mapping[str, str] = {
    "Apple Mail": "Mail",
    "Mobile Safari UI/WKWebView": "Mail",
    "Mobile Safari": "Safari",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Edge Mobile": "Edge",
    "Outlook-iOS": "Outlook",
    "Outlook-Android": "Outlook",
    "Samsung Internet": "Samsung Internet",
}
_SYSTEMS: Mapping[str, str] = {"Mac OS X": "macOS"}
_OWN_NAMES = frozenset({"iPhone", "iPad", "iPod"})


@lru_cache(maxsize=2048)
def device_of(agent: str) -> Device | None:
    """Program and system of a user agent; None if it tells neither."""
    said = parse(agent[:_LONGEST])
    program = said.user_agent.family if said.user_agent else ""
    system = said.os.family if said.os else ""
    if said.device and said.device.family in _OWN_NAMES:
        system = said.device.family
    if not program and not system:
        return None
    return Device(program=_PROGRAMS.get(program, program), system=_SYSTEMS.get(system, system))
