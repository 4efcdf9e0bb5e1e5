"""Pods are restricted, probed, spread, scaled, and ended in order."""

from pathlib import Path

import pytest

from deploy.kubernetes.access import SERVICES
from deploy.kubernetes.strimzi import OVERLAYS
from tests.contract.manifests import (
    Resource,
    each_workload,
    environment,
    named,
    of_kind,
    workloads,
)

_CONSUMERS = ("crm", "tracker", "logger")
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


@overlays
def test_pods_are_restricted(overlay: str) -> None:
    """Pod Security `restricted`, a read-only root, no token of the API, a service account each."""
    accounts = [one["metadata"]["name"] for one in of_kind(overlay, "ServiceAccount")]
    for name, workload in workloads(overlay).items():
        pod, container = workload.pod, workload.container
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "the cluster's own variables would look like ours"
        assert pod["serviceAccountName"] == name
        assert name in accounts
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert all({"secret", "emptyDir"} & volume.keys() for volume in pod.get("volumes", []))
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@overlays
def test_strimzis_pods_are_restricted_too(overlay: str) -> None:
    """They share the namespace."""
    (kafka,) = of_kind(overlay, "Kafka")
    templates = kafka["spec"]["kafka"]["template"] | kafka["spec"]["entityOperator"]["template"]
    assert templates.keys() == {"kafkaContainer", "topicOperatorContainer", "userOperatorContainer"}
    for template in templates.values():
        assert template["securityContext"] == {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "seccompProfile": {"type": "RuntimeDefault"},
            "capabilities": {"drop": ["ALL"]},
        }


@overlays
def test_what_a_process_writes_to_is_a_volume(overlay: str) -> None:
    """The root is read-only."""
    for service, variable in (("ingest", "KAIFU_INGEST_SPOOL"), ("tracker", "KAIFU_TRACKER_STATE")):
        workload = workloads(overlay)[service]
        folder = Path(str(environment(overlay, workload)[variable]))
        writable = [
            Path(mount["mountPath"])
            for mount in workload.container["volumeMounts"]
            if not mount.get("readOnly")
        ]
        assert any(folder.is_relative_to(mount) for mount in writable), (service, folder)


@overlays
def test_every_service_is_probed_by_progress(overlay: str) -> None:
    """Readiness asks the loops, liveness only whether the process answers."""
    for service in SERVICES:
        container = workloads(overlay)[service].container
        assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "ops"}
        assert container["livenessProbe"]["httpGet"] == {"path": "/health/live", "port": "ops"}
        assert container["startupProbe"]["httpGet"] == {"path": "/health/live", "port": "ops"}
        budget = named(overlay, "PodDisruptionBudget", service)
        assert budget["spec"]["maxUnavailable"] == 1
        assert budget["spec"]["selector"]["matchLabels"].items() <= workloads(overlay)[service].labels.items()


def test_consumers_scale_to_their_partitions_at_most() -> None:
    """One more would stand by."""
    partitions = OVERLAYS["production"].partitions
    scaled = {
        one["metadata"]["name"]: one["spec"] for one in of_kind("production", "HorizontalPodAutoscaler")
    }
    assert scaled.keys() == set(SERVICES)
    assert all(scaled[name]["maxReplicas"] <= partitions for name in _CONSUMERS)
    assert all(spec["minReplicas"] >= 2 for spec in scaled.values())
    for name in SERVICES:  # else each `kubectl apply` would undo what the autoscaler has done
        assert "replicas" not in workloads("production")[name].resource["spec"]
    assert not of_kind("single-node", "HorizontalPodAutoscaler")


@overlays
def test_ingest_never_goes_in_while_its_spool_holds_anything(overlay: str) -> None:
    """It drains before it is told to stop, its volume stays whatever happens, and nothing scales it in."""
    ingest = workloads(overlay)["ingest"]
    spec = ingest.resource["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    hook = ingest.container["lifecycle"]["preStop"]["exec"]["command"]
    assert hook[:3] == ["kaifu", "spool", "drained"]
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler"):
        if scaler["metadata"]["name"] == "ingest":
            assert scaler["spec"]["behavior"]["scaleDown"] == {"selectPolicy": "Disabled"}
    (claim,) = spec["volumeClaimTemplates"]
    limit = int(str(environment(overlay, ingest)["KAIFU_INGEST_SPOOL_MAX_BYTES"]))
    assert int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi")) << 30 > limit


def test_the_grace_is_longer_than_the_hook() -> None:
    """With the time that an orderly end takes: open requests, effects on their way, the disconnect."""
    orderly_end_s = 25
    for _, workload in each_workload():
        if workload.name not in SERVICES:
            continue
        grace = workload.pod["terminationGracePeriodSeconds"]
        assert grace >= _hook_s(workload.container) + orderly_end_s, workload.name
        has_door = len(workload.container["ports"]) > 1
        assert has_door == ("lifecycle" in workload.container), "who is called goes on until nobody calls"


def _hook_s(container: Resource) -> int:
    hook = container.get("lifecycle", {}).get("preStop", {})
    if "exec" in hook:
        command = hook["exec"]["command"]
        return int(command[command.index("--at-most") + 1])
    return int(hook.get("sleep", {}).get("seconds", 0))


def test_services_are_spread_in_production() -> None:
    """No two replicas on one node while another is free."""
    for service in SERVICES:
        workload = workloads("production")[service]
        constraints = workload.pod["topologySpreadConstraints"]
        by_key = {one["topologyKey"]: one for one in constraints}
        assert by_key["kubernetes.io/hostname"]["whenUnsatisfiable"] == "DoNotSchedule"
        for one in constraints:
            assert (
                one["labelSelector"]["matchLabels"].items() <= workloads("production")[service].labels.items()
            )
            assert one["matchLabelKeys"] == ["app.kubernetes.io/name"]
