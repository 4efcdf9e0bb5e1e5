"""deploy/compose.yaml is valid, closed, and sets what the services read.

What no test here can show: that an engine runs it.
"""

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft201909Validator

from deploy.kubernetes.access import SERVICES
from tests.contract.manifests import REPOSITORY, settings_of, variables, variables_of

_DEPLOY = REPOSITORY / "deploy"
_SCHEMA = Path(__file__).with_name("compose-spec.schema.json")
_JOBS_OF_OURS = ("keys", "topics", "migrate")


@cache
def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((_DEPLOY / "compose.yaml").read_text())
    return found


def _service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _compose()["services"][name]
    return found


def test_it_meets_the_schema_of_compose_files() -> None:
    """The published one is older than a project's own name, which is looked at here."""
    document = dict(_compose())
    assert document.pop("name") == "kaifu"
    errors = Draft201909Validator(json.loads(_SCHEMA.read_text())).iter_errors(document)
    assert not [f"{error.json_path}: {error.message}" for error in errors]


def test_what_is_named_is_there() -> None:
    """Volumes, networks, what is waited for, mounted files, and images of this release."""
    document = _compose()
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    for name, service in document["services"].items():
        assert set(service.get("networks", [])) <= document["networks"].keys(), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (_DEPLOY / source).exists() if source.startswith("./") else source in document["volumes"]
            assert there, volume
        for other, wait in service.get("depends_on", {}).items():
            _can_be_waited_for(document["services"][other], wait["condition"])
        if "build" in service:
            of = service["build"]["args"]["SERVICE"]
            assert service["image"] == f"kaifu-{of}:{version}"
            assert of == name or name in _JOBS_OF_OURS


def _can_be_waited_for(service: dict[str, Any], condition: str) -> None:
    if condition == "service_healthy":
        assert "healthcheck" in service
    else:
        assert condition == "service_completed_successfully"
        assert "restart" not in service, "a job that is started again never completes"


def test_variables_are_settings() -> None:
    """What is set is read, what has no default is set, by a variable or by the keys' script."""
    script = (_DEPLOY / "compose" / "keys.sh").read_text()
    for name in (*SERVICES, "topics"):
        given = _ours(name) | set(_secrets(script, name))
        assert given <= variables_of(name), name
        for settings in settings_of(name) if name in SERVICES else ():
            fields = settings.model_fields
            needed = {one for one, field in variables(settings).items() if fields[field].is_required()}
            assert needed <= given, name


def _ours(name: str) -> set[str]:
    return {one for one in _service(name)["environment"] if one.startswith(("KAIFU_", "PUBLIC_"))}


def _secrets(script: str, service: str) -> list[str]:
    """KAIFU_… files of a service's volume, which `with-secrets.sh` makes variables."""
    services = re.findall(r"for service in (.*); do\n +cp directory-token", script)[0].split()
    token = ["KAIFU_DIRECTORY_TOKEN"] if service in services else []
    return token + re.findall(rf"/secrets/{service}/(KAIFU_\w+)", script)


def test_key_files_are_where_the_settings_say() -> None:
    """Each in the volume of its service alone."""
    script = (_DEPLOY / "compose" / "keys.sh").read_text()
    for name in SERVICES:
        copied = re.findall(rf"^cp (.*) /secrets/{name}/$", script, re.M)
        files = set(copied[0].split()) if copied else set()
        variables_of_files = _service(name)["environment"].items()
        asked = {str(value) for key, value in variables_of_files if key.endswith("_KEYS")}
        assert {f"/run/kaifu/{file}" for file in files} == asked, name
        if files:
            assert f"secrets-{name}:/run/kaifu:ro" in _service(name)["volumes"]


def test_values_are_valid() -> None:
    """Without an environment of the caller."""
    for name in SERVICES:
        given = {key: re.sub(r"\$\{\w+:-(.*)\}", r"\1", str(value)) for key, value in _environment(name)}
        for settings in settings_of(name):
            fields = settings.model_fields
            known = {field: given[one] for one, field in variables(settings).items() if one in given}
            known |= {field: "made" for field in fields if fields[field].is_required() and field not in known}
            settings.model_validate(known)


def _environment(name: str) -> list[tuple[str, Any]]:
    return list(_service(name)["environment"].items())


def test_ports_are_those_of_the_settings_and_on_loopback_alone() -> None:
    """TLS and the world are a proxy's."""
    for name in SERVICES:
        listens = {
            str(settings.model_fields[field].default)
            for settings in settings_of(name)
            for one, field in variables(settings).items()
            if one.endswith("PORT") and not {"OPS", "SMTP"} & set(one.split("_"))
        }
        published = _service(name).get("ports", [])
        assert published == [f"127.0.0.1:{port}:{port}" for port in sorted(listens)], name
    assert not [name for name in _compose()["services"] if name not in SERVICES and "ports" in _service(name)]


def test_only_crm_and_its_jobs_reach_the_database() -> None:
    """Networks that lead nowhere else."""
    on = {name for name in _compose()["services"] if "database" in _service(name).get("networks", [])}
    assert on == {"crm", "migrate", "mongo", "mongo-users"}
    assert _compose()["networks"]["database"] == {"internal": True}
    assert _compose()["networks"]["kafka"] == {"internal": True}


def test_services_are_restricted() -> None:
    """A read-only root, no capability, no new privileges; what is written to is a volume."""
    for name in SERVICES:
        service = _service(name)
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    writable = {
        one.split(":")[1]
        for name in SERVICES
        for one in _service(name).get("volumes", [])
        if one[-3:] != ":ro"
    }
    assert writable == {"/var/lib/kaifu/spool", "/var/lib/kaifu/tracker"}
