"""What else whoever typed the command gives: answers, a reason, a secret, a file.

Rule: nobody is asked where nobody can answer; the command ends instead.
"""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Any, Final

import typer

from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure, usage

MOST_OF_A_REASON: Final = 200
"""Characters: what `X-Request-Reason` takes."""
_MOST_OF_A_KEY: Final = 4096


def can_answer() -> bool:
    """Whether a person sits at standard input."""
    return sys.stdin.isatty()


def confirm(consequence: str, *, yes: bool) -> None:
    """Ask whether it is meant, unless `yes` was given; raises `Failure` when it is not, or nobody can answer."""
    if yes:
        return
    if not can_answer():
        raise usage(f"{consequence} Nobody is there to confirm it.", "Repeat it with --yes if it is meant.")
    if not typer.confirm(f"{consequence} Go on?", err=True):
        raise Failure(Exit.DECLINED, "Nothing was sent.")


def reason(given: str | None) -> str:
    """The reason that a change is logged with: given, or asked for; raises `Failure` when there is none."""
    if given is None and not can_answer():
        raise usage("Say why, for it is logged: --reason '…'.")
    text = (typer.prompt("Reason (it is logged)", err=True) if given is None else given).strip()
    if not text or len(text) > MOST_OF_A_REASON or not text.isprintable():
        raise usage(f"A reason is one line of 1 to {MOST_OF_A_REASON} characters.")
    return text


def secret(name: str) -> str:
    """A secret from standard input: typed without being shown, or piped; never an argument, which others could read."""
    given = getpass.getpass(f"{name} (it is not shown): ") if can_answer() else sys.stdin.readline(_MOST_OF_A_KEY)
    text = given.strip()
    if not text:
        raise usage(f"No {name} came on standard input.")
    return text


def json_file(name: str) -> Any:
    """What a file holds in JSON, or standard input where the name is `-`; raises `Failure` when it is none."""
    try:
        return json.loads(sys.stdin.read() if name == "-" else Path(name).read_text("utf-8"))
    except OSError as error:
        raise usage(f"{name} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise usage(f"{name} is no JSON: {error}.") from None
