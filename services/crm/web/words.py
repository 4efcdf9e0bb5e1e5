"""Words for what the model names, and times as people read them.

`gettext` marks texts for the catalogue here; they are translated where they are shown.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_datetime, get_day_names, get_timezone_name
from babel.numbers import format_decimal, format_percent

from services.crm.model.accuracy import Provider
from services.crm.model.addresses import AddressState
from services.crm.model.attachments import LeftOut
from services.crm.model.letters import Trouble
from services.crm.model.origins import Place, PlaceUnknown
from services.crm.model.records import LegalBasisKind
from services.crm.model.timeline import TimelineType
from services.crm.model.users import UserState
from services.crm.model.webhooks import DeliveryState, DeliveryTrouble, SwitchedOff, WebhookType
from services.crm.web.language import Language
from shared.auth.scopes import Scope
from shared.auth.tokens import Role
from shared.directory.contract import RecipientField
from shared.events.engagements import EngagementKind, Evidence, Verdict
from shared.events.evidence import SENTENCES
from shared.events.log_decisions import LogOutcome, RecordType


def gettext(text: str) -> str:
    """Marks a text; returns it as it is."""
    return text


VERDICTS = {
    Verdict.HUMAN: gettext("Human"),
    Verdict.PROXIED_HUMAN: gettext("Human, through a mail proxy"),
    Verdict.PRIVACY_PROXY: gettext("Privacy proxy (unknown)"),
    Verdict.MACHINE: gettext("Machine"),
    Verdict.SELF: gettext("Yourself"),
    Verdict.OLDER_MESSAGE: gettext("Older message in thread"),
}
PROVIDERS = {
    Provider.GMAIL: gettext("Gmail and Google"),
    Provider.YAHOO: gettext("Yahoo Mail"),
    Provider.MICROSOFT: gettext("Outlook and Microsoft"),
    Provider.APPLE_PRIVACY: gettext("Apple Mail privacy"),
    Provider.DIRECT: gettext("Browser or mail program, directly"),
    Provider.SCANNER: gettext("Security scanner"),
    Provider.ROBOT: gettext("Robot or link preview"),
    Provider.OWN_VIEW: gettext("The sender's own view"),
    Provider.OTHER: gettext("Not known"),
}
_THE_SENDER = gettext("The sender")
_INFERRED = {
    "inferred.click": gettext("inferred from a click"),
    "inferred.reply": gettext("inferred from a reply"),
}
KINDS = {EngagementKind.OPEN: gettext("Open"), EngagementKind.CLICK: gettext("Click")}
TIMELINE_TYPES = {
    TimelineType.EMAIL: gettext("Emails"),
    TimelineType.OPEN: gettext("Opens"),
    TimelineType.CLICK: gettext("Clicks"),
}
RECORD_TYPES = {
    RecordType.CONTACT: gettext("Contact"),
    RecordType.COMPANY: gettext("Company"),
    RecordType.DEAL: gettext("Deal"),
    RecordType.TICKET: gettext("Ticket"),
}
LEGAL_BASES = {
    LegalBasisKind.NONE: gettext("None"),
    LegalBasisKind.LEGITIMATE_INTEREST_PROSPECT: gettext("Legitimate interest – prospect or lead"),
    LegalBasisKind.LEGITIMATE_INTEREST_CUSTOMER: gettext("Legitimate interest – existing customer"),
    LegalBasisKind.LEGITIMATE_INTEREST_OTHER: gettext("Legitimate interest – other"),
    LegalBasisKind.PERFORMANCE_OF_CONTRACT: gettext("Performance of a contract"),
    LegalBasisKind.FREELY_GIVEN_CONSENT: gettext("Freely given consent"),
    LegalBasisKind.NOT_APPLICABLE: gettext("Not applicable"),
}
RECIPIENT_FIELDS = {
    RecipientField.TO: gettext("To"),
    RecipientField.CC: gettext("Cc"),
    RecipientField.BCC: gettext("Bcc"),
}
OUTCOMES = {LogOutcome.LOGGED: gettext("Logged"), LogOutcome.NOT_LOGGED: gettext("Not logged")}
LEFT_OUT = {
    LeftOut.ATTACHMENTS_OFF: gettext("not kept: this account keeps no attachments"),
    LeftOut.TOO_LARGE: gettext("not kept: over 50 MB"),
    LeftOut.NOT_LOGGED: gettext("not kept: the mail is not logged"),
    LeftOut.TOO_OLD: gettext("deleted: older than this account keeps"),
}
ACTIONS = {
    "email_settings.changed": gettext("Email settings changed"),
    "never_log.added": gettext("Added to the never-log list"),
    "never_log.removed": gettext("Removed from the never-log list"),
    "user.invited": gettext("User invited"),
    "user.password_link": gettext("Password link made"),
    "user.role_changed": gettext("Role changed"),
    "user.left": gettext("User has left"),
    "mail.associations_changed": gettext("Associations of a mail changed"),
    "address.proven": gettext("Address to send from proven"),
    "address.removed": gettext("Address to send from removed"),
    "api_token.made": gettext("API token made"),
    "api_token.revoked": gettext("API token revoked"),
    "webhook.made": gettext("Webhook added"),
    "webhook.changed": gettext("Webhook changed"),
    "webhook.secret_changed": gettext("Secret of a webhook changed"),
    "webhook.removed": gettext("Webhook removed"),
    "webhook.switched_off": gettext("Webhook switched off"),
    "retention.changed": gettext("Retention changed"),
    "mail.deleted": gettext("Mail deleted"),
    "contacts.legal_basis_changed": gettext("Legal basis of many contacts changed"),
    "contact.deleted": gettext("Contact deleted"),
    "contact.restored": gettext("Contact restored"),
    "company.deleted": gettext("Company deleted"),
    "company.restored": gettext("Company restored"),
    "deal.deleted": gettext("Deal deleted"),
    "deal.restored": gettext("Deal restored"),
    "ticket.deleted": gettext("Ticket deleted"),
    "ticket.restored": gettext("Ticket restored"),
}
PLACES_UNKNOWN = {
    PlaceUnknown.ANONYMOUS: gettext("Place not shown: opens of this mail are anonymous"),
    PlaceUnknown.PROXY: gettext("Place unknown: a mail provider's proxy loaded it, not the reader's device"),
    PlaceUnknown.REPLY: gettext("Place unknown: an answer does not show it"),
    PlaceUnknown.SEVERAL_PLACES: gettext("Place unknown: this open was loaded from several places"),
    PlaceUnknown.NO_ADDRESS: gettext("Place unknown: no reliable address came with it"),
    PlaceUnknown.NOT_PUBLIC: gettext("Place unknown: not a public address"),
    PlaceUnknown.NOT_LISTED: gettext("Place unknown: the address is in no database"),
    PlaceUnknown.NOT_KEPT: gettext("Place unknown: the address is no longer kept"),
    PlaceUnknown.NOT_YET: gettext("Place not known yet"),
}
ROLES = {
    Role.REP: gettext("Rep"),
    Role.ADMIN: gettext("Admin"),
    Role.SUPER_ADMIN: gettext("Super admin"),
}
USER_STATES = {
    UserState.INVITED: gettext("invited"),
    UserState.ACTIVE: gettext("active"),
    UserState.LEFT: gettext("has left"),
}
SCOPES = {
    Scope.RECORDS_READ: gettext("Read contacts, companies, deals and tickets"),
    Scope.RECORDS_WRITE: gettext("Create and change contacts, companies, deals and tickets"),
    Scope.MAIL_READ: gettext("Read the feed and mail"),
    Scope.MAIL_WRITE: gettext("Track, log and delete mail; the send API"),
    Scope.SETTINGS_READ: gettext("Read the account's settings and audit log"),
    Scope.SETTINGS_WRITE: gettext("Change the account's settings and never-log list"),
}
WEBHOOK_TYPES = {
    WebhookType.SENT: gettext("A mail was sent"),
    WebhookType.OPENED: gettext("A mail was opened"),
    WebhookType.CLICKED: gettext("A link was followed"),
    WebhookType.CORRECTED: gettext("An open or click that was told is corrected or withdrawn"),
    WebhookType.LOGGED: gettext("A mail was logged"),
    WebhookType.NOT_LOGGED: gettext("A mail was not logged"),
}
DELIVERY_STATES = {
    DeliveryState.WAITING: gettext("waits"),
    DeliveryState.DELIVERED: gettext("delivered"),
    DeliveryState.GIVEN_UP: gettext("given up"),
}
DELIVERY_TROUBLES = {
    DeliveryTrouble.UNRESOLVED: gettext("The name of the endpoint leads nowhere."),
    DeliveryTrouble.FORBIDDEN_ADDRESS: gettext(
        "The name of the endpoint leads into a private network, where Kaifu sends nothing."
    ),
    DeliveryTrouble.UNREACHABLE: gettext("The endpoint can't be reached, or its answer is none."),
    DeliveryTrouble.NOT_SECURE: gettext("The endpoint has no certificate that is good for its name."),
    DeliveryTrouble.TOO_SLOW: gettext("The endpoint did not answer within 10 seconds."),
    DeliveryTrouble.ANSWER: gettext("The endpoint did not take it."),
    DeliveryTrouble.SWITCHED_OFF: gettext("The endpoint was switched off or removed."),
}
SWITCHED_OFF = {
    SwitchedOff.GONE: gettext("switched off: it is gone"),
    SwitchedOff.FAILING: gettext("switched off: nothing arrived for five days"),
}
ADDRESS_STATES = {
    AddressState.QUEUED: gettext("link is on its way"),
    AddressState.MAILED: gettext("waits for your confirmation"),
    AddressState.FAILED: gettext("link was not mailed"),
    AddressState.EXPIRED: gettext("link is over"),
}
TROUBLES = {
    Trouble.UNREACHABLE: gettext("The mail relay can't be reached."),
    Trouble.NOT_SECURE: gettext(
        "The mail relay offers no connection that is safe; nothing is sent in the open. An operator has to "
        "look at it."
    ),
    Trouble.SIGN_IN: gettext("The mail relay does not let Kaifu send. An operator has to look at it."),
    Trouble.LATER: gettext("The mail relay asks to wait."),
    Trouble.REFUSED: gettext("The mail relay does not take mail to this address. Check how it is written."),
}
SETTINGS = {
    "tracking": gettext("Allow all users to track opens and clicks"),
    "logging": gettext("Allow all users to log mail"),
    "log_attachments": gettext("Allow all users to log attachments"),
    "data_privacy": gettext("Track only contacts with a legal basis for processing"),
    "log_default": gettext("Apply a default log setting to all users"),
    "log_ticked": gettext("Log starts ticked"),
    "track_default": gettext("Apply a default track setting to all users"),
    "track_ticked": gettext("Track starts ticked"),
    "marketing_contacts": gettext("Use marketing contacts"),
    "entries": gettext("Entries"),
    "user": gettext("User"),
    "address": gettext("E-mail address"),
    "role": gettext("Role"),
    "successor": gettext("Handed over to"),
    "records": gettext("Records"),
    "message_id": gettext("Mail"),
    "added": gettext("Added"),
    "removed": gettext("Removed"),
    "token": gettext("Token"),
    "scopes": gettext("Scopes"),
    "days": gettext("Days"),
    "months": gettext("Months"),
    "url": gettext("Address"),
    "types": gettext("Events"),
    "active": gettext("Switched on"),
    "reason": gettext("Reason"),
}
RECORD_PATHS = {
    RecordType.CONTACT: "contacts",
    RecordType.COMPANY: "companies",
    RecordType.DEAL: "deals",
    RecordType.TICKET: "tickets",
}


def sentence(evidence: Evidence, language: Language) -> str:
    """The evidence in plain words; the rule's id where no words are known for it or its values."""
    texts = SENTENCES.get(evidence.rule)
    if texts is None:
        return evidence.rule
    try:
        return texts[language].format(**evidence.values)
    except (KeyError, IndexError, ValueError):
        return evidence.rule


