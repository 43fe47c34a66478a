"""Programs in processes of their own: what ends them is real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[3] / "clients" / "python"
ROOT = Path(__file__).parents[3]
WAIT = 60.0  # seconds after which a test has failed


def environment() -> dict[str, str]:
    """What such a program sees; the paths are those of the packages under test."""
    paths = [str(CLIENT), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(paths)}


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A program under way; what it prints is read from its pipe."""
    command = [sys.executable, "-c", program, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment())


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program that has ended."""
    with start(program, *arguments) as process:
        try:
            out, err = process.communicate(timeout=WAIT)
        finally:
            process.kill()  # which changes nothing where it has ended
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)
