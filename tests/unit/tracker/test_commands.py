"""`kaifu verdict`: cases in, verdicts out, one line each, and bad lines lose nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from services.tracker.commands import verdict
from shared.events.evidence import SENTENCES
from tests.unit.tracker.made import CHROME, GOOGLE_ADDRESS, GOOGLE_PROXY

PROXY = {"endpoint": "pixel", "method": "GET", "user_agent": GOOGLE_PROXY, "ip": GOOGLE_ADDRESS}
app = typer.Typer()
app.command()(verdict)


def case(**fields: object) -> str:
    return json.dumps({"headers": {}, "seconds_after_send": 100, "other_hits": [], **PROXY, **fields})


def run(*lines: str, options: tuple[str, ...] = ("--json",)) -> Result:
    return CliRunner().invoke(app, list(options), input="\n".join(lines))


def answers(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.requirement("B1")
def test_one_line_in_one_line_out_with_rules_and_reasons() -> None:
    result = run(case(id="one"), "", case(user_agent="curl/8.5.0", ip=None, id=2))
    assert result.exit_code == 0
    proxied, program = answers(result)
    assert (proxied["id"], proxied["verdict"], proxied["rule_ids"][0]) == (
        "one",
        "proxied_human",
        "proxies.google",
    )
    assert (program["id"], program["verdict"], program["rule_ids"][0]) == (2, "machine", "agents.declared")
    assert proxied["reasons"][0] == SENTENCES["proxies.google"]["en"]
    assert (proxied["counted"], program["counted"]) == (True, False)


@pytest.mark.requirement("B1")
def test_what_happened_before_and_after_is_evidence() -> None:
    link = {"endpoint": "link", "user_agent": CHROME, "ip": "198.51.100.7", "link": 0}
    others = [{**link, "link": number, "seconds_after_send": 100.1 * number} for number in (1, 2)]
    alone, in_a_burst = answers(run(case(**link), case(**link, other_hits=others)))
    assert (alone["verdict"], in_a_burst["verdict"]) == ("human", "machine")
    assert in_a_burst["rule_ids"][0] == "bursts.links-at-once"


@pytest.mark.requirement("B1")
@pytest.mark.parametrize(("apart", "expected"), [(0.02, "machine"), (0.35, "human"), (3.0, "human")])
def test_two_links_without_a_name_are_one_that_was_clicked_twice(apart: float, expected: str) -> None:
    """Unless they come as no hand moves: then they are two, by a scanner."""
    link = {"endpoint": "link", "user_agent": CHROME, "ip": "198.51.100.7"}
    other = {**link, "seconds_after_send": 100 + apart}
    (judged,) = answers(run(case(**link, seconds_after_send=100, other_hits=[other])))
    assert judged["verdict"] == expected


@pytest.mark.requirement("B4", "B5")
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"own_views": [{"user_agent": CHROME, "seconds_after_send": 101}]}, "self"),
        (
            {"other_hits": [{**PROXY, "message": "newer-in-thread", "seconds_after_send": 99}]},
            "older_message",
        ),
        ({"other_hits": [{**PROXY, "message": "this", "seconds_after_send": 99}]}, "proxied_human"),
    ],
)
def test_own_views_and_newer_mails(more: dict[str, object], expected: str) -> None:
    (judged,) = answers(run(case(**more)))
    assert judged["verdict"] == expected


@pytest.mark.requirement("B1")
def test_several_mails_to_one_domain_by_one_client_are_a_scan() -> None:
    direct = {"user_agent": CHROME, "ip": "198.51.100.7", "headers": {}}
    others = [{**direct, "message": "same-domain", "seconds_after_send": 100 + n} for n in (1, 2)]
    few, many = answers(run(case(**direct, other_hits=others[:1]), case(**direct, other_hits=others)))
    assert (few["verdict"], many["verdict"]) == ("human", "machine")


@pytest.mark.requirement("B1")
def test_a_bad_line_is_named_and_the_others_are_judged() -> None:
    result = run("{", case(seconds_after_send=None), case(endpoint="door"), case())
    assert result.exit_code == 1
    found = answers(result)
    assert [line.get("line") for line in found] == [1, 2, 3, None]
    assert found[3]["verdict"] == "proxied_human"
    assert "line 2 is no case: seconds_after_send" in result.stderr


@pytest.mark.requirement("B1")
@pytest.mark.parametrize("unkind", [{"headers": None}, {"user_agent": None}, {"ip": None}, {"unheard": [1]}])
def test_what_a_corpus_leaves_out_or_adds_is_no_error(unkind: dict[str, object]) -> None:
    assert run(case(**unkind)).exit_code == 0


@pytest.mark.requirement("B2")
def test_an_earlier_rule_set_judges_as_it_did(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(case(user_agent="curl/8.5.0"))
    first = answers(CliRunner().invoke(app, [str(file), "--json", "--ruleset", "2026.11.1"]))
    assert (first[0]["verdict"], first[0]["ruleset_version"]) == ("human", "2026.11.1")
    unknown = CliRunner().invoke(app, ["--ruleset", "1999.1"], input=case())
    assert unknown.exit_code == 2
    assert "2026.11.2" in unknown.output


@pytest.mark.requirement("B1", "B10")
def test_people_read_it_in_their_language() -> None:
    result = run(case(), options=("--language", "ja"))
    assert "1: proxied_human (90%)" in result.stdout
    assert SENTENCES["proxies.google"]["ja"] in result.stdout