def place(found: Place, language: Language) -> str:
    """City, region and country as far as they are known; the widest first in Japanese."""
    country = Locale(language).territories.get(found.country, found.country)
    names = list(dict.fromkeys(name for name in (found.city, found.region, country) if name))
    return "、".join(reversed(names)) if language == "ja" else ", ".join(names)


def verdict(which: Verdict, of_account: bool) -> str:
    """A verdict on one's own mail, or on mail of the account, to be translated."""
    return _THE_SENDER if of_account and which is Verdict.SELF else VERDICTS[which]


def inferred(evidence: Sequence[Evidence]) -> str:
    """What an open was inferred from, to be translated."""
    rule = evidence[0].rule if evidence else ""
    return _INFERRED.get(rule, gettext("inferred"))


def rule_sentence(rule: str, language: Language) -> str:
    """What a rule says, whatever the values; nothing where no words are known for it."""
    texts = SENTENCES.get(rule)
    return "" if texts is None else texts[language].format_map(defaultdict(lambda: "…"))


_SURENESS = (
    (0.9, gettext("very sure")),
    (0.75, gettext("sure")),
    (0.5, gettext("fairly sure")),
    (0.0, gettext("not sure")),
)


def sureness(confidence: float) -> str:
    """A confidence from 0 to 1 in words, to be translated."""
    return next(text for least, text in _SURENESS if confidence >= least)


