"""The manifests are valid, restricted, and agree with the catalogue and with each other.

What no test here can show, since it takes a cluster: that they run.
"""

import json
import re
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.kubernetes.__main__ import drift
from deploy.kubernetes.strimzi import OVERLAYS, documents
from deploy.local.environment import EXTENSION_ID
from shared.events.catalogue import TOPICS
from tests.contract.custom_resources import validator
from tests.contract.manifests import (
    KUBERNETES,
    REPOSITORY,
    each_workload,
    environment,
    of_kind,
    rendered,
    workloads,
)

OLDEST_KUBERNETES = "1.30"
_GROUPS = ("kafka.strimzi.io/v1", "gateway.networking.k8s.io/v1")

overlays = pytest.mark.parametrize("overlay", OVERLAYS)


@overlays
def test_every_resource_meets_its_published_schema(overlay: str) -> None:
    """Core kinds by Kubernetes' own, without unknown fields; custom ones as installed."""
    faults = []
    for resource in rendered(overlay):
        place = f"{resource['kind']} {resource['metadata']['name']}"
        if resource["apiVersion"] in _GROUPS:
            errors = validator(resource["kind"]).iter_errors(resource)
            faults += [f"{place} {error.json_path}: {error.message}" for error in errors]
            continue
        try:
            kubernetes_validate.validate(resource, OLDEST_KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            faults.append(f"{place}: {error.message}")
    assert not faults


@pytest.mark.parametrize(
    ("kind", "path", "wrong"),
    [
        ("KafkaTopic", ("spec", "partitons"), 4),
        ("KafkaTopic", ("spec", "partitions"), "four"),
        ("KafkaUser", ("spec", "authentication", "type"), "scram-sha-256"),
        ("Kafka", ("spec", "kafka", "listeners"), None),
        ("KafkaNodePool", ("spec", "roles"), ["brokers"]),
        ("HTTPRoute", ("spec", "rules", 0, "backendRefs", 0, "port"), 70_000),
        ("Gateway", ("spec", "gatewayClassName"), ""),
    ],
)
def test_a_field_that_a_cluster_would_refuse_is_found(kind: str, path: tuple[Any, ...], wrong: Any) -> None:
    """Misspelt, of the wrong type, missing, of no known value, out of its bounds."""
    resource = deepcopy(next(iter(of_kind("production", kind))))
    assert not list(validator(kind).iter_errors(resource))
    *way, last = path
    inner: Any = resource
    for step in way:
        inner = inner[step]
    inner[last] = wrong
    assert list(validator(kind).iter_errors(resource))


def test_topics_and_users_are_those_of_the_catalogue() -> None:
    """As `make manifests` writes them."""
    assert not list(drift(KUBERNETES))


def test_a_file_that_drifted_is_named(tmp_path: Path) -> None:
    """With the line that differs."""
    for path, text in documents().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text.replace("email.hits\n", "email.hit\n", 1))
    faults = list(drift(tmp_path))
    assert len(faults) == len(documents())
    assert "make manifests" in faults[0]
    assert "email.hit\n" in faults[0]


@overlays
def test_no_secret_is_in_the_manifests_and_each_is_documented(overlay: str) -> None:
    """By reference only; how to make each stands in docs/kubernetes.md, but for those that Strimzi makes."""
    assert not of_kind(overlay, "Secret")
    documented = (REPOSITORY / "docs" / "kubernetes.md").read_text()
    for name in _secrets_of(overlay):
        made_by_strimzi = name == "kaifu-cluster-ca-cert" or name.startswith("kaifu-")
        assert made_by_strimzi or re.search(rf"secret (generic|tls) {name}\b", documented), name


def _secrets_of(overlay: str) -> set[str]:
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if "secretKeyRef" in value:
                found.add(value["secretKeyRef"]["name"])
            found.update(value[key] for key in ("secretName",) if key in value)
            found.update(one["name"] for one in value.get("certificateRefs", []))
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    for resource in rendered(overlay):
        look(resource)
    return found


def test_only_crm_and_migrations_know_the_database() -> None:
    """And not by the same user."""
    known = {}
    for _, workload in each_workload():
        for one in workload.container.get("env", []):
            if one["name"] == "KAIFU_CRM_MONGODB_URL":
                known[workload.name] = one["valueFrom"]["secretKeyRef"]["name"]
    assert known == {"crm": "mongodb-crm", "migrate": "mongodb-migrate"}


@overlays
def test_kafka_keeps_topics_as_the_services_believe(overlay: str) -> None:
    """Partitions and copies: settings, topics and brokers agree."""
    found = environment(overlay, workloads(overlay)["tracker"])
    brokers = sum(
        pool["spec"]["replicas"]
        for pool in of_kind(overlay, "KafkaNodePool")
        if "broker" in pool["spec"]["roles"]
    )
    topics = of_kind(overlay, "KafkaTopic")
    assert len(topics) == 2 * len(TOPICS)
    for topic in topics:
        spec = topic["spec"]
        wanted = 1 if spec["topicName"].endswith(".dlq") else int(str(found["KAIFU_KAFKA_PARTITIONS"]))
        assert spec["partitions"] == wanted
        assert spec["replicas"] == int(str(found["KAIFU_KAFKA_REPLICATION"])) <= brokers
        assert int(spec["config"]["min.insync.replicas"]) == max(1, brokers - 1)
    (kafka,) = of_kind(overlay, "Kafka")
    assert kafka["spec"]["kafka"]["config"]["auto.create.topics.enable"] is False
    pom = (REPOSITORY / "deploy" / "kafka" / "pom.xml").read_text()
    assert f"<version>{kafka['spec']['kafka']['version']}</version>" in pom


def test_versions_and_ids_are_those_of_this_release() -> None:
    """Images carry the version of the distribution; the extension is the one that is built here."""
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    for overlay, workload in each_workload():
        assert workload.container["image"].endswith(f":{version}"), (overlay, workload.name)
    crm = environment("production", workloads("production")["crm"])
    assert json.loads(str(crm["KAIFU_CRM_EXTENSION_IDS"])) == [EXTENSION_ID]
    notifier = environment("production", workloads("production")["notifier"])
    assert notifier["KAIFU_NOTIFIER_ALLOWED_ORIGINS"] == f"chrome-extension://{EXTENSION_ID}"


def test_the_files_of_kustomize_are_all_used() -> None:
    """A manifest that nobody lists is applied by nobody."""
    for file in KUBERNETES.rglob("kustomization.yaml"):
        listed = yaml.safe_load(file.read_text())
        used = {*listed.get("resources", []), *(patch["path"] for patch in listed.get("patches", []))}
        there = {one.name for one in file.parent.glob("*.yaml")} - {file.name}
        assert there <= used, file
