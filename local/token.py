"""`make -s token ACCOUNT=… [SCOPE=…]`: prints a JWT that the local stack accepts. Rule: prints nothing else."""

from __future__ import annotations

import os
import sys
from typing import Any

from local import settings
from local.apigateway import jwts
from ops.errors import CommandError


def main() -> int:
    """Print a token for ACCOUNT, with SCOPE as its scope claim; 0, 1 when it cannot be made, 2 without ACCOUNT."""
    account = os.environ.get("ACCOUNT")
    if not account:
        sys.stderr.write("Say whose token: make -s token ACCOUNT=acct_demo\n")
        return 2
    claims = {"sub": account}
    if os.environ.get("SCOPE"):
        claims["scope"] = os.environ["SCOPE"]
    try:
        print(token_of(claims))
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def token_of(claims: dict[str, Any]) -> str:
    """A token with these claims for the stack of this folder; raises `CommandError`."""
    key, template = jwts.signing_key(settings.key_folder()), settings.chosen_template()
    return jwts.issue(key, claims, template.issuer, template.audience[0])
