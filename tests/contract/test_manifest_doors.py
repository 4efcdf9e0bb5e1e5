"""Containers, Services, routes and public addresses lead to where the processes listen."""

import pytest

from deploy.kubernetes.access import SERVICES
from deploy.kubernetes.strimzi import OVERLAYS
from tests.contract.manifests import (
    environment,
    named,
    of_kind,
    workloads,
)

_PUBLIC = {
    "app": ("PUBLIC_APP_URL", "crm", 8800),
    "api": ("PUBLIC_API_URL", "ingest", 8801),
    "tracking": ("PUBLIC_TRACKING_URL", "ingest", 8802),
    "push": ("PUBLIC_PUSH_URL", "notifier", 8803),
}
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


@overlays
def test_ports_are_those_of_the_settings(overlay: str) -> None:
    """Containers, Services, routes and the public addresses lead to where the process listens."""
    for service in SERVICES:
        workload = workloads(overlay)[service]
        given = environment(overlay, workload)
        found = {
            name: value for name, value in given.items() if "_SMTP_" not in name
        }  # asked, not listened on
        listens = {int(str(value)) for name, value in found.items() if name.endswith("PORT")}
        assert {port["containerPort"] for port in workload.container["ports"]} == listens
        assert all(found[name] == "0.0.0.0" for name in found if name.endswith("_HOST"))  # noqa: S104
    for route, (variable, service, port) in _PUBLIC.items():
        _leads(overlay, route, variable, service, port)


def _leads(overlay: str, route: str, variable: str, service: str, port: int) -> None:
    public = environment(overlay, workloads(overlay)["crm"])
    host = str(public[variable]).split("/")[2]
    found = named(overlay, "HTTPRoute", route)["spec"]
    assert found["hostnames"] == [host]
    (gateway,) = of_kind(overlay, "Gateway")
    (listener,) = (one for one in gateway["spec"]["listeners"] if one["name"] == route)
    assert listener["hostname"] == host
    assert found["parentRefs"] == [{"name": gateway["metadata"]["name"], "sectionName": route}]
    assert found["rules"][0]["backendRefs"] == [{"name": service, "port": port}]
    spec = named(overlay, "Service", service)["spec"]
    (target,) = (one["targetPort"] for one in spec["ports"] if one["port"] == port)
    workload = workloads(overlay)[service]
    assert {one["name"]: one["containerPort"] for one in workload.container["ports"]}[target] == port
    assert spec["selector"].items() <= workload.labels.items()


@overlays
def test_the_tracking_host_is_an_origin_of_its_own(overlay: str) -> None:
    """It serves pixels and links, and shares no registrable part with a host that has cookies."""
    rules = named(overlay, "HTTPRoute", "tracking")["spec"]["rules"]
    paths = {match["path"]["value"] for rule in rules for match in rule["matches"]}
    assert paths == {"/o/", "/c/"}
    hosts = {one["metadata"]["name"]: one["spec"]["hostnames"][0] for one in of_kind(overlay, "HTTPRoute")}
    own = hosts.pop("tracking").split(".")[-2:]
    assert all(host.split(".")[-2:] != own for host in hosts.values())
