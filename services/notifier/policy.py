"""Which notifications come up on the rep's screen, and which are only counted there (B8).

A fold of notification-policies, and the decision from it. Pure: the time is an argument. A user without a
policy and without a muted mail costs one look into a dictionary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from services.notifier.model import RAISED, Entry
from shared.events.base import Event
from shared.events.notification_policies import (
    MessageMuteChanged,
    NotificationPolicyChanged,
    OpensWanted,
    QuietHours,
)
from shared.events.notifications import NotificationKind

Silence = Literal["muted", "clicks_off", "not_first", "reopened_too_soon", "quiet_hours"]
_ABOUT_MAIL = frozenset({NotificationKind.OPENED, NotificationKind.CLICKED})
_A_DAY = timedelta(days=1)


@dataclass(slots=True)
class _Wishes:
    """Of one user. `mails`: those that are muted, wholly (None) or for some recipients."""

    policy: NotificationPolicyChanged | None = None
    zone: ZoneInfo | None = None
    mails: dict[str, frozenset[int] | None] = field(default_factory=dict)


class Policies:
    """The last word of every user and on every mail, by the text of their ids."""

    def __init__(self) -> None:
        self._wishes: dict[str, _Wishes] = {}
        self._versions: dict[str, int] = {}

    def apply(self, event: Event) -> None:
        """Take in one event. One that is not later than what is known changes nothing."""
        if not isinstance(event, NotificationPolicyChanged | MessageMuteChanged):
            return
        key = event.key()
        if event.version <= self._versions.get(key, 0):
            return
        self._versions[key] = event.version
        wishes = self._wishes.setdefault(str(event.user_id), _Wishes())
        if isinstance(event, MessageMuteChanged):
            _note(wishes.mails, key, event)
        else:
            wishes.policy = event
            wishes.zone = _zone(event.time_zone)

    def silence(self, entry: Entry, now: datetime) -> Silence | None:
        """Why a notification does not come up; None: it does, or the event is none."""
        if entry.type != RAISED:
            return None
        wishes = self._wishes.get(entry.user_id)
        return None if wishes is None else _silence(wishes, entry, now)


def _zone(name: str) -> ZoneInfo:
    """UTC for one that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _note(mails: dict[str, frozenset[int] | None], key: str, event: MessageMuteChanged) -> None:
    if event.muted or event.slots:
        mails[key] = None if event.muted else frozenset(event.slots)
    else:
        mails.pop(key, None)


def _silence(wishes: _Wishes, entry: Entry, now: datetime) -> Silence | None:
    raised = orjson.loads(entry.body)
    kind = raised.get("kind")
    if kind == NotificationKind.TEST:  # the rep asked for it just now
        return None
    if kind in _ABOUT_MAIL and _is_muted(wishes.mails, raised):
        return "muted"
    if wishes.policy is None or wishes.zone is None:
        return None
    unwanted = _unwanted(wishes.policy, raised, entry.occurred_at)
    if unwanted is not None:
        return unwanted
    # What fell into quiet hours does not come up after them; what came before them not within.
    times = (entry.occurred_at.astimezone(wishes.zone), now.astimezone(wishes.zone))
    quiet = any(is_quiet(wishes.policy.quiet_hours, at) for at in times)
    return "quiet_hours" if quiet else None


def _is_muted(mails: Mapping[str, frozenset[int] | None], raised: Mapping[str, Any]) -> bool:
    """Whether the mail is, or everybody who may have been it."""
    message_id = str(raised.get("message_id")).lower()
    if message_id not in mails:
        return False
    slots, candidates = mails[message_id], raised.get("candidates") or ()
    return slots is None or (bool(candidates) and slots.issuperset(candidates))


def _unwanted(
    policy: NotificationPolicyChanged, raised: Mapping[str, Any], occurred_at: datetime
) -> Silence | None:
    if raised["kind"] == NotificationKind.CLICKED:
        return None if policy.clicks else "clicks_off"
    if raised["kind"] != NotificationKind.OPENED or policy.opens is OpensWanted.EVERY or raised.get("first"):
        return None
    if policy.opens is OpensWanted.FIRST:
        return "not_first"
    before = raised.get("previous_at")
    if before is None:  # of these recipients it is the first, or the one before is out of memory
        return None
    pause = occurred_at - datetime.fromisoformat(before)
    return None if pause >= timedelta(days=policy.pause_days) else "reopened_too_soon"


def is_quiet(quiet_hours: tuple[QuietHours, ...], at: datetime) -> bool:
    """Whether the clocks of the rep, which say `at`, are within quiet hours."""
    minute, today = at.hour * 60 + at.minute, at.isoweekday()
    yesterday = (at.date() - _A_DAY).isoweekday()
    for hours in quiet_hours:
        if hours.begin < hours.end:
            quiet = today in hours.days and hours.begin <= minute < hours.end
        else:
            began_today = today in hours.days and minute >= hours.begin
            quiet = began_today or (yesterday in hours.days and minute < hours.end)
        if quiet:
            return True
    return False
