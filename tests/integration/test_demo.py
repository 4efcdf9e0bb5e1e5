"""`make demo`, as a person or a machine runs it, against the running stack."""

import asyncio
import json
import sys

import pytest

from deploy.local.stack import Stack
from tests.integration.client import clean_environment

pytestmark = pytest.mark.integration


async def demo(stack: Stack, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local.demo", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**clean_environment(), "KAIFU_HOME": str(stack.home.root), **variables},
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


@pytest.mark.requirement("T2", "T3", "T4", "L2", "R2", "B1")
async def test_every_step_of_the_demo_succeeds_with_fresh_ids(stack: Stack) -> None:
    first, second = await demo(stack, "--json"), await demo(stack, "--json")
    for code, output, errors in (first, second):
        assert (code, errors) == (0, ""), output
        report = json.loads(output)
        assert report["ok"] is True
        assert all(step["ok"] and step["ms"] > 0 for step in report["steps"])
        assert len(report["steps"]) == 13
    assert json.loads(first[1])["message_id"] != json.loads(second[1])["message_id"]


async def test_a_person_sees_each_step_with_its_time(stack: Stack) -> None:
    code, output, _ = await demo(stack)
    assert code == 0, output
    ticks = [line for line in output.splitlines() if line.startswith("✓")]
    assert len(ticks) == 13
    assert all(" ms " in line for line in ticks)


async def test_a_missing_step_is_named_and_the_exit_code_says_so(stack: Stack) -> None:
    """A notifier that can't be reached: the push socket is the step that fails."""
    code, output, _ = await demo(stack, "--json", PUBLIC_PUSH_URL="ws://127.0.0.1:9")
    report = json.loads(output)
    assert code == 1
    assert report["ok"] is False
    failed = report["steps"][-1]
    assert (failed["step"], failed["ok"]) == ("open the push socket", False)
    assert failed["error"]


async def test_without_a_running_stack_the_demo_says_so(stack: Stack, tmp_path: object) -> None:
    code, _, errors = await demo(stack, KAIFU_HOME=str(tmp_path))
    assert code == 1
    assert "make up" in errors
