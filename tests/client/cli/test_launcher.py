"""`./modelpass` in a clone: it sets up what it needs once, and hands credentials of AWS to the tools alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from local.machine import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TELLS = """#!/bin/sh
echo "$0 ${AWS_SECRET_ACCESS_KEY:-none} ${AWS_PROFILE:-none} $MODELPASS_CLONE $PYTHONPATH" "$@"
"""
MAKEFILE = """
.venv/.ready .tools/ops/.ready:
\t@echo "Setting up ..." >&2; mkdir -p $(@D)/bin; cp tells $(@D)/bin/python; chmod +x $(@D)/bin/python; touch $@
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose Python only tells how it was started."""
    shutil.copy(ROOT / "modelpass", tmp_path)
    (tmp_path / "tells").write_text(TELLS)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    return tmp_path


def started(clone: Path, *words: str, **more: str) -> tuple[list[str], str]:
    """How it was started: the environment of Python, the credentials, the clone, the path, and what was typed."""
    ended = subprocess.run(
        [str(clone / "modelpass"), *words],
        env={"PATH": os.environ["PATH"], "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "prod", **more},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.split(), ended.stderr


@pytest.mark.parametrize("words", [("catalogue", "list"), ("audit",), ("audit", "--data", "d"), ("--help",), ()])
def test_commands_that_are_no_tools_for_deployments_see_no_credentials(clone: Path, words: tuple[str, ...]) -> None:
    path = f"{clone}/clients/python"
    told, said = started(clone, *words)
    assert told == [f"{clone}/.venv/bin/python", "none", "none", str(clone), path, "-m", "modelpass_client.cli", *words]
    assert said == "Setting up ...\n"
    assert started(clone, *words)[1] == "", "once is enough"


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (("upgrade", "--stack", "s"), {}),
        (("restore", "--stack=s"), {}),
        (("seed",), {}),
        (("audit", "--stack", "s"), {}),
        (("audit", "--stack=s"), {}),
        (("audit",), {"STACK": "s"}),
        (("audit",), {"HISTORY_TABLE": "t"}),
    ],
)
def test_tools_for_deployments_run_from_packages_of_their_own(
    clone: Path, words: tuple[str, ...], more: dict[str, str]
) -> None:
    told, _ = started(clone, *words, **more)
    assert told[:3] == [f"{clone}/.tools/ops/bin/python", "secret", "prod"]


def test_a_store_that_is_named_gets_its_credentials(clone: Path) -> None:
    told, _ = started(clone, "audit", AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:1")
    assert told[:2] == [f"{clone}/.venv/bin/python", "secret"]


def test_it_is_found_through_a_link(clone: Path, tmp_path: Path) -> None:
    link = tmp_path / "bin" / "modelpass"
    link.parent.mkdir()
    link.symlink_to(clone / "modelpass")
    ended = subprocess.run([str(link)], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith(f"{clone}/.venv/bin/python ")
