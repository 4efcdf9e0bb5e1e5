"""Golden examples: of every event one with only what it must have, and one with all that it can have.

They stand in `contracts/examples/` and are what a reader of another language tests against. Frozen
copies in `contracts/released/` must be readable for ever.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.events.base import Event
from shared.events.engagements import EngagementJudged, EngagementKind, Evidence, Verdict
from shared.events.hits import Endpoint, HitRecorded, HitRelated, ReplyReceived, ViewingReported
from shared.events.ids import derived_id
from shared.events.log_decisions import (
    LogDecided,
    LogOutcome,
    Reason,
    RecipientOutcome,
    RecordOutcome,
    RecordType,
)
from shared.events.notification_policies import (
    MessageMuteChanged,
    NotificationPolicyChanged,
    OpensWanted,
    QuietHours,
)
from shared.events.notifications import (
    FeedChanged,
    NotificationKind,
    NotificationRaised,
    NotificationRetracted,
    SettingsChanged,
    SignInRevoked,
)
from shared.events.revocations import RevocationScope, TrackingRestored, TrackingRevoked
from shared.events.sends import MessageCancelled, MessageScheduled, MessageSent, Source


def _id(what: str) -> UUID:
    return derived_id("example", what)


ACCOUNT, USER, MESSAGE, HIT = _id("account"), _id("user"), _id("message"), _id("hit")
ENGAGEMENT, NOTIFICATION = _id("engagement"), _id("notification")
CONTACT, DEAL = _id("contact"), _id("deal")
PREPARED = datetime(2026, 11, 2, 8, 59, 58, 120000, tzinfo=UTC)
SENT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OPENED = datetime(2026, 11, 2, 9, 4, 31, 250000, tzinfo=UTC)


def _head(what: str, at: datetime) -> dict[str, Any]:
    return {"event_id": _id(what), "occurred_at": at, "account_id": ACCOUNT}


def _send(what: str) -> dict[str, Any]:
    return _head(what, SENT) | {
        "message_id": MESSAGE,
        "user_id": USER,
        "source": Source.GMAIL,
        "tracked": True,
        "logged": False,
        "recipient_count": 1,
        "link_count": 2,
        "policy_version": 7,
        "prepared_at": PREPARED,
    }


_THREAD = {"anonymous": True, "provider_message_id": "18c1f0a2b3d4e5f6", "provider_thread_id": "18c1f0a2"}
_AGENT = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
_ASKED = Reason(rule="ticked.by-rep")
_LISTED = Reason(rule="never-log.entry", setting="never_log", entry_id=_id("never-log-entry"))

_SENDS = (
    ("minimal", MessageSent(**_send("sent"))),
    ("full", MessageSent(**_send("sent"), **_THREAD)),
    ("minimal", MessageScheduled(**_send("scheduled"), send_at=OPENED)),
    ("full", MessageScheduled(**_send("scheduled"), send_at=OPENED, **_THREAD)),
    ("minimal", MessageCancelled(**_send("cancelled"))),
    ("full", MessageCancelled(**_send("cancelled"), **_THREAD)),
)

_REPLY = ReplyReceived(
    **_head("reply", OPENED + timedelta(hours=2)), message_id=MESSAGE, user_id=USER, replied_at=OPENED
)
_RELATED = HitRelated(
    **_head("hit-related", OPENED), message_id=MESSAGE, hit_id=HIT, rule="threads.older-message", value=1
)
_HITS = (
    (
        "minimal",
        HitRecorded(**_head("hit", OPENED), message_id=MESSAGE, endpoint=Endpoint.PIXEL, method="GET"),
    ),
    (
        "full",
        HitRecorded(
            **_head("hit", OPENED),
            message_id=MESSAGE,
            endpoint=Endpoint.LINK,
            method="GET",
            slot=0,
            link_index=1,
            client_address="203.0.113.7",
            user_agent=_AGENT,
            headers={"accept-language": "ja", "via": "1.1 example"},
        ),
    ),
    ("minimal", ViewingReported(**_head("viewing", OPENED), message_id=MESSAGE, user_id=USER)),
    (
        "full",
        ViewingReported(
            **_head("viewing", OPENED),
            message_id=MESSAGE,
            user_id=USER,
            client_address="2001:db8::7",
            user_agent="Mozilla/5.0 (X11; Linux x86_64)",
        ),
    ),
    ("minimal", ReplyReceived(**_head("reply", OPENED), message_id=MESSAGE, user_id=USER, replied_at=OPENED)),
    (
        "full",
        ReplyReceived(**_head("reply", OPENED), message_id=MESSAGE, user_id=USER, replied_at=OPENED, slot=1),
    ),
    ("minimal", _RELATED),
    ("full", _RELATED),
)

_JUDGED: dict[str, Any] = _head("engagement-judged", OPENED) | {
    "engagement_id": ENGAGEMENT,
    "message_id": MESSAGE,
    "user_id": USER,
    "hit_id": HIT,
    "confidence": 0.9,
    "ruleset_version": "2026.11.1",
    "session_id": _id("session"),
}
_ENGAGEMENTS = (
    (
        "minimal",
        EngagementJudged(
            **_JUDGED,
            kind=EngagementKind.OPEN,
            verdict=Verdict.PROXIED_HUMAN,
            evidence=(Evidence(rule="proxy.google"),),
        ),
    ),
    (
        "full",
        EngagementJudged(
            **_JUDGED,
            revision=1,
            kind=EngagementKind.CLICK,
            verdict=Verdict.MACHINE,
            evidence=(
                Evidence(rule="burst.distinct-links", values={"links": 3, "within_s": 0.2, "order": "same"}),
                Evidence(rule="default.human"),
            ),
            folded_into=_id("earlier-engagement"),
            first=True,
            inferred=True,
            anonymous=True,
            candidates=(0, 2),
            link_index=1,
        ),
    ),
)

_DECIDED = _head("log-decided", SENT) | {"message_id": MESSAGE, "user_id": USER}
_LOG_DECISIONS = (
    (
        "minimal",
        LogDecided(**_DECIDED, outcome=LogOutcome.LOGGED, reasons=(_ASKED,), ruleset_version="2026.11.1"),
    ),
    (
        "full",
        LogDecided(
            **_DECIDED,
            outcome=LogOutcome.LOGGED,
            reasons=(_ASKED, Reason(rule="account.logging", setting="log_default")),
            records=(
                RecordOutcome(
                    record_type=RecordType.DEAL, record_id=DEAL, outcome=LogOutcome.LOGGED, reasons=(_ASKED,)
                ),
            ),
            recipients=(
                RecipientOutcome(
                    slot=0, contact_id=CONTACT, outcome=LogOutcome.NOT_LOGGED, reasons=(_LISTED,)
                ),
                RecipientOutcome(slot=1, outcome=LogOutcome.LOGGED, reasons=(_ASKED,)),
            ),
            ruleset_version="2026.11.1",
        ),
    ),
)

_REVOCATIONS = (
    (
        "minimal",
        TrackingRevoked(
            **_head("revoked", OPENED),
            scope=RevocationScope.ACCOUNT,
            subject_id=ACCOUNT,
            reason="account_tracking_off",
        ),
    ),
    (
        "full",
        TrackingRevoked(
            **_head("revoked", OPENED),
            scope=RevocationScope.MESSAGE,
            subject_id=MESSAGE,
            reason="legal_basis_withdrawn",
        ),
    ),
    (
        "minimal",
        TrackingRestored(**_head("restored", OPENED), scope=RevocationScope.ACCOUNT, subject_id=ACCOUNT),
    ),
    (
        "full",
        TrackingRestored(**_head("restored", OPENED), scope=RevocationScope.MESSAGE, subject_id=MESSAGE),
    ),
)


def _to_user(what: str) -> dict[str, Any]:
    return _head(what, OPENED) | {"user_id": USER}


_RAISED = _to_user("notification-raised") | {"notification_id": NOTIFICATION}
_RETRACTED = NotificationRetracted(
    **_to_user("notification-retracted"),
    notification_id=NOTIFICATION,
    message_id=MESSAGE,
    engagement_id=ENGAGEMENT,
    rule="burst.distinct-links",
)
_NOTIFICATIONS = (
    ("minimal", NotificationRaised(**_RAISED, kind=NotificationKind.TEST)),
    (
        "full",
        NotificationRaised(
            **_RAISED,
            kind=NotificationKind.CLICKED,
            message_id=MESSAGE,
            engagement_id=ENGAGEMENT,
            hit_id=HIT,
            verdict=Verdict.HUMAN,
            link_index=1,
            candidates=(0,),
            first=True,
            reason="first-click",
            previous_at=SENT,
        ),
    ),
    ("minimal", _RETRACTED),
    ("full", _RETRACTED),
    ("minimal", FeedChanged(**_to_user("feed-changed"), message_id=MESSAGE)),
    ("full", FeedChanged(**_to_user("feed-changed"), message_id=MESSAGE)),
    ("minimal", SignInRevoked(**_to_user("sign-in-revoked"))),
    ("full", SignInRevoked(**_to_user("sign-in-revoked"), sign_in_id=_id("sign-in"))),
    ("minimal", SettingsChanged(**_to_user("settings-changed"))),
    ("full", SettingsChanged(**_to_user("settings-changed"))),
)
_POLICIES = (
    ("minimal", NotificationPolicyChanged(**_to_user("policy-changed"), version=1)),
    (
        "full",
        NotificationPolicyChanged(
            **_to_user("policy-changed"),
            version=4,
            opens=OpensWanted.AFTER_PAUSE,
            pause_days=7,
            clicks=False,
            quiet_hours=(
                QuietHours(days=(1, 2, 3, 4, 5), begin=19 * 60, end=8 * 60 + 30),
                QuietHours(days=(6, 7), begin=0, end=0),
            ),
            time_zone="Asia/Tokyo",
        ),
    ),
    (
        "minimal",
        MessageMuteChanged(**_to_user("mute-changed"), version=1, message_id=MESSAGE, muted=True),
    ),
    (
        "full",
        MessageMuteChanged(
            **_to_user("mute-changed"), version=2, message_id=MESSAGE, muted=False, slots=(0, 2)
        ),
    ),
)

_ALL: tuple[tuple[str, Event], ...] = (
    *_SENDS,
    *_HITS,
    *_ENGAGEMENTS,
    *_LOG_DECISIONS,
    *_REVOCATIONS,
    *_NOTIFICATIONS,
    *_POLICIES,
)


def examples_of(event: type[Event]) -> Mapping[str, Event]:
    """The examples of one event by name: `minimal` and `full`."""
    return {name: example for name, example in _ALL if type(example) is event}
