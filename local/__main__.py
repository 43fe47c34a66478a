"""`python -m local [command]`, by default `run`: the local stack and its tools. Rule: names commands, holds none."""

import sys

from ops.terminal import carry_out

COMMANDS = {
    "run": "local.run",
    "demo": "local.demo.play",
    "token": "local.token",
    "audit": "local.audit",
    "expanded": "local.expanded",
}

if __name__ == "__main__":
    sys.exit(carry_out(COMMANDS, default="run"))
