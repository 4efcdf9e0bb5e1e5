"""Mail that is already sent and the legal bases of its recipients."""

from itertools import product
from uuid import UUID

import pytest

from services.crm.model.accounts import Account
from services.crm.model.messages import Message
from services.crm.rules.privacy import may_be_tracked, revocations
from shared.events.ids import derived_id
from shared.events.revocations import RevocationEvent, RevocationScope, TrackingRestored, TrackingRevoked
from tests.unit.crm.made import ACCOUNT, HANAKO, LIAM, MAIL, T0, a_draft, a_message, an_account, at

CAUSE = (derived_id("test", "review"), at(100))


def to_one() -> Message:
    only = a_draft().recipients[:1]
    return a_message(recipients=only)


def said(
    account: Account, message: Message, eligible: set[UUID], last: RevocationEvent | None = None
) -> list:  # type: ignore[type-arg]
    known = {} if last is None else {message.id: last}
    return list(revocations(account, [message], eligible, known, CAUSE))


def revoked(reason: str) -> TrackingRevoked:
    return TrackingRevoked(
        event_id=derived_id("test", reason),
        occurred_at=T0,
        account_id=ACCOUNT,
        scope=RevocationScope.MESSAGE,
        subject_id=MAIL,
        reason=reason,  # type: ignore[arg-type]
    )


@pytest.mark.requirement("P1", "P3", "P4")
@pytest.mark.parametrize(
    ("message", "eligible", "allowed"),
    [
        (to_one(), {HANAKO}, True),
        (to_one(), {LIAM}, False),
        (to_one(), set(), False),
        (a_message(), {HANAKO, LIAM}, True),
        (a_message(), {HANAKO}, False),  # it would name Liam, who has no basis
        (a_message(anonymous=True), {HANAKO}, True),
        (a_message(anonymous=True), set(), False),
        (a_message(recipients=()), {HANAKO}, False),
    ],
)
def test_while_data_privacy_is_on_hits_are_recorded_only_for_a_basis(
    message: Message, eligible: set[UUID], allowed: bool
) -> None:
    """Off, for everybody."""
    assert may_be_tracked(an_account(data_privacy=True), message, eligible) is allowed
    assert may_be_tracked(an_account(), message, eligible)


@pytest.mark.requirement("P4")
def test_a_withdrawal_is_said_once_and_lifted_when_there_is_a_basis_again() -> None:
    on = an_account(data_privacy=True)
    (event,) = said(on, to_one(), set())
    assert isinstance(event, TrackingRevoked)
    assert (event.subject_id, event.reason, event.occurred_at) == (MAIL, "legal_basis_withdrawn", at(100))
    assert said(on, to_one(), set(), event) == []
    (lifted,) = said(on, to_one(), {HANAKO}, event)
    assert isinstance(lifted, TrackingRestored)
    assert said(on, to_one(), {HANAKO}, lifted) == []
    assert said(on, to_one(), {HANAKO}) == []
    assert [one.type for one in said(an_account(), to_one(), set(), event)] == ["tracking_restored"]


@pytest.mark.requirement("P4", "P5")
@pytest.mark.parametrize(("reason", "on"), list(product(["message_deleted", "erased"], [True, False])))
def test_what_was_revoked_for_another_reason_stays_so(reason: str, on: bool) -> None:
    account = an_account(data_privacy=on)
    for eligible in (set[UUID](), {HANAKO}):
        assert said(account, to_one(), eligible, revoked(reason)) == []


def test_repeating_a_review_says_the_same() -> None:
    """Its events have the same ids, so that a transaction that is done again adds nothing."""
    on = an_account(data_privacy=True)
    assert said(on, to_one(), set()) == said(on, to_one(), set())
