"""The word after `python -m ops` or `python -m local` names a command; any other word gets the list of them."""

from __future__ import annotations

import sys

import pytest
from botocore.exceptions import NoRegionError

from ops.aws import status_of
from ops.errors import CommandError
from ops.terminal import carry_out

COMMANDS = {"first": "not.there", "second": "tests.unit.ops.test_terminal"}


def main() -> int:
    return 7


def test_command_that_is_named_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["ops", "second"])
    assert carry_out(COMMANDS) == 7


@pytest.mark.parametrize("words", [[], ["third"], [""]])
def test_no_command_or_an_unknown_one_lists_those_there_are(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ops", *words])
    assert carry_out(COMMANDS) == 2
    assert capsys.readouterr().err == "Say one of: first, second.\n"


def test_default_is_carried_out_when_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["local"])
    assert carry_out(COMMANDS, default="second") == 7


@pytest.mark.parametrize(
    ("failure", "told"),
    [(NoRegionError(), "Say in which Region: AWS_DEFAULT_REGION=…\n"), (CommandError("No."), "No.\n")],
    ids=["no Region", "our own"],
)
def test_failure_is_one_line_and_status_2(failure: Exception, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise failure

    assert status_of(fail) == 2
    assert capsys.readouterr().err == told
