"""What is revoked, as a fold of its events."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.ingest.revoked import Revoked
from shared.events.ids import new_id
from shared.events.revocations import RevocationScope, TrackingRestored, TrackingRevoked
from tests.unit.ingest.builders import ACCOUNT, MESSAGE

_OTHER = UUID(int=7)


def _revoke(scope: RevocationScope, subject: UUID) -> TrackingRevoked:
    return TrackingRevoked(
        event_id=new_id(),
        occurred_at=datetime.now(UTC),
        account_id=ACCOUNT,
        scope=scope,
        subject_id=subject,
        reason="legal_basis_withdrawn",
    )


def _covers(revoked: Revoked, account: UUID, message: UUID) -> bool:
    return revoked.covers(str(account).encode(), str(message).encode())


def _restore(scope: RevocationScope, subject: UUID) -> TrackingRestored:
    return TrackingRestored(
        event_id=new_id(), occurred_at=datetime.now(UTC), account_id=ACCOUNT, scope=scope, subject_id=subject
    )


@pytest.mark.requirement("P4")
def test_a_message_is_revoked_and_restored_alone() -> None:
    revoked = Revoked()
    revoked.apply(_revoke(RevocationScope.MESSAGE, MESSAGE))
    assert _covers(revoked, ACCOUNT, MESSAGE)
    assert not _covers(revoked, ACCOUNT, _OTHER)
    revoked.apply(_restore(RevocationScope.MESSAGE, MESSAGE))
    assert not _covers(revoked, ACCOUNT, MESSAGE)


@pytest.mark.requirement("A4")
def test_an_account_covers_all_its_messages_and_no_other_account() -> None:
    revoked = Revoked()
    revoked.apply(_revoke(RevocationScope.ACCOUNT, ACCOUNT))
    assert _covers(revoked, ACCOUNT, MESSAGE)
    assert _covers(revoked, ACCOUNT, _OTHER)
    assert not _covers(revoked, _OTHER, MESSAGE)


@pytest.mark.requirement("A4")
def test_lifting_the_account_leaves_a_revoked_message_revoked() -> None:
    revoked = Revoked()
    revoked.apply(_revoke(RevocationScope.MESSAGE, MESSAGE))
    revoked.apply(_revoke(RevocationScope.ACCOUNT, ACCOUNT))
    revoked.apply(_restore(RevocationScope.ACCOUNT, ACCOUNT))
    assert _covers(revoked, ACCOUNT, MESSAGE)
    assert not _covers(revoked, ACCOUNT, _OTHER)
