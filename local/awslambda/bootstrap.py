"""Starts Lambda's runtime client for `local.awslambda.emulator`. Rule: it changes nothing but the clock.

Arguments: the file that holds the time (milliseconds, or nothing while the clock runs), and the handler.
"""

import ctypes
import runpy
import signal
import sys
import time
from pathlib import Path

_NS_PER_MS = 1_000_000
_PR_SET_PDEATHSIG = 1


def _stand_still(file: Path) -> None:
    """Let the wall clock show what the file says; the steady clock runs on."""
    running = time.time_ns

    def time_ns() -> int:
        frozen_ms = file.read_bytes()
        return int(frozen_ms) * _NS_PER_MS if frozen_ms else running()

    time.time_ns = time_ns


if __name__ == "__main__":
    # This process has a group of its own, so that it would outlive the emulator.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _stand_still(Path(sys.argv.pop(1)))
    sys.path[0] = str(Path.cwd())  # the function's folder, in place of the one of this file
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
