"""Whose network an address belongs to, and how the data file is rebuilt."""

import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from services.tracker.network_commands import networks
from services.tracker.network_sources import gather, merged
from services.tracker.rules.networks import FAMILIES, SCANNERS, Ranges, network_of, number_of

DATA = Path("services/tracker/rules/data/networks.json")


@pytest.mark.parametrize(
    ("address", "family"),
    [
        ("66.249.84.10", "google"),
        ("34.64.0.1", "google-cloud"),
        ("17.1.2.3", "apple"),
        ("172.224.226.1", "apple-privacy"),
        ("2a02:26f7:b00a:4000::1", "apple-privacy"),
        ("104.28.28.5", "apple-privacy"),
        ("52.96.0.1", "microsoft-mail"),
        ("2603:1026:0::1", "microsoft-mail"),
        ("20.40.0.1", "microsoft"),
        ("98.136.96.1", "yahoo"),
        ("148.163.128.1", "proofpoint"),
        ("205.139.110.1", "mimecast"),
        ("64.235.144.1", "barracuda"),
        ("209.222.82.1", "barracuda"),  # announced by Amazon
        ("68.232.128.1", "cisco-mail"),
        ("216.104.0.1", "trendmicro"),
        ("85.115.52.1", "forcepoint"),
        ("52.0.0.1", "hosting"),
        ("159.69.1.1", "hosting"),
        ("2a01:4f8::1", "hosting"),
    ],
)
def test_a_known_address_is_its_owner_s(address: str, family: str) -> None:
    assert network_of(address) == family


@pytest.mark.parametrize(
    "address", ["126.10.20.30", "73.10.20.30", "2400:4050::1", "192.168.1.1", "::1", "nonsense", "", "1.2.3"]
)
def test_nobody_listed_and_no_address_are_none(address: str) -> None:
    assert network_of(address) is None


def test_a_mapped_address_is_the_same_address() -> None:
    assert network_of("::ffff:66.249.84.10") == "google"
    assert number_of("::ffff:66.249.84.10") == number_of("66.249.84.10")


def test_the_first_family_that_lists_it_is_answered() -> None:
    listed = json.loads(DATA.read_text())["families"]
    mail = ip_address("52.96.0.1")
    assert any(mail in ip_network(text) for text in listed["microsoft"]["ranges"] if ":" not in text)
    assert FAMILIES.index("microsoft-mail") < FAMILIES.index("microsoft")


def test_every_family_says_where_it_is_from() -> None:
    data = json.loads(DATA.read_text())
    assert set(data["families"]) | {"google"} == set(FAMILIES)
    assert set(FAMILIES) >= SCANNERS
    assert DATA.stat().st_size < 1_500_000
    for family in data["families"].values():
        assert family["ranges"]
        assert family["origin"]
        assert family["licence"]
        assert family["date"] <= data["version"]


FOURS = st.builds(
    lambda number, bits: ip_network((number >> bits << bits, 32 - bits)),
    st.integers(0, 127),
    st.integers(0, 6),
)
SIXES = st.builds(
    lambda number, bits: ip_network(((0xFFFF << 32) + (number >> bits << bits) + 128, 128 - bits)),
    st.integers(0, 127),
    st.integers(0, 6),
)


@given(st.lists(FOURS | SIXES, max_size=12))
def test_the_look_up_agrees_with_a_scan(listed: list) -> None:
    """Also across what an IPv6 list says of mapped addresses."""
    whole, kept = Ranges(map(str, listed)), Ranges(merged("google", listed))
    for number in range(256):
        mapped = ip_address((0xFFFF << 32) + number)
        wanted = any(
            (ip_address(number) if network.version == 4 else mapped) in network for network in listed
        )
        assert (number_of(str(mapped)) in whole) == (number_of(str(mapped)) in kept) == wanted


def test_sources_become_families(tmp_path: Path) -> None:
    relays = tmp_path / "relays.csv"
    relays.write_text("# exits\n192.0.2.0/25,JP,JP-13,Tokyo\n192.0.2.128/25,JP,,\n\n2001:db8::/64,JP,,\n")
    table = tmp_path / "table.csv"
    table.write_text(
        '198.51.100.0,198.51.101.255,52129,"Proofpoint, Inc."\n'
        "203.0.113.0,203.0.113.127,16276,OVH SAS\n203.0.114.0,203.0.114.255,16276,OVH SAS\n"
        "10.0.0.0,10.0.0.255,64512,Nobody\n"
        "2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,714,Apple Inc.\n"
    )
    assert gather([("apple-privacy", relays), ("asn", table)]) == {
        "apple-privacy": ["192.0.2.0/24", "2001:db8::/64"],
        "proofpoint": ["198.51.100.0/23"],
        "apple": ["17.0.0.0/8", "2001:db8::/32"],  # with what Apple documents
        "hosting": ["203.0.114.0/24"],  # the host's smaller network is left out
    }


def test_a_refresh_keeps_what_it_does_not_name_and_says_what_changed(tmp_path: Path) -> None:
    file, first, second = tmp_path / "networks.json", tmp_path / "1.txt", tmp_path / "2.txt"
    first.write_text("192.0.2.0/24\n198.51.100.0/24\n")
    second.write_text("192.0.2.0/24\n203.0.113.0/24\n")
    about = ["--origin", "a list", "--date", "2026-06-01", "--licence", "CC0 1.0", "--file", str(file)]
    for source in (f"yahoo={first}", f"apple={first}", f"yahoo={second}"):
        done = CliRunner().invoke(networks, ["refresh", source, *about])
        assert done.exit_code == 0, done.output
    assert "yahoo: 2 ranges, 1 new, 1 gone" in done.output
    families = json.loads(file.read_text())["families"]
    assert families["yahoo"]["ranges"] == ["192.0.2.0/24", "203.0.113.0/24"]
    assert families["apple"]["ranges"] == ["192.0.2.0/24", "198.51.100.0/24"]
    assert families["apple"]["licence"] == "CC0 1.0"


@pytest.mark.parametrize("source", ["nobody=list.txt", "list.txt", "yahoo=missing.txt", "yahoo=bad.txt"])
def test_a_bad_source_changes_nothing(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("192.0.2.0/24\n")
    Path("bad.txt").write_text("192.0.2.0/24\n192.0.2.1/24\n")
    about = ["--origin", "a list", "--date", "2026-06-01", "--licence", "CC0 1.0", "--file", "networks.json"]
    done = CliRunner().invoke(networks, ["refresh", source, *about])
    assert done.exit_code == 2
    assert not Path("networks.json").exists()
