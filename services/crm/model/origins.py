"""Where a hit came from: place and device, or why they are unknown (T5)."""

from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from services.crm.model.base import Model
from services.crm.model.engagements import Engagement


class Place(Model):
    """As a database of addresses says; English names. What it does not know is empty."""

    city: str = ""
    region: str = ""
    country: str = Field(description="ISO 3166-1, two letters")


class Device(Model):
    """As the client calls itself. What it does not say is empty."""

    program: str = ""
    system: str = ""


class PlaceUnknown(StrEnum):
    """Why an open or click has no place."""

    ANONYMOUS = "anonymous"
    NOT_A_PERSON = "not_a_person"
    PROXY = "proxy"
    REPLY = "reply"
    SEVERAL_PLACES = "several_places"
    NO_ADDRESS = "no_address"
    NOT_PUBLIC = "not_public"
    NOT_LISTED = "not_listed"
    NOT_KEPT = "not_kept"
    NOT_YET = "not_yet"


class Source(NamedTuple):
    """What the archive has of a hit. `address` None: it came without one that could be trusted."""

    address: str | None
    agent: str


class Origin(Model):
    """`place_unknown` is None exactly if there is a place. `device` None: unknown, or not the reader's."""

    place: Place | None = None
    place_unknown: PlaceUnknown | None = None
    device: Device | None = None


class LocatedEngagement(Engagement, Origin):
    """An engagement with where it came from."""
