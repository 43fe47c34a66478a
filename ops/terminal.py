"""Loads the command that was typed and carries it out. Rule: loads fast, so that Ctrl-C ends it quietly at once."""

import signal
import sys
from collections.abc import Mapping
from importlib import import_module


def carry_out(commands: Mapping[str, str], default: str = "") -> int:
    """Call `main` of the module that the first argument names, and give its exit status; 2 when there is none."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command has something to stop
    name = sys.argv[1] if len(sys.argv) > 1 else default
    if name not in commands:
        sys.stderr.write(f"Say one of: {', '.join(commands)}.\n")
        return 2
    status: int = import_module(commands[name]).main()
    return status
