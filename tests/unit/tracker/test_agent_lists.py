"""The data file of programs that a public list knows, and the command that rebuilds it (B1)."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.tracker.agent_commands import agents
from services.tracker.rules.rulesets import SECOND
from services.tracker.verdict import alone
from shared.events.engagements import Verdict
from tests.unit.tracker.made import CHROME, Tracked, hit, message

LIGHTHOUSE = f"{CHROME} Chrome-Lighthouse"
NAMES = [
    {"pattern": "Chrome-Lighthouse", "instances": [LIGHTHOUSE], "tags": ["monitoring"]},
    {"pattern": r"New\/Probe", "instances": [f"{CHROME} New/Probe"], "tags": ["seo", "scanner"]},
    {"pattern": r"\\bWord", "instances": [f"{CHROME} Word"], "tags": []},
    {"pattern": "[cC]heck", "instances": [f"{CHROME} check"], "tags": []},
    {"pattern": "Abc", "instances": [f"{CHROME} Abc"], "tags": []},
    {"pattern": "Googlebot", "instances": ["Googlebot/2.1"], "tags": []},
    {"pattern": "GoogleImageProxy", "instances": [f"{CHROME} (via GoogleImageProxy)"], "tags": []},
    {"pattern": "A phone's build", "instances": [f"{CHROME} a phone's build"], "tags": []},
]
ABOUT = ["--people", "people.txt", "--origin", "a list", "--date", "2026-11-01", "--licence", "MIT"]


@pytest.mark.requirement("B1")
def test_a_listed_program_that_poses_as_a_browser_is_a_machine() -> None:
    fetched = hit(3600, agent=LIGHTHOUSE)
    judged = Tracked(message(), fetched).judged(fetched)
    assert (judged.verdict, judged.evidence[0].rule) == (Verdict.MACHINE, "agents.listed")
    assert judged.evidence[0].values == {"kind": "monitor"}
    assert alone(fetched, SECOND).verdict is Verdict.HUMAN, "the rule set before knew no list"


@pytest.mark.requirement("B1")
def test_a_listed_name_within_another_word_is_none() -> None:
    fetched = hit(3600, agent=f"{CHROME} NotChrome-Lighthouse")
    assert Tracked(message(), fetched).judged(fetched).verdict is Verdict.HUMAN


@pytest.mark.requirement("B1")
def test_what_the_rules_lack_is_taken_and_what_people_have_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not: no plain text, too short, known already, an image proxy's, a person's, one to be left out."""
    monkeypatch.chdir(tmp_path)
    Path("list.json").write_text(json.dumps(NAMES))
    Path("people.txt").write_text(f"{CHROME}\n{CHROME} (A phone's build 7)\n")
    Path("data.json").write_text(json.dumps({"kinds": {"monitor": ["gone/"], "preview": ["gone too/"]}}))
    refresh = ["refresh", "list.json", *ABOUT, "--file", "data.json"]
    done = CliRunner().invoke(agents, refresh)
    assert done.exit_code == 0, done.output
    data = json.loads(Path("data.json").read_text())
    assert data["kinds"] == {"monitor": ["chrome-lighthouse"], "scanner": ["new/probe"]}
    assert (data["origin"], data["date"], data["licence"]) == ("a list", "2026-11-01", "MIT")
    assert "monitor: 1 names, 1 gone" in done.output
    assert "preview: 0 names, 1 gone" in done.output
    assert "a phone's build" in done.output
    CliRunner().invoke(agents, [*refresh, "--without", "New/Probe"])
    assert json.loads(Path("data.json").read_text())["kinds"] == {"monitor": ["chrome-lighthouse"]}


@pytest.mark.requirement("B1")
@pytest.mark.parametrize(("names", "people", "said"), [([], CHROME, "nothing"), (NAMES, "", "no agent")])
def test_without_a_list_or_people_the_file_stays(
    names: object, people: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.json").write_text(json.dumps(names))
    Path("people.txt").write_text(people)
    done = CliRunner().invoke(agents, ["refresh", "list.json", *ABOUT, "--file", "data.json"])
    assert (done.exit_code, said in done.output) == (2, True)
    assert not Path("data.json").exists()


@pytest.mark.requirement("B1")
@pytest.mark.parametrize("text", ["no JSON", '{"pattern": 1}', '[{"instances": []}]'])
def test_what_is_no_list_changes_nothing(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.json").write_text(text)
    Path("people.txt").write_text("")
    done = CliRunner().invoke(agents, ["refresh", "list.json", *ABOUT, "--file", "data.json"])
    assert done.exit_code == 2
    assert "list.json is no list" in done.output
    assert not Path("data.json").exists()
