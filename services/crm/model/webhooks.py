"""Webhooks (A6, B9): endpoints of integrators, what they are told, and each telling on its way."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.crm.model.base import Model
from shared.directory.contract import RecordRef
from shared.events.engagements import EngagementKind, Verdict


class WebhookType(StrEnum):
    """What an endpoint may be told of."""

    SENT = "mail.sent"
    OPENED = "mail.opened"
    CLICKED = "mail.clicked"
    CORRECTED = "mail.engagement_corrected"
    LOGGED = "mail.logged"
    NOT_LOGGED = "mail.not_logged"


TEST = "webhook.test"  # nobody subscribes to it


class SwitchedOff(StrEnum):
    """Why Kaifu itself has switched an endpoint off."""

    GONE = "gone"
    FAILING = "failing"


class Webhook(Model):
    """An endpoint as it is shown; its secret is shown once. `old_secret_until`: until then the secret before
    the last change signs too. `failing_since`: nothing was delivered since then."""

    id: UUID
    url: str
    types: tuple[WebhookType, ...]
    active: bool = True
    created_at: datetime
    secret_changed_at: datetime
    old_secret_until: datetime | None = None
    failing_since: datetime | None = None
    switched_off: SwitchedOff | None = None


class Secrets(Model):
    """What an endpoint's messages are signed with; `old` counts until the endpoint's `old_secret_until`."""

    secret: SecretStr
    old: SecretStr | None = None


class NewWebhook(Model):
    """An endpoint and its secret, shown this once."""

    webhook: Webhook
    secret: SecretStr


class DeliveryState(StrEnum):
    """How far a delivery has come."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class DeliveryTrouble(StrEnum):
    """Why the last attempt was none that counts."""

    UNRESOLVED = "unresolved"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNREACHABLE = "unreachable"
    NOT_SECURE = "not_secure"
    TOO_SLOW = "too_slow"
    ANSWER = "answer"
    SWITCHED_OFF = "switched_off"


class WebhookDelivery(Model):
    """One message on its way to one endpoint. `message_id`: its `webhook-id`, the same at every attempt.
    `next_at` null: there is no further attempt. `status_code`: of the last answer, if there was one."""

    id: UUID
    webhook_id: UUID
    message_id: UUID
    type: str
    created_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    next_at: datetime | None = None
    tried_at: datetime | None = None
    status_code: int | None = None
    trouble: DeliveryTrouble | None = None


class Outgoing(Model):
    """A delivery with all that one attempt needs. `failing`: nothing has arrived there lately."""

    account_id: UUID
    delivery: WebhookDelivery
    url: str
    secrets: tuple[SecretStr, ...]
    body: str
    failing: bool = False


class Answer(Model):
    """What an attempt came to; `trouble` None: delivered."""

    status_code: int | None = None
    trouble: DeliveryTrouble | None = None


def _always_typed(schema: dict[str, Any]) -> None:
    if (type_ := schema["properties"].get("type")) is not None:
        del type_["default"]
        schema["required"] = ["type", *schema["required"]]


class Told(BaseModel):
    """A part of what is sent to an endpoint: ids, slots and verdicts, never an address, subject or body."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_always_typed)


class OfMail(Told):
    """The mail, and who sent it. `slots`: the recipients by their place in the mail, without those that a
    never-log entry covers; none where opens are anonymous."""

    message_id: UUID
    user_id: UUID
    slots: tuple[int, ...]


class SentMail(OfMail):
    """A mail that was sent."""

    sent_at: datetime
    tracked: bool
    anonymous: bool


class EngagedMail(OfMail):
    """An open or a click that counts. `slots`: who it may have been. `rules`: the ids of those that spoke."""

    engagement_id: UUID
    revision: int
    kind: EngagementKind
    verdict: Verdict
    rules: tuple[str, ...]
    confidence: float
    ruleset_version: str
    occurred_at: datetime
    first: bool
    inferred: bool
    anonymous: bool
    link_index: int | None


class CorrectedMail(EngagedMail):
    """What it is now. `counts`: whether it still does; `earlier_verdict`: as it was told before."""

    counts: bool
    earlier_verdict: Verdict


class DecidedMail(Told):
    """A log decision; `rules`: the ids of those that decided on the whole mail."""

    message_id: UUID
    user_id: UUID
    decided_at: datetime
    ruleset_version: str
    rules: tuple[str, ...]


class LoggedMail(DecidedMail):
    """With the records on which it stands."""

    records: tuple[RecordRef, ...]


class MailSent(Told):
    """A mail was sent."""

    type: Literal["mail.sent"] = "mail.sent"
    timestamp: datetime
    data: SentMail


class MailOpened(Told):
    """An open that counts."""

    type: Literal["mail.opened"] = "mail.opened"
    timestamp: datetime
    data: EngagedMail


class MailClicked(Told):
    """A click that counts."""

    type: Literal["mail.clicked"] = "mail.clicked"
    timestamp: datetime
    data: EngagedMail


class MailEngagementCorrected(Told):
    """An open or click that was told has another verdict now, or counts no more."""

    type: Literal["mail.engagement_corrected"] = "mail.engagement_corrected"
    timestamp: datetime
    data: CorrectedMail


class MailLogged(Told):
    """A mail was logged."""

    type: Literal["mail.logged"] = "mail.logged"
    timestamp: datetime
    data: LoggedMail


class MailNotLogged(Told):
    """A mail was not logged."""

    type: Literal["mail.not_logged"] = "mail.not_logged"
    timestamp: datetime
    data: DecidedMail


class TestedWebhook(Told):
    """The endpoint that was asked to be tried."""

    webhook_id: UUID


class WebhookTest(Told):
    """Somebody has pressed "send a test event"."""

    type: Literal["webhook.test"] = "webhook.test"
    timestamp: datetime
    data: TestedWebhook


MailPayload = MailSent | MailOpened | MailClicked | MailEngagementCorrected | MailLogged | MailNotLogged


class Message(Model):
    """A payload under its `webhook-id`."""

    id: UUID
    payload: MailPayload | WebhookTest = Field(discriminator="type")
