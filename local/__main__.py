"""`python -m local [command]`. Rule: imports nothing heavy: Ctrl-C ends it quietly at once."""

import signal
import sys
from importlib import import_module

COMMANDS = ("run", "demo", "token", "seed", "upgrade", "audit", "restore", "openapi", "expanded")


def main() -> int:
    """Load one command and carry it out; its exit status."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command has something to stop
    name = sys.argv[1] if len(sys.argv) > 1 else COMMANDS[0]
    if name not in COMMANDS:
        sys.stderr.write(f"Say one of: {', '.join(COMMANDS)}.\n")
        return 2
    status: int = import_module(f"local.{name}").main()
    return status


if __name__ == "__main__":
    sys.exit(main())
