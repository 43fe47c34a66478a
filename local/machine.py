"""The machine that the local stack runs on: its folder, loopback address, free ports, child processes. Rule: no AWS."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any, Final

HOST: Final = "127.0.0.1"
ROOT: Final = Path(__file__).resolve().parent.parent
"""The project's folder."""
_STOP_SECONDS: Final = 5.0
_PR_SET_PDEATHSIG: Final = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if platform.system() == "Linux" else None


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def die_with_parent() -> None:
    """Called in a child before its program starts: the child then ends with its parent, even when that is killed."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a child: ask it to end, wait, then kill it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
