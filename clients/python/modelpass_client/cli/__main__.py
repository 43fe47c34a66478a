"""`modelpass` and `python -m modelpass_client.cli`. Rule: Ctrl-C ends it quietly, also while it loads."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Carry out what was typed, and end with its exit status."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from modelpass_client.cli.app import NAME, app  # noqa: PLC0415 - it loads for a while
    except ImportError as error:
        sys.stderr.write(f"The command line needs {error.name}: pip install 'modelpass-client[cli]'\n")
        sys.exit(2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app(prog_name=NAME)


if __name__ == "__main__":
    main()
