"""What one check found. No secret, address of a person or host stands in it: settings are named instead."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import Enum

from pydantic import ValidationError
from pydantic_settings import BaseSettings


class State(Enum):
    """How it is."""

    FINE = "ok"
    DOUBT = "look"  # may be meant so
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Ring:
    """A key ring as told apart from others: its purpose, and a fingerprint."""

    purpose: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do unless it is fine."""

    what: str
    state: State
    said: str
    cure: str = ""
    ring: Ring | None = None  # where one was looked at

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.what}: {self.said}" + (f" -> {self.cure}" if self.cure else "")


Check = Callable[[], AsyncIterator[Finding]]


def fine(what: str, said: str) -> Finding:
    """All is well."""
    return Finding(what, State.FINE, said)


def doubt(what: str, said: str, cure: str) -> Finding:
    """Somebody should look; it is not counted as wrong."""
    return Finding(what, State.DOUBT, said, cure)


def wrong(what: str, said: str, cure: str) -> Finding:
    """This will not work."""
    return Finding(what, State.WRONG, said, cure)


def read_settings(kind: type[BaseSettings]) -> BaseSettings | Finding | None:
    """The settings; None when the environment says nothing of them: then this is another service's place.

    A Finding for what can't be read: the variables and the reasons, never the values.
    """
    try:
        settings = kind()
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        required = {name for name, field in kind.model_fields.items() if field.is_required()}
        missing = {str(fault["loc"][0]) for fault in faults if fault["type"] == "missing"}
        if missing == required and len(missing) == len(faults):
            return None
        prefix = kind.model_config["env_prefix"]
        said = "; ".join(f"{prefix}{fault['loc'][0]}".upper() + f": {fault['msg']}" for fault in faults)
        return wrong(kind.__name__, said, "give the variables that are named a value of that kind")
    return settings if settings.model_fields_set else None
