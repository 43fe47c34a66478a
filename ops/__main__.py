"""`python -m ops <command>`: the tools for deployments on AWS. Rule: names commands, and holds none of them."""

import sys

from ops.terminal import carry_out

COMMANDS = {
    "audit": "ops.audit.command",
    "console-deploy": "ops.console_deploy",
    "restore": "ops.restore.command",
    "seed": "ops.seed",
    "upgrade": "ops.upgrade",
}

if __name__ == "__main__":
    sys.exit(carry_out(COMMANDS))
