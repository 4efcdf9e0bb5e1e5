"""Ports: defaults, variables, and one clear line for what is taken."""

import socket

import pytest

from deploy.local.ports import LOOPBACK, PORT_USES, Ports, PortUnavailable, free_port


def test_defaults_without_an_environment() -> None:
    ports = Ports.from_environment({})
    assert ports["crm"] == 8800
    assert ports["ops_crm"] == 8825
    assert len(set(ports.numbers.values())) == len(PORT_USES)


def test_a_variable_changes_a_port() -> None:
    assert Ports.from_environment({"KAIFU_PORT_TRACKING": "9090"})["tracking"] == 9090


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1", "²"])
def test_what_is_no_port_is_said(text: str) -> None:
    with pytest.raises(PortUnavailable, match=r"KAIFU_PORT_CRM=.* is no port"):
        Ports.from_environment({"KAIFU_PORT_CRM": text})


def test_a_taken_port_is_named_with_its_purpose_and_variable() -> None:
    ports = Ports.free()
    with socket.socket() as other:
        other.bind((LOOPBACK, ports["tracking"]))
        other.listen()
        with pytest.raises(PortUnavailable) as refused:
            ports.check()
    line = str(refused.value)
    assert "\n" not in line
    for part in (str(ports["tracking"]), "pixels and tracked links", "KAIFU_PORT_TRACKING"):
        assert part in line


def test_a_port_whose_connections_just_ended_is_free() -> None:
    """The server's side closes first and is in TIME_WAIT, as after `make down`."""
    ports = Ports.free()
    address = (LOOPBACK, ports["crm"])
    with socket.create_server(address) as server, socket.create_connection(address) as client:
        served, _ = server.accept()
        served.close()
        assert client.recv(1) == b""
    ports.check()


def test_one_port_for_two_parts_is_refused() -> None:
    ports = Ports.from_environment({**Ports.free().as_environment(), "KAIFU_PORT_CRM": "9001"})
    doubled = Ports({**ports.numbers, "broker": 9001})
    with pytest.raises(PortUnavailable, match=r"KAIFU_PORT_CRM.*KAIFU_PORT_BROKER"):
        doubled.check()


def test_free_ports_are_free_and_survive_the_environment() -> None:
    ports = Ports.free()
    ports.check()
    assert Ports.from_environment(ports.as_environment()) == ports


def test_free_ports_are_none_that_an_outgoing_connection_may_get() -> None:
    """Else one could take it while a service is started again."""
    with socket.create_server((LOOPBACK, 0)) as server:
        given = {}
        for _ in range(50):
            client = socket.create_connection(server.getsockname())
            given[client.getsockname()[1]] = client
        lowest = min(given)
        for client in given.values():
            client.close()
    assert all(free_port() < lowest for _ in range(50))


def test_no_port_is_given_twice() -> None:
    """What it was given to may not listen yet."""
    given = [number for _ in range(20) for number in (free_port(), *Ports.free().numbers.values())]
    assert len(given) == len(set(given))
