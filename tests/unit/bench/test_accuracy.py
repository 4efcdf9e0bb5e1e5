"""The engagements that the Accuracy page is measured with, and what is made of the milliseconds."""

from collections import Counter
from datetime import date
from uuid import uuid4

from bench.accuracy import Asked, Round, engagements_of, figures
from services.crm.model.engagements import Engagement
from services.crm.rules.accuracy import accuracy, changes_of, place_of
from services.crm.store.accuracy import counted_place
from services.crm.store.documents import value
from shared.events.engagements import Verdict

DAY = date(2026, 11, 24)


def test_engagements_are_as_crm_writes_them_and_stand_where_they_are_counted() -> None:
    users = [uuid4() for _ in range(4)]
    kept = list(engagements_of(DAY, users, 400))
    assert len({id_ for id_, *_ in kept}) == 400
    for id_, one, recount in kept:
        read = value(Engagement, {key: of for key, of in {**one, "_id": id_}.items() if key != "counted"})
        assert recount == (read.id, None, place_of(read))
        assert counted_place(one) == recount.after
    assert Counter(one["user_id"] for _, one, _ in kept) == dict.fromkeys(users, 100)


def test_their_counts_have_all_of_them_with_every_verdict() -> None:
    """Else the page has less to add up than it says."""
    changes = changes_of(recount for *_, recount in engagements_of(DAY, [uuid4()], 2000))
    found = accuracy([(DAY, cells) for cells in changes.values()], DAY, DAY, whole_account=True)
    assert found.hits + found.inferred == 2000
    assert set(found.verdicts) == set(Verdict)


def test_the_whole_account_is_compared_with_one_reps_mail() -> None:
    rounds = [
        Round(Asked([10.0], [5.0]), Asked([40.0], [40.0])),
        Round(Asked([30.0], [10.0]), Asked([20.0], [10.0])),
    ]
    page, api, rows = figures(rounds, 5_000, "of a test")
    assert (page.name, page.value, page.reference) == ("accuracy_page_p99_ms", 20.0, 7.5)
    assert (page.ratio, page.low, page.high) == (2.5, 2.0, 3.0)
    assert (api.name, api.value, api.low, api.high) == ("accuracy_api_p99_ms", 30.0, 1.0, 2.0)
    assert (rows.value, rows.reference, rows.ratio) == (5_000, 1_000_000, 0.005)
    assert all("of a test" in one.note for one in (page, api, rows))