def percent(part: int, whole: int, language: Language) -> str:
    """A share as people read it; what there is is never told as nothing, nor what is not all as all."""
    share = part / whole if whole else 0.0
    if 0 < share < 0.01:
        return f"<{format_percent(0.01, locale=language)}"
    return format_percent(min(share, 0.99) if part < whole else share, locale=language)


def number(count: int, language: Language) -> str:
    """With its thousands apart."""
    return str(format_decimal(count, locale=language))


def date_of(day: date, language: Language) -> str:
    """A date without its year, as short as can be."""
    return format_date(day, {"en": "MMM d", "ja": "M/d"}[language], locale=language)


def file_size(size: int, language: Language) -> str:
    """Bytes as people read them, e.g. "1.4 MB"; 1024 of each unit make one of the next."""
    amount, unit = float(size), "B"
    for larger in ("KB", "MB", "GB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    pattern = "#,##0.0" if amount < 10 and unit != "B" else "#,##0"
    return f"{format_decimal(amount, pattern, locale=language)} {unit}"


def zone(name: str) -> tzinfo:
    """The time zone of that name, else UTC."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def weekdays(language: Language) -> list[tuple[str, str, str]]:
    """Monday first: the number, the short and the long name."""
    short = get_day_names("abbreviated", "stand-alone", language)
    long = get_day_names("wide", "stand-alone", language)
    return [(str(day + 1), short[day], long[day]) for day in range(7)]


class Clock:
    """Times in one language and time zone; `now` decides what is today."""

    def __init__(self, language: Language, time_zone: str, now: datetime) -> None:
        self._language = language
        self._zone = zone(time_zone)
        self._today = now.astimezone(self._zone).date()

    @property
    def zone_name(self) -> str:
        """As people call it, e.g. "Japan Standard Time"."""
        if self._zone is UTC:
            return "UTC"
        return get_timezone_name(self._zone, locale=self._language)

    def short(self, at: datetime) -> str:
        """Only the time today, day and time this year, else the date with its year."""
        local = at.astimezone(self._zone)
        today, this_year, any_year = _SHORT[self._language]
        pattern = any_year if local.year != self._today.year else this_year
        if local.date() == self._today:
            pattern = today
        return format_datetime(local, pattern, locale=self._language)

    def day(self, at: datetime) -> str:
        """The date with its year."""
        return format_date(at.astimezone(self._zone).date(), "medium", locale=self._language)

    def time(self, at: datetime) -> str:
        """The time of day alone."""
        return format_datetime(at.astimezone(self._zone), _SHORT[self._language][0], locale=self._language)

    def full(self, at: datetime) -> str:
        """Date and time to the second, with its zone."""
        return format_datetime(at.astimezone(self._zone), "long", locale=self._language)


_SHORT: dict[Language, tuple[str, str, str]] = {
    "en": ("HH:mm", "MMM d, HH:mm", "MMM d, y"),
    "ja": ("H:mm", "M月d日 H:mm", "y年M月d日"),
}
