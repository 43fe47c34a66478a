"""Signing in to the running stack by the device flow, as a person does who confirms the code in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from modelpass_client.cli.exits import Exit
from tests.support.command_line import CommandLine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.stack import Stack

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_SECONDS = 60


@pytest.fixture
def somebody(stack: Stack, tmp_path: Path) -> CommandLine:
    """Somebody who has no token."""
    return CommandLine(tmp_path, stack.url)


def logged_in(stack: Stack, somebody: CommandLine, *words: str, **decision: str) -> tuple[int, str, str]:
    """Type `login`, decide on the page that it names, and wait for its end: its status, and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "modelpass_client.cli", "login", *words],
        env=somebody.environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        told = process.stderr.readline()
        page, code = re.fullmatch(r"Open (\S+) and confirm this code: (\S+)\n", told).groups()  # type: ignore[union-attr]
        assert page.startswith(f"{stack.url}/_local/identity/device?user_code=")
        assert code.encode() in stack.send("GET", page.removeprefix(stack.url)).body
        form = urlencode({"user_code": code, **decision}).encode()
        assert stack.send("POST", "/_local/identity/device/sign-in", form, FORM).status == 200
        out, errors = process.communicate(timeout=_SECONDS)
    return process.returncode, out, errors


def test_operator_signs_in_works_and_signs_out(stack: Stack, somebody: CommandLine) -> None:
    decision = {"account": "op_login", "operator": "yes", "decision": "allow"}
    status, out, _ = logged_in(stack, somebody, "--operator", **decision)
    assert (status, out) == (0, f"Signed in to {stack.url} as op_login, operator.\n")
    assert "veo-3" in [model["modelId"] for model in somebody.typed("catalogue", "list", "--json").lines]
    assert somebody.typed("whoami", "--json").json["account"] == "op_login"
    # A second person at the same machine has a home of their own, and is not signed in by that.
    assert replace(somebody, home=somebody.home / "other").typed("catalogue", "list").status == Exit.NOT_ALLOWED
    assert somebody.typed("logout").status == 0
    assert somebody.typed("catalogue", "list").status == Exit.NOT_ALLOWED


def test_sign_in_that_is_denied_on_the_page_signs_nobody_in(stack: Stack, somebody: CommandLine) -> None:
    status, out, errors = logged_in(stack, somebody, decision="deny")
    assert (status, out) == (Exit.NOT_ALLOWED, "")
    assert "The sign-in was denied on the page." in errors
    assert somebody.typed("whoami").status == Exit.NOT_ALLOWED
