"""Where opens come from, and when nobody can say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from services.crm.adapters.checks import checks
from services.crm.adapters.gazetteer import CITIES, Gazetteer
from services.crm.model.engagements import Engagement
from services.crm.model.origins import Device, LocatedEngagement, Place, PlaceUnknown, Source
from services.crm.rules.devices import device_of
from services.crm.rules.origins import located
from shared.doctor.findings import State
from shared.events.engagements import EngagementKind, Evidence, Verdict
from tests.unit.crm.city_database import write

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
TOKYO = Place(city="Minato", region="Tokyo", country="JP")
OSAKA = Place(city="Osaka", region="Osaka", country="JP")
JAPAN = Place(country="JP")
KNOWN = {"126.1.1.1": TOKYO, "2400:4050::1": OSAKA, "133.0.0.1": JAPAN}


def locate(address: str) -> Place | PlaceUnknown:
    return KNOWN.get(address, PlaceUnknown.NOT_LISTED)


def engagement(number: int, **changes: object) -> Engagement:
    fields: dict[str, object] = {
        "id": UUID(int=number),
        "revision": 0,
        "message_id": UUID(int=1000),
        "user_id": UUID(int=1001),
        "hit_id": UUID(int=number + 100),
        "kind": EngagementKind.OPEN,
        "verdict": Verdict.HUMAN,
        "evidence": (Evidence(rule="default.human"),),
        "confidence": 0.9,
        "ruleset_version": "2026.11.1",
        "session_id": UUID(int=1002),
        "occurred_at": NOW - timedelta(hours=1),
    }
    return Engagement.model_validate(fields | changes)


def seen(*known: tuple[Engagement, str | None], anonymous: bool = False) -> tuple[LocatedEngagement, ...]:
    """By the addresses of their hits, all by Chrome."""
    sources = {one.hit_id: Source(address, CHROME) for one, address in known}
    return located([one for one, _ in known], sources, locate, NOW, anonymous=anonymous)


@pytest.mark.requirement("T5")
def test_a_person_s_open_has_place_and_device() -> None:
    (one,) = seen((engagement(1), "126.1.1.1"))
    assert (one.place, one.place_unknown) == (TOKYO, None)
    assert one.device == Device(program="Chrome", system="Windows")
    assert one.id == UUID(int=1)


@pytest.mark.requirement("T5")
@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (Verdict.PROXIED_HUMAN, PlaceUnknown.PROXY),
        (Verdict.PRIVACY_PROXY, PlaceUnknown.PROXY),
        (Verdict.MACHINE, PlaceUnknown.NOT_A_PERSON),
        (Verdict.SELF, PlaceUnknown.NOT_A_PERSON),
        (Verdict.OLDER_MESSAGE, PlaceUnknown.NOT_A_PERSON),
    ],
)
def test_what_is_not_the_reader_s_own_has_neither(verdict: Verdict, why: PlaceUnknown) -> None:
    (one,) = seen((engagement(1, verdict=verdict), "126.1.1.1"))
    assert (one.place, one.device, one.place_unknown) == (None, None, why)


@pytest.mark.requirement("T5", "P3")
@pytest.mark.parametrize("whole_mail", [True, False])
def test_an_anonymous_open_has_neither(whole_mail: bool) -> None:
    (one,) = seen((engagement(1, anonymous=not whole_mail), "126.1.1.1"), anonymous=whole_mail)
    assert (one.place, one.device, one.place_unknown) == (None, None, PlaceUnknown.ANONYMOUS)


@pytest.mark.requirement("T5", "B7")
def test_a_reply_shows_neither() -> None:
    said = {"inferred": True, "evidence": (Evidence(rule="inferred.reply"),)}
    (one,) = seen((engagement(1, **said), "126.1.1.1"))
    assert (one.place, one.device, one.place_unknown) == (None, None, PlaceUnknown.REPLY)
    (by_click,) = seen(
        (engagement(1, **said | {"evidence": (Evidence(rule="inferred.click"),)}), "126.1.1.1")
    )
    assert by_click.place == TOKYO
    (by_nothing,) = seen((engagement(1, **said | {"evidence": ()}), "126.1.1.1"))
    assert by_nothing.place == TOKYO


@pytest.mark.requirement("T5")
def test_loads_of_one_open_from_several_places_leave_none() -> None:
    first, again, later = engagement(1), engagement(2, folded_into=UUID(int=1)), engagement(3)
    found = seen((first, "126.1.1.1"), (again, "2400:4050::1"), (later, "2400:4050::1"))
    several = PlaceUnknown.SEVERAL_PLACES
    assert [one.place_unknown for one in found] == [several, several, None]
    assert found[2].place == OSAKA


def test_a_country_does_not_contradict_its_city_nor_a_proxy_anything() -> None:
    first, again = engagement(1), engagement(2, folded_into=UUID(int=1))
    proxied = engagement(3, folded_into=UUID(int=1), verdict=Verdict.PROXIED_HUMAN)
    found = seen((first, "126.1.1.1"), (again, "133.0.0.1"), (proxied, "2400:4050::1"))
    assert [one.place for one in found] == [TOKYO, JAPAN, None]


def test_a_hit_without_an_address_says_so() -> None:
    (one,) = seen((engagement(1), None))
    assert (one.place_unknown, one.device) == (
        PlaceUnknown.NO_ADDRESS,
        Device(program="Chrome", system="Windows"),
    )


@pytest.mark.parametrize(("minutes", "why"), [(2, PlaceUnknown.NOT_YET), (6, PlaceUnknown.NOT_KEPT)])
def test_a_hit_that_the_archive_has_not_is_not_there_yet_or_no_more(minutes: int, why: PlaceUnknown) -> None:
    one = engagement(1, occurred_at=NOW - timedelta(minutes=minutes))
    (found,) = located([one], {}, locate, NOW, anonymous=False)
    assert (found.place_unknown, found.device) == (why, None)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (CHROME, ("Chrome", "Windows")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Mobile/15E148",
            ("Mail", "iPhone"),
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
            ("Mail", "macOS"),
        ),
        (
            "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; "
            "ms-office; MSOffice 16)",
            ("Outlook", "Windows"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.3.0",
            ("Thunderbird", "Linux"),
        ),
        ("Outlook-iOS/723.4027091.prod.iphone (4.28.0)", ("Outlook", "iPhone")),
        ("curl/8.5.0", ("curl", "")),
    ],
)
def test_a_client_is_called_as_people_call_it(agent: str, device: tuple[str, str]) -> None:
    assert device_of(agent) == Device(program=device[0], system=device[1])


@pytest.mark.parametrize("agent", ["", "nothing that anybody knows", "(" * 512])
def test_a_client_that_says_nothing_is_none(agent: str) -> None:
    assert device_of(agent) is None


@pytest.mark.requirement("T5")
@pytest.mark.parametrize(
    ("address", "country"),
    [("133.11.0.1", "JP"), ("8.8.8.8", "US"), ("128.93.162.83", "FR"), ("2001:200::1", "JP")],
)
def test_the_database_in_kaifu_knows_countries(tmp_path: Path, address: str, country: str) -> None:
    gazetteer = Gazetteer(tmp_path)
    assert gazetteer(address) == Place(country=country)
    assert gazetteer.made_at() is None


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "100.64.0.1", "::1", "fd00::1", "::ffff:192.168.1.1", "nonsense", ""]
)
def test_what_is_not_of_the_public_internet_is_nowhere(tmp_path: Path, address: str) -> None:
    assert Gazetteer(tmp_path)(address) is PlaceUnknown.NOT_PUBLIC


@pytest.mark.requirement("T5")
def test_cities_are_taken_where_their_databases_are(tmp_path: Path) -> None:
    tokyo = {"city": "Minato", "state1": "Tokyo", "country_code": "JP"}
    write(tmp_path / CITIES[0], 4, {"133.11.0.0/16": tokyo}, made=1_700_000_000)
    write(tmp_path / CITIES[1], 6, {"2001:200::/32": {**tokyo, "city": "Fuchu"}}, made=1_600_000_000)
    gazetteer = Gazetteer(tmp_path)
    assert gazetteer("133.11.0.1") == TOKYO
    assert gazetteer("::ffff:133.11.0.1") == TOKYO
    assert gazetteer("2001:200::1") == Place(city="Fuchu", region="Tokyo", country="JP")
    assert gazetteer("8.8.8.8") == Place(country="US")  # which they do not know
    assert gazetteer.made_at() == datetime.fromtimestamp(1_600_000_000, UTC)


@pytest.mark.parametrize(
    ("made", "state", "words"),
    [
        (None, State.DOUBT, "countries only"),
        (datetime.now(UTC) - timedelta(days=400), State.DOUBT, "addresses have moved"),
        (datetime.now(UTC) - timedelta(days=300), State.FINE, "cities as of"),
    ],
)
async def test_the_doctor_looks_at_the_cities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: datetime | None, state: State, words: str
) -> None:
    monkeypatch.setenv("KAIFU_CRM_PLACES", str(tmp_path))
    for version, name in zip((4, 6), CITIES, strict=True):
        if made is not None:
            write(tmp_path / name, version, {}, made=int(made.timestamp()))
    async for finding in checks():
        if finding.what == "places":
            assert (finding.state, words in finding.sentence) == (state, True)
            return
    pytest.fail("it says nothing of places")


def test_a_file_that_is_no_database_is_as_none(tmp_path: Path) -> None:
    for name in CITIES:
        (tmp_path / name).write_bytes(b"half a download")
    assert Gazetteer(tmp_path)("133.11.0.1") == JAPAN
    assert Gazetteer(tmp_path).made_at() is None


def test_what_is_missing_is_said_once(tmp_path: Path) -> None:
    gazetteer = Gazetteer(tmp_path)
    with capture_logs() as said:
        gazetteer.open()
        gazetteer("133.11.0.1")
        gazetteer("8.8.8.8")
    assert [(line["log_level"], line["missing"]) for line in said] == [("warning", 2)]
    for version, name in zip((4, 6), CITIES, strict=True):
        write(tmp_path / name, version, {})
    with capture_logs() as said:
        Gazetteer(tmp_path).open()
    assert said == []
