"""What a prepared mail may do: decided on the server, whatever the client says (L7, A4, P1-P3)."""

from collections.abc import Sequence
from uuid import UUID

from services.crm.model.accounts import Account, User
from services.crm.model.records import LegalBasisKind
from services.crm.rules.addresses import fold
from shared.directory.contract import Policy, PreparedMessage, UnloggedReason, UntrackedReason


def sender_is_ours(user: User | None, from_address: str) -> bool:
    """Whether the mail comes from an address of this user (L7)."""
    if user is None or user.disabled:
        return False
    return fold(from_address) in {fold(own.address) for own in user.addresses}


def decide(
    account: Account,
    asked: PreparedMessage,
    bases: Sequence[LegalBasisKind | None],
    never_logged: Sequence[UUID | None],
) -> Policy:
    """The policy for one mail. By slot, `bases`: of each recipient, None where it is no contact;
    `never_logged`: the never-log entry that covers it."""
    untracked, anonymous = _tracking(account, asked, bases)
    unlogged = _logging(account, asked, never_logged)
    return Policy(
        tracked=untracked is None,
        untracked_reason=untracked,
        logged=unlogged is None,
        unlogged_reason=unlogged,
        anonymous=anonymous,
        policy_version=account.policy_version,
        prepared_at=asked.prepared_at,
    )


def _tracking(
    account: Account, asked: PreparedMessage, bases: Sequence[LegalBasisKind | None]
) -> tuple[UntrackedReason | None, bool]:
    untracked = why_untracked(account, bases) if asked.track else "not_asked"
    # P3: one pixel serves several people, so nobody may be named
    return untracked, untracked is None and account.settings.data_privacy and len(bases) > 1


def why_untracked(account: Account, bases: Sequence[LegalBasisKind | None]) -> UntrackedReason | None:
    """Why a mail to these can't be tracked, if that is asked; None: it can."""
    if not account.settings.tracking:
        return "account_tracking_off"
    if not account.settings.data_privacy:
        return None
    eligible = any(basis is not None and basis.eligible for basis in bases)
    return None if eligible else "no_legal_basis"


def _logging(
    account: Account, asked: PreparedMessage, never_logged: Sequence[UUID | None]
) -> UnloggedReason | None:
    return why_unlogged(account, never_logged) if asked.log else "not_asked"


def why_unlogged(account: Account, never_logged: Sequence[UUID | None]) -> UnloggedReason | None:
    """Why a mail to these can't be logged, if that is asked; None: it can."""
    if not account.settings.logging:
        return "account_logging_off"
    return "recipients_never_logged" if never_logged and None not in never_logged else None
