"""Who may type what, who answers, and how a command ends; tools, completion and secrets."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.machine import ROOT, free_port
from tests.support.command_line import CommandLine
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.stack import Stack


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "lookup"),
        ("subscriptions", "holds", "sub_x"),
        ("subscriptions", "find", "--account", "other"),
        ("subscriptions", "suspend", "sub_x", "--reason", "x", "--yes"),
        ("subscriptions", "resume", "sub_x", "--reason", "x"),
        ("subscriptions", "correct", "sub_x", TEXT_MODEL, "--units", "1", "--reason", "x"),
        ("orders", "list", "--account", "other"),
        ("orders", "confirm", "ord_x", "--reference", "x", "--reason", "x"),
        ("orders", "reject", "ord_x", "--reason", "x", "--yes"),
        ("plans", "show", "a"),
        ("plans", "set", "a", "p", "--expires", "2099-01-01", "--reason", "x"),
        ("plans", "end", "a", "p", "--reason", "x", "--yes"),
        ("tiers", "down", TEXT_MODEL, "stable", "--reason", "x"),
        ("tiers", "up", TEXT_MODEL, "stable", "--reason", "x"),
        ("catalogue", "withdraw", TEXT_MODEL, "--reason", "x", "--yes"),
        ("catalogue", "put", str(ROOT / "catalogue.json"), "--reason", "x", "--yes"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_operators_commands_are_refused_to_customers(customer: CommandLine, words: tuple[str, ...]) -> None:
    ended = customer.typed(*words, given="sk-custom-x\n")
    assert (ended.status, ended.out) == (3, "")
    assert "This is for operators" in ended.err


def test_what_is_not_there_and_who_is_not_signed_in_are_told_apart(
    stack: Stack, operator: CommandLine, tmp_path: Path
) -> None:
    assert operator.typed("subscriptions", "show", "sub_mfrggzdfmztwq2lknnwg23tp").status == 4
    assert operator.typed("subscriptions", "show", "not/an/id").status == 2
    nobody = CommandLine(tmp_path, stack.url)
    ended = nobody.typed("catalogue", "list")
    assert (ended.status, "Nobody is signed in" in ended.err) == (3, True)
    stale = CommandLine(tmp_path, stack.url, "e30.e30.x")
    ended = stale.typed("catalogue", "list")
    assert (ended.status, "The token is not accepted" in ended.err) == (3, True)
    away = CommandLine(tmp_path, f"http://127.0.0.1:{free_port()}", operator.token)
    ended = away.typed("catalogue", "list")
    assert (ended.status, "does not answer: Connection refused" in ended.err) == (5, True)
    assert operator.typed("catalogue", "list", "--no-such").status == 2
    assert operator.typed("no-such").status == 2


def test_an_audit_of_the_running_stack_ends_with_its_own_status(operator: CommandLine) -> None:
    ended = operator.typed("audit", "--json", MODELPASS_CLONE=str(ROOT))
    assert ended.status == 0, ended.err
    assert ended.json["tool"] == "audit"
    assert "Breaches: 0." in ended.json["printed"][-1]
    assert "Breaches: 0." in operator.typed("audit", MODELPASS_CLONE=str(ROOT)).out


def test_words_are_completed(operator: CommandLine) -> None:
    def completed(text: str) -> list[str]:
        at = str(text.count(" "))
        return operator.spawned(_MODELPASS_COMPLETE="complete_bash", COMP_WORDS=text, COMP_CWORD=at).out.split()

    assert completed("modelpass sub") == ["subscriptions"]
    assert completed("modelpass tiers ") == ["down", "up"]
    assert completed("modelpass tiers down m s") == ["stable"]
    shown = subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -m modelpass_client.cli --show-completion; true"],
        env=operator.environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_MODELPASS_COMPLETE=complete_bash" in shown.stdout
