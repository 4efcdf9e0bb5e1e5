"""What a prepared mail may do."""

from uuid import UUID

import pytest

from services.crm.model.records import LegalBasisKind
from services.crm.rules.policy import decide, sender_is_ours
from shared.events.ids import derived_id
from tests.unit.crm.made import a_user, an_account, asked

ENTRY = derived_id("test", "never-log entry")
CUSTOMER, NONE = LegalBasisKind.LEGITIMATE_INTEREST_CUSTOMER, LegalBasisKind.NONE


@pytest.mark.requirement("L7")
@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("rep@kaifu.example", True),
        ("REP@KAIFU.EXAMPLE", True),
        ("Sales@kaifu.example", True),
        ("rep+x@kaifu.example", False),
        ("rep@kaifu.example.evil", False),
        ("", False),
    ],
)
def test_only_own_addresses_send(address: str, ours: bool) -> None:
    """The case of an address does not count; everything else does."""
    assert sender_is_ours(a_user(), address) is ours


@pytest.mark.requirement("L7")
def test_a_user_who_is_gone_sends_nothing() -> None:
    """Nobody, or a disabled user, has no addresses of ours."""
    assert not sender_is_ours(None, "rep@kaifu.example")
    assert not sender_is_ours(a_user(disabled=True), "rep@kaifu.example")


@pytest.mark.requirement("A4")
def test_account_tracking_off_is_the_reason() -> None:
    """Off for the account: whatever the box says."""
    policy = decide(an_account(tracking=False), asked(), [CUSTOMER], [None])
    assert (policy.tracked, policy.untracked_reason) == (False, "account_tracking_off")


def test_unticked_boxes_are_the_rep_s_choice() -> None:
    """Neither tracked nor logged, with the reason."""
    policy = decide(an_account(), asked(track=False, log=False), [CUSTOMER], [ENTRY])
    assert (policy.tracked, policy.untracked_reason) == (False, "not_asked")
    assert (policy.logged, policy.unlogged_reason) == (False, "not_asked")


def test_account_logging_off_is_the_reason() -> None:
    """Off for the account, tracking as before."""
    policy = decide(an_account(logging=False), asked(), [CUSTOMER], [ENTRY])
    assert (policy.logged, policy.unlogged_reason, policy.tracked) == (False, "account_logging_off", True)


@pytest.mark.requirement("L8")
@pytest.mark.parametrize(
    ("never_logged", "reason"),
    [([ENTRY], "recipients_never_logged"), ([ENTRY, None], None), ([None], None), ([], None)],
)
def test_a_mail_to_listed_people_alone_is_not_logged_and_still_tracked(
    never_logged: list[UUID | None], reason: str | None
) -> None:
    """Beside another recipient it is; the rep's own feed shows the opens in any case."""
    policy = decide(an_account(), asked(), [CUSTOMER], never_logged)
    assert (policy.logged, policy.unlogged_reason, policy.tracked) == (reason is None, reason, True)


@pytest.mark.requirement("P1", "P2", "P3")
@pytest.mark.parametrize(
    ("bases", "tracked", "anonymous"),
    [
        ([CUSTOMER], True, False),
        ([NONE], False, False),
        ([None], False, False),
        ([], False, False),
        ([NONE, None], False, False),
        ([CUSTOMER, None], True, True),
        ([CUSTOMER, CUSTOMER], True, True),
    ],
)
def test_data_privacy(bases: list[LegalBasisKind | None], tracked: bool, anonymous: bool) -> None:
    """One recipient needs a basis; of several one must have it, and nobody may be named."""
    policy = decide(an_account(data_privacy=True), asked(), bases, [None] * len(bases))
    assert (policy.tracked, policy.anonymous) == (tracked, anonymous)
    assert policy.untracked_reason == (None if tracked else "no_legal_basis")


@pytest.mark.requirement("P4")
def test_all_bases_but_the_first_are_eligible() -> None:
    """`not applicable` is a statement too."""
    assert [kind for kind in LegalBasisKind if not kind.eligible] == [LegalBasisKind.NONE]


def test_without_data_privacy_nobody_is_asked_for_a_basis() -> None:
    """And nobody is hidden."""
    policy = decide(an_account(), asked(), [None, NONE], [None, None])
    assert (policy.tracked, policy.anonymous) == (True, False)
