"""Who may talk to whom: exactly the arrows of docs/architecture.md."""

import pytest

from deploy.kubernetes.access import SERVICES
from deploy.kubernetes.strimzi import OVERLAYS
from shared.events.catalogue import TOPICS
from tests.contract.network import DATABASE, KAFKA, NEWCOMER, Arrow, arrows, left_by_clients, left_by_servers

_OF_THE_CATALOGUE = {service for topic in TOPICS for service in (*topic.producers, *topic.consumers)}
_OPERATORS = ("topics", "shell")
_OURS = (*SERVICES, *_OPERATORS, "migrate", KAFKA, NEWCOMER)


# Addresses that no label names: whoever may reach one of them may reach any, on that one port.
_ANYWHERE = ("gateway", "monitoring", "names", "stranger", DATABASE)
_API_SERVER = (443, 6443)
_RELAY = 587
_WEBHOOKS = 443


def _expected() -> set[Arrow]:
    found = {Arrow(client, KAFKA, 9093) for client in (*_OF_THE_CATALOGUE, *_OPERATORS)}
    found |= {Arrow(client, "crm", 8800) for client in ("ingest", "logger", "notifier", "tracker", "gateway")}
    found |= {Arrow("gateway", "ingest", 8801), Arrow("gateway", "ingest", 8802)}
    found |= {Arrow("gateway", "notifier", 8803)}
    found |= {Arrow("monitoring", service, 8820) for service in SERVICES}
    found |= {Arrow(client, "names", 53) for client in _OURS}
    found |= {Arrow(client, place, 27017) for client in ("crm", "migrate") for place in _ANYWHERE}
    found |= {Arrow("crm", place, port) for place in _ANYWHERE for port in (_RELAY, _WEBHOOKS)}
    found |= {Arrow(KAFKA, place, port) for place in _ANYWHERE for port in _API_SERVER}
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_network_lets_through_what_is_on_the_diagram_and_nothing_else(overlay: str) -> None:
    """Producers and consumers of the catalogue to Kafka, what is asked of crm, the public doors."""
    assert arrows(overlay) == _expected()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_neither_side_leaves_more_than_the_other(overlay: str) -> None:
    """Else one slip on the other side would open the way."""
    expected = _expected()
    ours = {arrow for arrow in left_by_servers(overlay) if arrow.server in _OURS}
    assert ours == {arrow for arrow in expected if arrow.server in _OURS}
    anywhere = (27017, _RELAY, *_API_SERVER)
    asked = {one for one in left_by_clients(overlay) if one.client in _OURS and one.port not in anywhere}
    assert asked == {arrow for arrow in expected if arrow.client in _OURS and arrow.port not in anywhere}
