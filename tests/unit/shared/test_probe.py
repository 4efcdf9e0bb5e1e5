"""The probe of an image's HEALTHCHECK."""

import subprocess
import sys

import pytest

from tests.unit.answering import answering


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_it_passes_on_what_readiness_says(status: int, code: int) -> None:
    asked: list[str] = []

    def readiness(path: str) -> tuple[int, str]:
        asked.append(path)
        return status, "{}"

    with answering(readiness) as port:
        assert _probe(port) == code
    assert asked == ["/health/ready"]


def test_nobody_there_is_not_ready() -> None:
    with answering(lambda _: (200, "")) as port:
        pass
    assert _probe(port) == 1


def _probe(port: int) -> int:
    command = [sys.executable, "-m", "shared.health.probe", str(port)]
    return subprocess.run(command, check=False).returncode
