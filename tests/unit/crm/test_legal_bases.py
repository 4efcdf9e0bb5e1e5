"""What a change of a legal basis is (P4)."""

import pytest

from services.crm.model.records import LegalBasis, LegalBasisKind
from services.crm.rules.legal_bases import change_of, rebased
from shared.events.ids import new_id
from tests.unit.crm.made import REP, at

pytestmark = pytest.mark.requirement("P4")
CONSENT = LegalBasis(kind=LegalBasisKind.FREELY_GIVEN_CONSENT, source="form", since=at(0))


@pytest.mark.parametrize(
    "asked",
    [
        LegalBasis(kind=LegalBasisKind.NONE, source="form"),
        LegalBasis(kind=LegalBasisKind.FREELY_GIVEN_CONSENT, source="call"),
        LegalBasis(),
    ],
)
def test_another_kind_or_source_is_a_change_of_its_moment(asked: LegalBasis) -> None:
    after = rebased(CONSENT, asked, at(9))
    assert after == asked.model_copy(update={"since": at(9)})
    change = change_of(CONSENT, after, REP, new_id(), at(9))
    assert change is not None
    assert (change.kind, change.source, change.since, change.user_id) == (
        asked.kind,
        asked.source,
        at(9),
        REP,
    )


def test_the_same_again_keeps_its_date_and_leaves_no_trace() -> None:
    """A form sends what it was filled with: that must not make an old consent young."""
    again = LegalBasis(kind=CONSENT.kind, source=CONSENT.source)
    after = rebased(CONSENT, again, at(9))
    assert after == CONSENT
    assert change_of(CONSENT, after, REP, new_id(), at(9)) is None
    assert change_of(LegalBasis(), rebased(LegalBasis(), LegalBasis(), at(1)), None, new_id(), at(1)) is None
