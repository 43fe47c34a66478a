"""The page of the command line is what the commands say of themselves, and each says enough."""

from __future__ import annotations

import re
import shlex

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from contract import cli_page
from modelpass_client.cli.app import NAME, app
from modelpass_client.cli.exits import MEANINGS

COMMANDS = dict(cli_page._commands(get_command(app)))
NAMED = """
login logout whoami
catalogue list|put|withdraw
tiers down|up
subscriptions find|show|usage|history|events|holds|suspend|resume|correct|release
orders list|confirm|reject
plans show|set|end
keys lookup
quote buy
audit upgrade restore seed
"""
SECRET = re.compile(r"token|secret|password|api-?key", re.IGNORECASE)


def test_page_is_written_from_the_code() -> None:
    assert cli_page.PAGE.read_text("utf-8") == cli_page.page(), "write it anew: make cli-page"


def test_every_command_that_was_asked_for_is_there_and_no_other() -> None:
    words = set()
    for line in NAMED.split("\n"):
        group, _, names = line.partition(" ")
        words |= (
            {f"{group} {name}" for name in names.split("|")} if "|" in names or group == "keys" else set(line.split())
        )
    assert set(COMMANDS) == words


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_examples_of_it_that_it_would_take(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"], prog_name=NAME)
    assert shown.exit_code == 0
    examples = shown.stdout.partition("Examples:")[2].strip().splitlines()
    assert examples
    for example in examples:
        typed = re.split(r" \| | < | > ", example.partition(f"{NAME} {name}")[2])[0]
        assert f"{NAME} {name}" in example
        with COMMANDS[name].make_context(name, shlex.split(typed)):
            """It was understood."""


@pytest.mark.parametrize("name", COMMANDS)
def test_no_secret_is_an_argument_or_takes_a_value(name: str) -> None:
    for parameter in COMMANDS[name].params:
        takes_value = not getattr(parameter, "is_flag", False)
        named = parameter.name.replace("idempotency_key", "").replace("key_file", "")
        assert not (takes_value and (SECRET.search(named) or named == "key")), parameter.name


def test_help_of_all_tells_every_exit_status() -> None:
    shown = CliRunner().invoke(app, ["--help"], prog_name=NAME).stdout
    for status, meaning in MEANINGS.items():
        assert re.search(rf"^ +{status.value} +{re.escape(meaning)}$", shown, re.MULTILINE)
