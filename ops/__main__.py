"""`python -m ops [command]`: tools for real deployments, which nothing else may need."""

import sys

from ops.terminal import carry_out

COMMANDS = {
    "audit": "ops.audit.command",
    "restore": "ops.restore",
    "seed": "ops.seed",
    "upgrade": "ops.upgrade",
}

if __name__ == "__main__":
    sys.exit(carry_out(COMMANDS))
