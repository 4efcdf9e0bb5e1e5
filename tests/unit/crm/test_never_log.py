"""What an entry of the never-log list covers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.model.never_log import NeverLogEntry
from services.crm.rules.never_log import NeverLogList, NotAPattern, canonical, readable
from shared.events.ids import derived_id
from tests.unit.crm.made import REP, T0


def listed(*typed: str) -> NeverLogList:
    return NeverLogList(
        NeverLogEntry(
            id=derived_id("test", canonical(one)), pattern=canonical(one), added_at=T0, added_by=REP
        )
        for one in typed
    )


def covers(typed: str, address: str) -> bool:
    return listed(typed).covering(address) is not None


@pytest.mark.requirement("L8")
@pytest.mark.parametrize(
    ("typed", "address", "covered"),
    [
        ("example.com", "a@example.com", True),
        ("@example.com", "a@example.com", True),
        ("EXAMPLE.com", "A@Example.COM", True),
        ("example.com", "a@mail.example.com", False),
        ("example.com", "a@notexample.com", False),
        ("example.com", "a@example.com.evil.example", False),
        ("*.example.com", "a@mail.example.com", True),
        ("*.example.com", "a@a.b.example.com", True),
        ("@*.example.com", "a@mail.example.com", True),
        ("*.example.com", "a@example.com", False),
        ("*.example.com", "a@notexample.com", False),
        ("a@example.com", "a@example.com", True),
        ("A@Example.com", "a@EXAMPLE.com", True),
        ("a@example.com", "a+tag@example.com", True),
        ("a@example.com", "a+tag+more@example.com", True),
        ("a@example.com", "ab@example.com", False),
        ("a@example.com", "a.b@example.com", False),
        ("a.b@example.com", "ab@example.com", False),
        ("a@example.com", "a@mail.example.com", False),
        ("a+tag@example.com", "a@example.com", False),
        ("a+tag@example.com", "a+tag@example.com", True),
        ("日本.example", "花子@日本.EXAMPLE", True),
        ("日本.example", "a@xn--wgv71a.example", True),
        ("xn--wgv71a.example", "a@日本.example", True),
        ("*.日本.example", "a@x.日本.example", True),
        ("straße.example", "a@strasse.example", False),
        ("ｅｘａｍｐｌｅ.com", "a@example.com", True),
        ("paypal.com", "a@pаypal.com", False),  # a homograph: its second letter is Cyrillic
        ("example.com", "a@example.com.", True),
        ("a@example.com", "a@example.com。", True),
        ("example.com.", "a@example.com", True),
        ("*.example.com", "a@mail.example.com.", True),
        ("example.com", "not an address", False),
        ("example.com", "", False),
        ("example.com", "@", False),
        ("example.com", "a@b@example.com", True),
    ],
)
def test_an_entry_covers_what_it_says_and_nothing_else(typed: str, address: str, covered: bool) -> None:
    assert covers(typed, address) is covered


@pytest.mark.requirement("L8")
@pytest.mark.parametrize(
    "typed",
    [
        *("", "   ", "com", "a@com", "*", "*.com", "a b@example.com", "a@b, c@d.example", "ex ample.com"),
        *("example..com", "-a.example", "<a@example.com>", f"{'x' * 310}@example.com", "a@*.example.com"),
    ],
)
def test_what_is_neither_an_address_nor_a_domain_is_refused_with_advice(typed: str) -> None:
    with pytest.raises(NotAPattern, match=r"write|at most"):
        canonical(typed)


@pytest.mark.requirement("L8")
def test_of_several_entries_the_narrowest_is_named() -> None:
    entries = listed("*.example.com", "mail.example.com", "a@mail.example.com", "a+x@mail.example.com")

    def named(address: str) -> object:
        return entries.covering(address)

    assert named("a+x@mail.example.com") == derived_id("test", "a+x@mail.example.com")
    assert named("a+y@mail.example.com") == derived_id("test", "a@mail.example.com")
    assert named("b@mail.example.com") == derived_id("test", "mail.example.com")
    assert named("b@x.mail.example.com") == derived_id("test", "*.example.com")
    assert named("b@example.com") is None


@pytest.mark.requirement("L8", "B10")
def test_an_entry_is_read_in_its_own_script() -> None:
    for typed in ("日本.example", "*.日本.example", "花子@日本.example", "example.com"):
        assert canonical(typed).rpartition("@")[2].isascii()
        assert readable(canonical(typed)) == typed


LABEL = st.from_regex(r"[a-z]([a-z0-9]{0,5}[a-z0-9])?", fullmatch=True)


@given(st.lists(LABEL, min_size=2, max_size=5), LABEL, st.lists(LABEL, max_size=3))
@pytest.mark.requirement("L8")
def test_an_address_is_covered_by_its_own_domain_its_parents_wildcards_and_its_untagged_self(
    labels: list[str], local: str, tags: list[str]
) -> None:
    """And each such entry alone covers it; none of the domain's own wildcard does."""
    domain = ".".join(labels)
    address = "+".join([local, *tags]) + "@" + domain
    assert covers(domain, address)
    assert covers(f"{local}@{domain}", address)
    for start in range(1, len(labels) - 1):
        assert covers("*." + ".".join(labels[start:]), address)
    assert not covers(f"*.{domain}", address)
    assert not covers(f"x{local}@{domain}", address)


@given(st.text(max_size=40), st.text(max_size=40))
@pytest.mark.requirement("L8")
def test_whatever_is_typed_or_sent_is_answered(typed: str, address: str) -> None:
    try:
        entries = listed(typed)
    except NotAPattern:
        return
    entries.covering(address)
    pattern = canonical(typed)
    assert canonical(pattern) == pattern
