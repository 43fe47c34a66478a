"""The tools run from a clone, with its packages, by their own exit status, and say plainly where there is none."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from local.machine import ROOT
from modelpass_client.cli import clone
from modelpass_client.cli.app import app
from modelpass_client.cli.failures import Failure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.service import Service

TOOL = """
import json, os, sys
names = ("STACK", "FROM", "UNITS", "PROGRESS", "AT", "DATA", "PORT", "API", "TOKEN", "CONFIRM")
print(json.dumps({"tool": sys.argv[1], **{name: os.environ[name] for name in names if name in os.environ}}))
sys.stderr.write("half of it\\n")
sys.exit(int(os.environ.get("ENDS_WITH", "0")))
"""


@pytest.fixture
def cloned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose tools tell what they were given, and whose packages are set up by make."""
    root = tmp_path / "clone"
    for module in ("ops", "local"):
        (root / module).mkdir(parents=True)
        (root / module / "__main__.py").write_text(TOOL)
    (root / "layers" / "modelpass").mkdir(parents=True)
    python = "printf '#!/bin/sh\\nexec %s \"$$@\"\\n' > $(@D)/bin/python; chmod +x $(@D)/bin/python"
    made = f"\t@mkdir -p $(@D)/bin; {python}; touch $@"
    (root / "Makefile").write_text(f".tools/ops/.ready .venv/.ready:\n{made % shlex.quote(sys.executable)}\n")
    monkeypatch.setenv("MODELPASS_CLONE", str(root))
    for name in ("AT", "DATA", "PORT", "FROM", "UNITS", "PROGRESS", "TOKEN", "API", "CONFIRM", "HISTORY_TABLE"):
        monkeypatch.delenv(name, raising=False)
    return root


def run(*words: str, **more: str) -> Any:
    return CliRunner().invoke(app, words, env=more)


@pytest.mark.parametrize(
    ("words", "module", "given"),
    [
        (("upgrade", "--stack", "s"), "ops", {"STACK": "s"}),
        (
            ("restore", "--stack", "s", "--from", "{}-r", "--units", "3k", "--progress", "p", "--yes"),
            "ops",
            {"STACK": "s", "FROM": "{}-r", "UNITS": "3000", "PROGRESS": "p"},
        ),
        (("audit", "--stack", "s", "--at", "2026-12-24"), "ops", {"STACK": "s", "AT": "2026-12-24T00:00:00Z"}),
        (("audit", "--data", "d"), "local", {"DATA": "d"}),
        (("audit", "--url", "http://127.0.0.1:3999"), "local", {"PORT": "3999"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_tool_is_given_what_was_typed_and_nothing_is_lost_of_what_it_prints(
    cloned: Path, words: tuple[str, ...], module: str, given: dict[str, str]
) -> None:
    ended = run(*words)
    assert ended.exit_code == 0
    assert json.loads(ended.stdout) == {"tool": words[0], **given}
    assert ended.stderr == "half of it\n"
    assert (cloned / (".venv" if module == "local" else ".tools/ops") / ".ready").exists()
    assert not (cloned / (".venv" if module == "ops" else ".tools/ops") / ".ready").exists()


def test_tables_by_name_are_audited_as_a_deployment(cloned: Path) -> None:
    assert json.loads(run("audit", HISTORY_TABLE="restored").stdout) == {"tool": "audit"}
    assert (cloned / ".tools/ops/.ready").exists()


@pytest.mark.usefixtures("cloned")
def test_seeding_is_done_as_the_operator_who_is_signed_in(service: Service) -> None:
    ended = run("seed", "--url", service.url, "--confirm", MODELPASS_TOKEN="a-token")
    assert json.loads(ended.stdout) == {"tool": "seed", "API": service.url, "TOKEN": "a-token", "CONFIRM": "yes"}
    assert run("seed", "--url", service.url).exit_code == 3


@pytest.mark.usefixtures("cloned")
@pytest.mark.parametrize("status", [1, 2])
def test_the_exit_status_of_a_tool_is_that_of_the_command(status: int) -> None:
    ended = run("upgrade", "--stack", "s", "--json", ENDS_WITH=str(status))
    assert ended.exit_code == status
    told = json.loads(ended.stdout)
    assert (told["tool"], told["exitStatus"], len(told["printed"])) == ("upgrade", status, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("upgrade",), "Say which deployment: --stack NAME."),
        (("restore", "--stack", "s"), "Say what the restored tables are called"),
        (("restore", "--stack", "s", "--from", "x"), "Say what the restored tables are called"),
        (("restore", "--stack", "s", "--from", "{}-r"), "Nobody is there to confirm it."),
        (("restore", "--stack", "s", "--from", "{}-r", "--units", "many", "--yes"), "--units must be a whole number"),
        (("audit", "--stack", "s", "--data", "d"), "not both"),
        (("audit", "--at", "noon"), "--at must be a date"),
        (("audit", "--url", "https://a.example"), "Say what to audit"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_missing_is_told_before_a_tool_runs(cloned: Path, words: tuple[str, ...], said: str) -> None:
    ended = run(*words)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert not (cloned / ".tools").exists()


def test_packages_that_cannot_be_set_up_are_told(cloned: Path) -> None:
    (cloned / "Makefile").write_text(".tools/ops/.ready:\n\t@exit 1\n")
    ended = run("upgrade", "--stack", "s")
    assert ended.exit_code == 2
    assert f"Run `make .tools/ops/.ready` in {cloned}." in ended.stderr


def test_without_a_clone_a_tool_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clone, "__file__", str(tmp_path / "site-packages" / "clone.py"))
    for words in (("upgrade", "--stack", "s"), ("seed",), ("audit",)):
        ended = run(*words)
        assert (ended.exit_code, ended.stdout) == (2, "")
        assert "there is none here" in ended.stderr
    with pytest.raises(Failure):
        clone.folder()
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(ROOT / "docs" / "adr")
    assert clone.folder() == ROOT
