"""`kaifu spool drained`, the hook before a pod of ingest stops."""

import time

import pytest
from typer.testing import CliRunner

from services.ingest.commands import spool
from tests.unit.answering import answering


def _drained(port: int, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(spool, ["drained", *arguments], env={"KAIFU_OPS_PORT": str(port)})
    return done.exit_code, done.output


@pytest.mark.requirement("T9")
def test_it_waits_until_the_broker_has_every_hit() -> None:
    left = iter([3, 1, 0, 0])
    asked: list[str] = []

    def metrics(path: str) -> tuple[int, str]:
        asked.append(path)
        return 200, f"# TYPE kaifu_spool_records gauge\nkaifu_spool_records {next(left)}.0\n"

    with answering(metrics) as port:
        assert _drained(port) == (0, "")
    assert asked == ["/metrics"] * 3


def test_a_process_that_is_busy_is_asked_again() -> None:
    answers = iter(["", "kaifu_spool_records 0.0\n"])
    with answering(lambda _: (200, next(answers))) as port:
        assert _drained(port) == (0, "")


def test_it_says_what_is_left_when_its_time_is_over() -> None:
    with answering(lambda _: (200, "kaifu_spool_records 7.0\n")) as port:
        code, said = _drained(port, "--at-most", "0.6")
    assert code == 1
    assert said == "7 hits are still in the spool; they stay on its volume\n"


def test_it_goes_on_serving_until_others_have_learnt_not_to_call() -> None:
    began = time.monotonic()
    with answering(lambda _: (200, "kaifu_spool_records 0.0\n")) as port:
        assert _drained(port, "--at-least", "1.2")[0] == 0
    assert time.monotonic() - began >= 1.2


def test_a_process_that_does_not_answer_is_no_empty_spool() -> None:
    with answering(lambda _: (200, "")) as port:
        pass
    code, said = _drained(port, "--at-most", "0.6")
    assert code == 1
    assert "does not answer" in said
