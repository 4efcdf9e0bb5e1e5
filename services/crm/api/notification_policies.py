"""What of your mail comes up on your screens, and what is only counted (B8)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StrictBool

from services.crm.api.dependencies import Crm, Who, problems
from services.crm.api.record_routes import Asked
from services.crm.model.base import Model
from services.crm.model.notification_policies import MutedContact, NotificationPolicy
from services.crm.rules.notification_policies import TIME_OF_DAY, minute_of, time_of
from shared.events.notification_policies import MOST_DAYS, MOST_QUIET_HOURS, OpensWanted, QuietHours
from shared.http.problems import CONFLICT, INVALID, MALFORMED, NOT_FOUND, TOO_LARGE

router = APIRouter(prefix="/v1/notifications", tags=["notifications"])


def _each_once(days: list[int]) -> list[int]:
    return sorted(set(days))


TimeOfDay = Annotated[str, Field(pattern=TIME_OF_DAY, examples=["19:00"])]
Days = Annotated[
    list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7), AfterValidator(_each_once)
]


class QuietSpan(Asked):
    """From one time of day to another on the clocks of your profile's time zone. An end that is not after the
    beginning is on the next day; the same time: a whole day."""

    days: Days = Field(description="on which it begins; 1: Monday … 7: Sunday")
    begin: TimeOfDay
    end: TimeOfDay


class Policy(Asked):
    """`opens`: one pop-up for every reading, for the first of a mail alone, or for the first and for each
    that comes `pause_days` or more after the one before."""

    opens: OpensWanted = OpensWanted.EVERY
    pause_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 7
    clicks: StrictBool = True
    quiet_hours: Annotated[tuple[QuietSpan, ...], Field(max_length=MOST_QUIET_HOURS)] = ()


class MutedContacts(Model):
    """By name."""

    contacts: tuple[MutedContact, ...]


@router.get("/policy", responses=problems())
async def policy(crm: Crm, who: Who) -> Policy:
    """Which notifications come up. Feed and badge show all of them."""
    return shown_policy(await crm.notification_policies.get(who))


@router.put("/policy", responses=problems(INVALID, MALFORMED, TOO_LARGE))
async def change(crm: Crm, who: Who, asked: Policy) -> Policy:
    """Change it for all of your screens; it acts within a second."""
    return shown_policy(await crm.notification_policies.change(who, read_policy(asked)))


@router.put("/muted-mails/{message_id}", status_code=204, responses=problems(NOT_FOUND, INVALID))
async def mute_mail(crm: Crm, who: Who, message_id: UUID) -> None:
    """No pop-ups about this mail of yours any more."""
    await crm.mutes.mute_mail(who, message_id, muted=True)


@router.delete("/muted-mails/{message_id}", status_code=204, responses=problems(NOT_FOUND, INVALID))
async def unmute_mail(crm: Crm, who: Who, message_id: UUID) -> None:
    """Pop-ups about this mail come up again."""
    await crm.mutes.mute_mail(who, message_id, muted=False)


@router.get("/muted-contacts", responses=problems())
async def muted_contacts(crm: Crm, who: Who) -> MutedContacts:
    """Contacts whose opens and clicks raise no pop-ups for you."""
    return MutedContacts(contacts=await crm.mutes.contacts(who))


@router.put("/muted-contacts/{id}", status_code=204, responses=problems(NOT_FOUND, CONFLICT, INVALID))
async def mute_contact(crm: Crm, who: Who, id: UUID) -> None:  # noqa: A002 - the name in the address
    """No pop-ups about your mail to this contact, sent or still to come. One that may have been somebody
    else's open comes up."""
    await crm.mutes.mute_contact(who, id, muted=True)


@router.delete("/muted-contacts/{id}", status_code=204, responses=problems(NOT_FOUND, INVALID))
async def unmute_contact(crm: Crm, who: Who, id: UUID) -> None:  # noqa: A002
    """Pop-ups about this contact come up again."""
    await crm.mutes.mute_contact(who, id, muted=False)


def read_policy(asked: Policy) -> NotificationPolicy:
    """The policy of a request; its version is not the client's to say."""
    spans = (
        QuietHours(days=tuple(one.days), begin=minute_of(one.begin), end=minute_of(one.end))
        for one in asked.quiet_hours
    )
    return NotificationPolicy(
        opens=asked.opens, pause_days=asked.pause_days, clicks=asked.clicks, quiet_hours=tuple(spans)
    )


def shown_policy(policy: NotificationPolicy) -> Policy:
    """As clients read it."""
    spans = (
        QuietSpan(days=list(one.days), begin=time_of(one.begin), end=time_of(one.end))
        for one in policy.quiet_hours
    )
    return Policy(
        opens=policy.opens, pause_days=policy.pause_days, clicks=policy.clicks, quiet_hours=tuple(spans)
    )
