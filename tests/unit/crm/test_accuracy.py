"""Verdicts in numbers: which cell, day and provider; and that the counts say what the verdicts say."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.crm.model.accuracy import Accuracy, DayVerdicts, Provider
from services.crm.model.engagements import Engagement
from services.crm.rules.accuracy import (
    Cell,
    Place,
    Recount,
    accuracy,
    cell_of,
    changes_of,
    days,
    grouped,
    named,
    place_of,
    read,
)
from services.crm.rules.files import MessageEvent, MessageFile, difference
from services.crm.rules.providers import BY_FAMILY, BY_RULE, MIXED, provider_of
from shared.events.engagements import EngagementJudged, Evidence, Verdict
from shared.events.evidence import SENTENCES
from shared.events.ids import derived_id
from tests.unit.crm.made import ACCOUNT, REP, all_of, clicked, judged, prepared_file, sent

pytestmark = pytest.mark.requirement("B1")
DAY = date(2026, 11, 24)


def said(*rules: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(rule=rule) for rule in rules)


def the(*events: MessageEvent) -> Engagement:
    """The one engagement that these come to."""
    (engagement,) = all_of(events).engagements.values()
    return engagement


@pytest.mark.parametrize(
    ("rules", "provider"),
    [
        (["proxies.google", "own-views.same-proxy", "timing.after-send"], Provider.GMAIL),
        (["prefetch.gmail"], Provider.GMAIL),
        (["proxies.yahoo"], Provider.YAHOO),
        (["senders.microsoft-picture"], Provider.MICROSOFT),
        (["privacy.apple-bare-agent"], Provider.APPLE_PRIVACY),
        (["own-views.through-proxy"], Provider.OWN_VIEW),
        (["repeats.open", "proxies.google"], Provider.GMAIL),
        (["default.open", "headers.without-language"], Provider.DIRECT),
        (["signs.together", "headers.without-language", "senders.data-centre"], Provider.SCANNER),
        (["bursts.links-at-once"], Provider.SCANNER),
        (["agents.declared"], Provider.ROBOT),
        (["default.open"], Provider.DIRECT),
        (["default.head-alone"], Provider.ROBOT),
        (["threads.older-message", "timing.after-send"], Provider.OTHER),
        (["a-rule-of-another-release"], Provider.OTHER),
    ],
)
def test_the_provider_is_told_by_the_rules_that_spoke(rules: list[str], provider: Provider) -> None:
    assert provider_of(said(*rules)) is provider


@pytest.mark.parametrize("rule", SENTENCES)
def test_every_rule_has_its_provider_or_none_on_purpose(rule: str) -> None:
    """A new family of rules, or a rule in a mixed one, is decided on here."""
    family = rule.partition(".")[0]
    assert rule in BY_RULE or (family in BY_FAMILY and family not in MIXED)


def test_no_rule_is_placed_that_does_not_exist() -> None:
    assert set(BY_RULE) <= set(SENTENCES)
    assert set(BY_FAMILY) | MIXED == {rule.partition(".")[0] for rule in SENTENCES}


def test_the_cell_says_what_the_engagement_says() -> None:
    human = judged("x", verdict=Verdict.PROXIED_HUMAN, evidence=said("proxies.google"))
    machine = judged("x", revision=1, verdict=Verdict.MACHINE, evidence=said("bursts.with-the-burst"))
    first, corrected = the(human), the(human, machine)
    assert cell_of(first) == Cell(
        "hit", Verdict.PROXIED_HUMAN, None, Provider.GMAIL, "proxies.google", 90, "1"
    )
    assert cell_of(corrected) == Cell(
        "hit+", Verdict.MACHINE, Verdict.PROXIED_HUMAN, Provider.SCANNER, "bursts.with-the-burst", 90, "1"
    )
    repeat = the(
        judged("x", evidence=said("repeats.open", "proxies.google"), folded_into=derived_id("test", "one"))
    )
    assert cell_of(repeat)[0:5:4] == ("repeat", "proxies.google")
    assert cell_of(the(judged("x", inferred=True))).kind == "inferred"


def test_a_day_is_a_day_of_utc() -> None:
    """The hit was at 08:59:59 of the 25th in Tokyo."""
    late = the(judged("x", 15 * 3600 - 1))
    assert place_of(late).day == "2026-11-24"
    assert place_of(the(judged("x", 15 * 3600))).day == "2026-11-25"


@given(
    st.builds(
        Cell,
        kind=st.sampled_from(["hit", "hit+", "repeat", "inferred+"]),
        verdict=st.sampled_from(Verdict),
        was=st.none() | st.sampled_from(Verdict),
        provider=st.sampled_from(Provider),
        rule=st.from_regex(r"[a-z0-9-]{1,9}(\.[a-z0-9-]{1,9}){0,2}", fullmatch=True),
        percent=st.integers(0, 100),
        ruleset_version=st.text(max_size=12),
    )
)
def test_a_cell_s_name_can_name_a_field_and_is_read_again(cell: Cell) -> None:
    name = named(cell)
    assert not set(name) & {".", "$", "\x00"}
    assert read(name) == cell


@pytest.mark.parametrize("name", ["", "hit|human", "hit|elf||gmail|x|90|1", "hit|human||pigeon|x|90|1"])
def test_a_cell_of_another_release_counts_nothing(name: str) -> None:
    assert read(name) is None
    assert accuracy([(DAY, {name: 5})], DAY, DAY, whole_account=True).hits == 0


EVENTS: list[MessageEvent] = [
    sent(),
    judged("one", evidence=said("proxies.google")),
    judged("one", evidence=said("bursts.with-the-burst"), revision=1, verdict=Verdict.MACHINE),
    judged("one", evidence=said("proxies.google"), revision=2),
    judged("two", 100_000, verdict=Verdict.MACHINE, evidence=said("agents.declared"), confidence=0.5),
    judged("two", 100_000, verdict=Verdict.HUMAN, evidence=said("default.open"), revision=1),
    judged("three", 75, verdict=Verdict.PRIVACY_PROXY, evidence=said("privacy.apple")),
    judged(
        "four", 76, evidence=said("repeats.open", "proxies.google"), folded_into=derived_id("test", "one")
    ),
    clicked(evidence=said("default.click")),
    clicked(evidence=said("senders.scanner"), revision=1, verdict=Verdict.MACHINE, ruleset_version="2"),
    judged("click", 90, inferred=True, verdict=Verdict.HUMAN, evidence=said("inferred.click")),
]
deliveries = st.permutations(EVENTS).flatmap(
    lambda order: st.lists(st.sampled_from(EVENTS), max_size=8).map(lambda again: [*order, *again])
)
Counts = dict[str, Counter[str]]


def counted_in_batches(delivery: Sequence[MessageEvent], sizes: Sequence[int]) -> Counts:
    """What the store comes to hold, by day."""
    file, standing, counts = prepared_file(), {}, Counts()
    left, cuts = list(delivery), itertools.cycle(sizes)
    while left:
        size = next(cuts)
        batch, left = left[:size], left[size:]
        before = MessageFile(file.message, file.engagements, file.decision, counted=dict(standing))
        file = all_of(batch, before)
        recounts = difference(ACCOUNT, before, file, batch).recounts
        standing |= {one.engagement_id: one.after for one in recounts}
        for (user_id, day), cells in changes_of(recounts).items():
            assert user_id == REP
            counts.setdefault(day, Counter()).update(cells)
    return counts


def by_date(counts: Mapping[str, Counter[str]]) -> list[tuple[date, Mapping[str, int]]]:
    return [(date.fromisoformat(day), cells) for day, cells in counts.items()]


def of(counts: Mapping[str, Counter[str]]) -> Accuracy:
    return accuracy(by_date(counts), DAY, DAY + timedelta(days=1), whole_account=False)


@pytest.mark.requirement("T9")
@given(deliveries, st.lists(st.integers(1, 5), min_size=1))
@settings(max_examples=60, deadline=None)
def test_any_delivery_is_counted_alike(delivery: list[MessageEvent], sizes: list[int]) -> None:
    """Duplicates, any order, any batches: each engagement stands in one cell, the one of its last verdict.

    That it was told as something else first is known whichever came first.
    """
    assert of(counted_in_batches(delivery, sizes)) == of(counted_in_batches(EVENTS, [len(EVENTS)]))


def test_the_numbers_of_a_mail() -> None:
    found = of(counted_in_batches(EVENTS, [2]))
    assert (found.hits, found.repeats, found.inferred) == (5, 1, 1)
    assert found.verdicts == {
        Verdict.HUMAN: 1,
        Verdict.PROXIED_HUMAN: 2,
        Verdict.PRIVACY_PROXY: 1,
        Verdict.MACHINE: 1,
    }
    assert [sum(day.verdicts.values()) for day in found.days] == [4, 1]
    assert [(one.provider, one.hits) for one in found.providers] == [
        (Provider.GMAIL, 2),
        (Provider.APPLE_PRIVACY, 1),
        (Provider.DIRECT, 1),
        (Provider.SCANNER, 1),
    ]
    assert found.providers[0].verdicts == {Verdict.PROXIED_HUMAN: 2}
    assert [(one.rule, one.hits) for one in found.rules] == [
        ("proxies.google", 2),
        ("default.open", 1),
        ("privacy.apple", 1),
        ("senders.scanner", 1),
    ]
    assert [(one.version, one.hits) for one in found.rulesets] == [("1", 4), ("2", 1)]
    wrong = found.corrections
    assert (wrong.revised, wrong.changed, wrong.taken_back, wrong.found_after) == (3, 2, 1, 1)
    assert {(one.was, one.now, one.hits) for one in wrong.changes} == {
        (Verdict.HUMAN, Verdict.MACHINE, 1),
        (Verdict.MACHINE, Verdict.HUMAN, 1),
    }


def test_a_correction_leaves_the_place_that_was_written_down() -> None:
    """Whatever an earlier release counted it as: its own table of providers may have been another."""
    then = Place(REP, "2026-11-23", "of an earlier release")
    (now,) = (place_of(the(judged("x"))),)
    changes = changes_of([Recount(derived_id("test", "x"), then, now)])
    assert changes == {(REP, "2026-11-23"): {then.cell: -1}, (REP, "2026-11-24"): {now.cell: 1}}
    assert changes_of([Recount(derived_id("test", "x"), now, now)]) == {}


def test_confidence_is_the_mean() -> None:
    names = [
        named(cell_of(the(judged("x", evidence=said("default.open"), confidence=sure))))
        for sure in (0.6, 0.9)
    ]
    (rule,) = accuracy([(DAY, {names[0]: 2, names[1]: 1})], DAY, DAY, whole_account=False).rules
    assert (rule.hits, rule.confidence) == (3, 0.7)


def test_shares_of_a_day_are_added_before_anything_is_left_out() -> None:
    """What one process counted, another may have taken away."""
    name = named(cell_of(the(judged("x"))))
    parts: list[tuple[date, Mapping[str, int]]] = [(DAY, {name: 3}), (DAY, {name: -2}), (DAY, {})]
    assert accuracy(parts, DAY, DAY, whole_account=False).hits == 1
    outside: list[tuple[date, Mapping[str, int]]] = [(DAY - timedelta(days=1), {name: 3})]
    assert accuracy(outside, DAY, DAY, whole_account=False).hits == 0


def test_less_than_none_is_none() -> None:
    name = named(cell_of(the(judged("x"))))
    found = accuracy([(DAY, {name: -2})], DAY, DAY, whole_account=False)
    assert (found.hits, found.verdicts, found.providers) == (0, {}, ())
    assert found.days[0].verdicts == {}


def test_only_what_counted_is_taken_back() -> None:
    """A privacy proxy that turns out to be a machine was never told as an open."""
    told = {
        (Verdict.PRIVACY_PROXY, Verdict.MACHINE): 8,
        (Verdict.HUMAN, Verdict.SELF): 4,
        (Verdict.HUMAN, Verdict.PROXIED_HUMAN): 2,
        (Verdict.MACHINE, Verdict.HUMAN): 1,
    }
    cells = {
        named(Cell("hit+", now, was, Provider.OTHER, "x", 90, "1")): hits for (was, now), hits in told.items()
    }
    wrong = accuracy([(DAY, cells)], DAY, DAY, whole_account=False).corrections
    assert (wrong.changed, wrong.taken_back, wrong.found_after) == (15, 4, 1)
    assert [one.hits for one in wrong.changes] == [8, 4, 2, 1]


def test_days_side_by_side_end_with_the_last() -> None:
    ten = [DayVerdicts(day=day, verdicts={Verdict.HUMAN: 1}) for day in days(DAY, DAY + timedelta(days=9))]
    spans = grouped(ten, 7)
    assert [(span.first.day, span.last.day, span.verdicts) for span in spans] == [
        (24, 26, {Verdict.HUMAN: 3}),
        (27, 3, {Verdict.HUMAN: 7}),
    ]
    assert [span.first for span in grouped(ten, 1)] == days(DAY, DAY + timedelta(days=9))
    assert grouped([], 7) == []


def test_an_earlier_word_on_a_hit_is_kept_whichever_came_first() -> None:
    """The lowest revision's; none where it was the same, or where only one came."""
    human: EngagementJudged = judged("x")
    machine, again = (judged("x", revision=number, verdict=Verdict.MACHINE) for number in (1, 2))
    for order in itertools.permutations([human, machine, again]):
        assert the(*order).was is Verdict.PROXIED_HUMAN
    assert the(machine, again).was is None
    assert the(human).was is None
