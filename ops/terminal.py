"""Loads the command that was typed and carries it out. Rule: loads fast, so that Ctrl-C ends it quietly at once."""

import signal
import sys
from collections.abc import Mapping
from importlib import import_module


def carry_out(commands: Mapping[str, str]) -> int:
    """Call `main` of the module that the first argument names, by default the first; 2 when there is no such name."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command has something to stop
    name = sys.argv[1] if len(sys.argv) > 1 else next(iter(commands))
    if name not in commands:
        sys.stderr.write(f"Say one of: {', '.join(commands)}.\n")
        return 2
    status: int = import_module(commands[name]).main()
    return status
