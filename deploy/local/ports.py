"""Which port each part listens on, and whether it is free."""

import errno
import itertools
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
_LOWEST, _APART, _TRIES = 10_000, 128, 100
_OUTGOING_FROM = 32_768  # where the system does not say: Linux's default, below that of others


class PortUnavailable(RuntimeError):
    """A port can't be had; the message names it, what it is for and the variable that changes it."""


@dataclass(frozen=True, slots=True)
class PortUse:
    """One port: its name here, the environment variable that sets it, the default, what it is for."""

    name: str
    variable: str
    default: int
    purpose: str


PORT_USES = (
    PortUse("crm", "KAIFU_PORT_CRM", 8800, "the web pages and the CRM API"),
    PortUse("ingest", "KAIFU_PORT_INGEST", 8801, "the send API"),
    PortUse("tracking", "KAIFU_PORT_TRACKING", 8802, "pixels and tracked links"),
    PortUse("notifier", "KAIFU_PORT_NOTIFIER", 8803, "pushes to screens (WebSocket)"),
    PortUse("broker", "KAIFU_PORT_BROKER", 8810, "the broker"),
    PortUse("database", "KAIFU_PORT_DATABASE", 8811, "the embedded database"),
    PortUse("controller", "KAIFU_PORT_CONTROLLER", 8812, "the controller of Apache Kafka"),
    PortUse("ops_ingest", "KAIFU_PORT_OPS_INGEST", 8821, "health and metrics of ingest"),
    PortUse("ops_tracker", "KAIFU_PORT_OPS_TRACKER", 8822, "health and metrics of tracker"),
    PortUse("ops_logger", "KAIFU_PORT_OPS_LOGGER", 8823, "health and metrics of logger"),
    PortUse("ops_notifier", "KAIFU_PORT_OPS_NOTIFIER", 8824, "health and metrics of notifier"),
    PortUse("ops_crm", "KAIFU_PORT_OPS_CRM", 8825, "health and metrics of crm"),
)


@dataclass(frozen=True, slots=True)
class Ports:
    """A port for each name of PORT_USES."""

    numbers: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """The defaults, or what the variables say. Raises PortUnavailable for what is no port."""
        return cls({use.name: _number(use, environment) for use in PORT_USES})

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nothing listens on now, for tests. All are held open until all are chosen."""
        with ExitStack() as held:
            return cls({use.name: _bound(held.enter_context(socket.socket())) for use in PORT_USES})

    def as_environment(self) -> dict[str, str]:
        """The variables that make `from_environment` give these ports."""
        return {use.variable: str(self.numbers[use.name]) for use in PORT_USES}

    def check(self) -> None:
        """Raises PortUnavailable for the first port that is taken or asked for twice."""
        seen: dict[int, PortUse] = {}
        for use in PORT_USES:
            number = self.numbers[use.name]
            if number in seen:
                raise PortUnavailable(
                    f"port {number} is given both to {seen[number].purpose} ({seen[number].variable}) "
                    f"and to {use.purpose} ({use.variable}): choose another for one of them"
                )
            seen[number] = use
            _check_free(use, number)


def free_port() -> int:
    """A port of loopback that nothing listens on now, for tests."""
    with socket.socket() as listener:
        return _bound(listener)


def _bound(listener: socket.socket) -> int:
    """Its port: the next of this process's that is free.

    None that the system gives to outgoing connections: one of them could take it while the service that
    listens there is started again. And none that was given before: it may not be listened on yet.
    """
    for _ in range(_TRIES):
        with suppress(OSError):
            listener.bind((LOOPBACK, next(_candidates)))
            return int(listener.getsockname()[1])
    raise PortUnavailable(f"no free port was found in {_TRIES} tries")


def _all_candidates() -> Iterator[int]:
    """Processes beside each other begin apart."""
    span = _outgoing_from() - _LOWEST
    for number in itertools.count(os.getpid() * _APART):
        yield _LOWEST + number % span


def _outgoing_from() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return _OUTGOING_FROM


_candidates = _all_candidates()


def _number(use: PortUse, environment: Mapping[str, str]) -> int:
    text = environment.get(use.variable) or str(use.default)
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise PortUnavailable(f"{use.variable}={text} is no port: give a number from 1 to 65535")
    return int(text)


def _check_free(use: PortUse, number: int) -> None:
    with socket.socket() as listener:
        if os.name == "posix":  # a port in TIME_WAIT is free; on Windows the option means something else
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, number))
            listener.listen()
        except OSError as error:
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
            raise PortUnavailable(
                f"port {number} {reason}: it is for {use.purpose}; stop what listens there "
                f"or choose another with {use.variable}"
            ) from None
