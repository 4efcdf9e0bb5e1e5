"""Which connections the NetworkPolicies of an overlay let through.

As Kubernetes decides: a connection needs leave of its client's egress and of its server's ingress; a pod
that no policy of a direction selects is open in it; policies add up.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.contract.manifests import Resource, of_kind, workloads

Labels = Mapping[str, str]
HOME = {"kubernetes.io/metadata.name": "kaifu"}
KAFKA = "kafka"
DATABASE = "database"
NEWCOMER = "newcomer"  # a pod of our namespace that no policy knows
PORTS = (25, 53, 443, 465, 587, 6443, 8800, 8801, 8802, 8803, 8820, 9091, 9093, 27017)


@dataclass(frozen=True, slots=True)
class Peer:
    """A pod, or (`labels` None) an address that no label names."""

    name: str
    namespace: Labels
    labels: Labels | None


_OUTSIDE = (
    Peer("gateway", {"kaifu/role": "gateway"}, {}),
    Peer("monitoring", {"kaifu/role": "monitoring"}, {}),
    Peer("names", {"kubernetes.io/metadata.name": "kube-system"}, {"k8s-app": "kube-dns"}),
    Peer("stranger", {"kubernetes.io/metadata.name": "stranger"}, {"app.kubernetes.io/name": "crm"}),
    Peer(DATABASE, {}, None),
)


@dataclass(frozen=True, slots=True, order=True)
class Arrow:
    """A connection that is let through."""

    client: str
    server: str
    port: int


def arrows(overlay: str) -> set[Arrow]:
    """All that client and server leave each other, between everything of ours and what is around it."""
    return left_by_clients(overlay) & left_by_servers(overlay)


def left_by_clients(overlay: str) -> set[Arrow]:
    """What egress alone lets through."""
    return _arrows(overlay, "egress")


def left_by_servers(overlay: str) -> set[Arrow]:
    """What ingress alone lets through."""
    return _arrows(overlay, "ingress")


def _arrows(overlay: str, way: str) -> set[Arrow]:
    ours = [Peer(one.name, HOME, one.labels) for one in workloads(overlay).values()]
    ours.append(Peer(KAFKA, HOME, {"strimzi.io/cluster": "kaifu", "strimzi.io/name": "kaifu-kafka"}))
    ours.append(Peer(NEWCOMER, HOME, {"app.kubernetes.io/name": NEWCOMER}))
    policies = [*of_kind(overlay, "NetworkPolicy"), _of_strimzi(overlay)]
    peers = [*ours, *_OUTSIDE]
    return {
        Arrow(client.name, server.name, port)
        for client in peers
        for server in peers
        if client is not server and (client in ours or server in ours)
        for port in PORTS
        if _leave(policies, *((client, server) if way == "egress" else (server, client)), port, way)
    }


def _of_strimzi(overlay: str) -> Resource:
    """What the operator makes of the listener's networkPolicyPeers, and of the brokers' own port."""
    (kafka,) = of_kind(overlay, "Kafka")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    among = {
        "from": [{"podSelector": {"matchLabels": {"strimzi.io/cluster": "kaifu"}}}],
        "ports": [{"port": 9091}],
    }
    clients = {"from": listener["networkPolicyPeers"], "ports": [{"port": listener["port"]}]}
    selector = {"matchLabels": {"strimzi.io/name": "kaifu-kafka"}}
    return {"spec": {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": [among, clients]}}


def _leave(policies: Iterable[Resource], pod: Peer, other: Peer, port: int, way: str) -> bool:
    if pod.namespace != HOME or pod.labels is None:
        return True  # not ours to close
    rules = list(_rules(policies, pod.labels, way))
    if not rules:
        return True
    return any(_fits(rule, other, port, way) for found in rules for rule in found)


def _rules(policies: Iterable[Resource], labels: Labels, way: str) -> Iterator[list[Resource]]:
    for policy in policies:
        spec = policy["spec"]
        if way.capitalize() in spec["policyTypes"] and _selects(spec["podSelector"], labels):
            yield spec.get(way, [])


def _fits(rule: Resource, other: Peer, port: int, way: str) -> bool:
    if "ports" in rule and port not in {one["port"] for one in rule["ports"]}:
        return False
    peers = rule.get("to" if way == "egress" else "from")
    return peers is None or any(_is_peer(peer, other) for peer in peers)


def _is_peer(peer: Mapping[str, Any], other: Peer) -> bool:
    if other.labels is None:
        return False  # an address; only a rule without peers lets it through
    if "namespaceSelector" in peer:
        in_namespace = _selects(peer["namespaceSelector"], other.namespace)
    else:
        in_namespace = other.namespace == HOME
    return in_namespace and _selects(peer.get("podSelector", {}), other.labels)


def _selects(selector: Mapping[str, Any], labels: Labels) -> bool:
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
