"""The image of each service, without an engine: the recipe is sound, its extra is all that a service imports.

What no test here can show: that a builder makes the images.
"""

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deploy.kubernetes.access import SERVICES
from shared.settings import OpsSettings
from tests.contract.manifests import REPOSITORY, environment, workloads

_DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"
_OURS = {"services", "shared", "deploy", "bench", "tests"}
_ABSENT = """
import importlib, importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent = set(sys.argv[2].split(","))
sys.meta_path.insert(0, Absent())
importlib.import_module(sys.argv[1])
"""


def _instructions() -> list[tuple[str, str]]:
    """Instruction and argument, in order."""
    joined = _DOCKERFILE.read_text().replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def _last_stage() -> list[tuple[str, str]]:
    instructions = _instructions()
    start = max(at for at, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[start:]


def test_hadolint_has_no_objection() -> None:
    """Its rules and those of ShellCheck, on every RUN."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([str(hadolint), str(_DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_service_is_nobody_and_hears_sigterm() -> None:
    """A numeric user, which Kubernetes can check; exec form, and scripts that become what they start."""
    last = dict(_last_stage())
    uid = workloads("production")["crm"].pod["securityContext"]["runAsUser"]
    assert last["USER"] == f"{uid}:{uid}"
    assert json.loads(last["ENTRYPOINT"]) == ["serve.sh"]
    for script in (REPOSITORY / "deploy" / "docker").glob("*.sh"):
        assert script.read_text().rstrip().splitlines()[-1].startswith("exec "), script
    assert not re.search(r"\b(gcc|build-essential|apt-get|pip install)\b", " ".join(last.values()))


def test_health_is_asked_where_it_is_told() -> None:
    """At the ops port of the settings and of the manifests."""
    _, command = dict(_last_stage())["HEALTHCHECK"].split("CMD ")
    port = OpsSettings.model_fields["port"].default
    assert json.loads(command) == ["python", "-m", "shared.health.probe", str(port)]
    assert environment("production", workloads("production")["crm"])["KAIFU_OPS_PORT"] == str(port)


def test_what_is_copied_is_sent_to_the_builder() -> None:
    """`.dockerignore` leaves out all that it does not name."""
    ignored, *kept = [
        line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line[0] != "#"
    ]
    assert ignored == "*"
    sent = {line.removeprefix("!") for line in kept if line.startswith("!")}
    copied = {
        source.split("/${")[0]
        for word, rest in _instructions()
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    for source in copied:
        assert any(source == one or source.startswith(f"{one}/") for one in sent), source
        assert (REPOSITORY / source.replace("${SERVICE}.txt", "crm.txt")).exists(), source


@pytest.mark.parametrize("service", SERVICES)
def test_the_extra_of_a_service_is_all_that_it_imports(service: str) -> None:
    """Its wiring starts where nothing but requirements/<service>.txt is installed."""
    pinned = re.findall(
        r"^([a-z0-9-]+)==", (REPOSITORY / "requirements" / f"{service}.txt").read_text(), re.M
    )
    installed = {_normal(name) for name in pinned}
    absent = {
        module
        for module, distributions in packages_distributions().items()
        if module not in _OURS and not {_normal(name) for name in distributions} & installed
    }
    assert "pytest" in absent
    command = [sys.executable, "-c", _ABSENT, f"services.{service}.__main__", ",".join(sorted(absent))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("file", ["run", *SERVICES])
def test_pins_are_those_of_the_tests(file: str) -> None:
    """`make requirements` makes them together."""
    tested = _pins("dev")
    assert _pins(file).items() <= tested.items()


def _pins(file: str) -> dict[str, str]:
    text = (REPOSITORY / "requirements" / f"{file}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.M))
