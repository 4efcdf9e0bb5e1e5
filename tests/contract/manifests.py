"""The manifests as `kubectl apply -k` would send them, and the settings that their containers get."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.kubernetes.access import SERVICES
from deploy.kubernetes.strimzi import OVERLAYS
from services.crm.settings import CrmSettings
from services.ingest.settings import IngestSettings
from services.logger.settings import LoggerSettings
from services.notifier.settings import NotifierSettings
from services.tracker.settings import TrackerSettings
from shared.directory.client import DirectorySettings
from shared.settings import KafkaSettings, OpsSettings, PublicAddresses, TelemetrySettings

REPOSITORY = Path(__file__).resolve().parents[2]
KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
Resource = dict[str, Any]

ALL_SETTINGS: tuple[type[BaseSettings], ...] = (
    *(KafkaSettings, TelemetrySettings, OpsSettings, PublicAddresses, DirectorySettings),
    *(CrmSettings, IngestSettings, LoggerSettings, NotifierSettings, TrackerSettings),
)
_OF_COMMANDS = {
    "migrate": (CrmSettings,),
    "topics": (KafkaSettings,),
    "shell": (KafkaSettings,),
}
# What an operator runs in a service's own pod, with its environment.
_IN_PODS = {"tracker": ("services/tracker/adapters/replay_sources.py",)}


@cache
def settings_of(workload: str) -> tuple[type[BaseSettings], ...]:
    """The settings that a service reads, by its wiring, or that a job's command reads."""
    if workload not in SERVICES:
        return _OF_COMMANDS[workload]
    wiring = [f"services/{workload}/__main__.py", "shared/process.py", *_IN_PODS.get(workload, ())]
    source = "\n".join((REPOSITORY / path).read_text() for path in wiring)
    return tuple(one for one in ALL_SETTINGS if f"{one.__name__}()" in source)


def variables(settings: type[BaseSettings]) -> dict[str, str]:
    """Its environment variables, and the field of each."""
    prefix = settings.model_config["env_prefix"]
    return {f"{prefix}{field}".upper(): field for field in settings.model_fields}


def variables_of(workload: str) -> set[str]:
    """Every variable that the workload reads."""
    return {name for settings in settings_of(workload) for name in variables(settings)}


@cache
def rendered(overlay: str) -> tuple[Resource, ...]:
    """All resources of an overlay. Fails where neither kubectl nor kustomize is installed."""
    command = _kustomize()
    done = subprocess.run(
        [*command, str(KUBERNETES / "overlays" / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def _kustomize() -> list[str]:
    for program, *arguments in (["kubectl", "kustomize"], ["kustomize", "build"]):
        if found := shutil.which(program):
            return [found, *arguments]
    pytest.fail(
        "The manifests can't be rendered: install kubectl 1.30 or newer, or kustomize 5", pytrace=False
    )


def of_kind(overlay: str, *kinds: str) -> list[Resource]:
    """The resources of some kinds."""
    return [one for one in rendered(overlay) if one["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Resource:
    """One resource."""
    (found,) = (one for one in of_kind(overlay, kind) if one["metadata"]["name"] == name)
    return found


@dataclass(frozen=True, slots=True)
class Workload:
    """What makes pods: its name, the whole resource and the pods' specification."""

    name: str
    resource: Resource
    pod: Resource

    @property
    def labels(self) -> dict[str, str]:
        """Of its pods."""
        found: dict[str, str] = self.resource["spec"]["template"]["metadata"]["labels"]
        return found

    @property
    def container(self) -> Resource:
        """Its only container."""
        (container,) = self.pod["containers"]
        assert isinstance(container, dict)
        return container


def workloads(overlay: str) -> dict[str, Workload]:
    """Everything of ours that makes pods, by name."""
    return {
        one["metadata"]["name"]: Workload(one["metadata"]["name"], one, one["spec"]["template"]["spec"])
        for one in of_kind(overlay, "Deployment", "StatefulSet", "Job")
    }


def environment(overlay: str, workload: Workload) -> dict[str, str | None]:
    """The container's variables; None for what a Secret holds."""
    found: dict[str, str | None] = {}
    for source in workload.container.get("envFrom", []):
        found |= named(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
    for one in workload.container.get("env", []):
        found[one["name"]] = one.get("value")
    return found


def each_workload() -> Iterator[tuple[str, Workload]]:
    """Every workload of every overlay, with the overlay's name."""
    for overlay in OVERLAYS:
        for workload in workloads(overlay).values():
            yield overlay, workload
