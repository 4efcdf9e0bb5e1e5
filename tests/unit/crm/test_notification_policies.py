"""Policies and mutes as what is published of them (B8)."""

from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.model.messages import Message
from services.crm.model.notification_policies import MailMute, NotificationPolicy
from services.crm.rules.notification_policies import (
    by_hand,
    contacts_of,
    minute_of,
    mute_event,
    policy_event,
    time_of,
    with_contacts,
)
from shared.events.ids import derived_id
from shared.events.notification_policies import OpensWanted, QuietHours
from tests.unit.crm.made import ACCOUNT, HANAKO, LIAM, MAIL, REP, T0, a_draft, a_user

pytestmark = pytest.mark.requirement("B8")
NOT_MUTED = MailMute(id=MAIL, user_id=REP)


def mail(*contacts: UUID | None) -> Message:
    one = a_draft().recipients[0]
    recipients = tuple(
        one.model_copy(update={"slot": slot, "contact_id": contact}) for slot, contact in enumerate(contacts)
    )
    return Message(id=MAIL, user_id=REP, draft=a_draft().model_copy(update={"recipients": recipients}))


@pytest.mark.parametrize(
    ("contacts", "muted", "slots", "everybody"),
    [
        ((HANAKO,), {HANAKO}, (0,), True),
        ((HANAKO,), {LIAM}, (), False),
        ((HANAKO, LIAM), {LIAM}, (1,), False),
        ((HANAKO, LIAM), {LIAM, HANAKO}, (0, 1), True),
        ((HANAKO, None), {HANAKO}, (0,), False),  # somebody whom the CRM does not know
        ((), {HANAKO}, (), False),
    ],
)
def test_a_muted_contact_mutes_its_places(
    contacts: tuple[UUID | None, ...], muted: set[UUID], slots: tuple[int, ...], everybody: bool
) -> None:
    mute = with_contacts(NOT_MUTED, mail(*contacts), muted)
    assert (mute.slots, mute.everybody, mute.muted) == (slots, everybody, everybody)
    assert contacts_of(mail(*contacts)) == set(contacts) - {None}


def test_a_mail_that_is_known_from_its_events_alone_has_nobody_to_mute() -> None:
    assert with_contacts(NOT_MUTED, Message(id=MAIL, user_id=REP), {HANAKO}) is NOT_MUTED


@given(st.lists(st.sampled_from(["hand", "no hand", "nobody", "hanako", "both"]), max_size=8))
def test_each_state_has_a_version_and_an_event_of_its_own_and_no_news_has_none(steps: list[str]) -> None:
    mutes = [NOT_MUTED]
    for step in steps:
        if "hand" in step:
            after = by_hand(mutes[-1], muted=step == "hand")
        else:
            muted = {"nobody": set(), "hanako": {HANAKO}, "both": {HANAKO, LIAM}}[step]
            after = with_contacts(mutes[-1], mail(HANAKO, LIAM), muted)
        mutes.append(after)
    for before, after in pairwise(mutes):
        assert (after.version - before.version) == (0 if after == before else 1)
    versions = [mute for mute in {mute.version: mute for mute in mutes}.values() if mute.version]
    assert len({mute_event(ACCOUNT, mute, T0).event_id for mute in versions}) == len(versions)


def test_what_was_muted_by_hand_stays_so_when_its_contacts_are_not_muted_any_more() -> None:
    mute = with_contacts(by_hand(NOT_MUTED, muted=True), mail(HANAKO), {HANAKO})
    assert with_contacts(mute, mail(HANAKO), set()).muted
    assert not by_hand(with_contacts(mute, mail(HANAKO), set()), muted=False).muted


def test_a_policy_is_published_whole_with_the_zone_of_the_user_s_clocks() -> None:
    policy = NotificationPolicy(
        opens=OpensWanted.AFTER_PAUSE,
        pause_days=3,
        clicks=False,
        quiet_hours=(QuietHours(days=(6, 7), begin=0, end=0),),
        version=5,
    )
    event = policy_event(a_user(time_zone="Asia/Tokyo"), policy, T0)
    assert event.event_id == derived_id("notification-policy-changed", REP, 5)
    assert event.model_dump(include=set(NotificationPolicy.model_fields)) == policy.model_dump()
    assert (event.time_zone, event.user_id, event.key()) == ("Asia/Tokyo", REP, str(REP))


@pytest.mark.parametrize(("typed", "minute"), [("00:00", 0), ("08:30", 510), ("23:59", 1439)])
def test_times_of_day(typed: str, minute: int) -> None:
    assert minute_of(typed) == minute
    assert time_of(minute) == typed


@pytest.mark.parametrize("typed", ["24:00", "8:30", "08:60", "", "08:30\n", "0830", "०८:३०"])
def test_what_is_no_time_of_day(typed: str) -> None:
    with pytest.raises(ValueError, match="no time of day"):
        minute_of(typed)
