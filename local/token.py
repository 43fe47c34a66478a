"""`make -s token ACCOUNT=… [SCOPE=…] [CLAIMS=…]`: prints a JWT that the local stack accepts. Rule: prints nothing else.

Its claims have the names that the template's parameters give them, so PARAMETERS must be those of the stack.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from local import settings
from local.apigateway import jwts
from modelpass.api.claims import DEFAULTS, SUBJECT, makes_operator, names_of
from ops.errors import CommandError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from local.cloudformation.template import Template


def main() -> int:
    """Print a token for ACCOUNT; 0, 1 when it cannot be made, 2 without ACCOUNT.

    SCOPE becomes the operators' claim, and the word `operator` in it the value that makes one. CLAIMS, an object in
    JSON, is put over what is made of these, to try what an identity provider sends; null leaves a claim out.
    """
    account = os.environ.get("ACCOUNT")
    if not account:
        sys.stderr.write("Say whose token: make -s token ACCOUNT=acct_demo\n")
        return 2
    try:
        print(token_of(claims_of(account, os.environ.get("SCOPE", "")) | _given(os.environ.get("CLAIMS", ""))))
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def claims_of(account: str, scope: str = "", of: Template | None = None) -> dict[str, Any]:
    """The claims by which a stack knows an account, and by this scope; raises `CommandError`.

    The stack is that of a template, or of this folder.
    """
    names = names_of((of or settings.chosen_template()).environment())
    made = {SUBJECT: account, names.account: account}
    words = [names.operator_value if word == DEFAULTS.operator_value else word for word in scope.split()]
    return made | {names.operator: " ".join(words)} if words else made


def _given(text: str) -> dict[str, Any]:
    try:
        claims = json.loads(text or "{}")
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise CommandError(f'CLAIMS must be an object in JSON, such as \'{{"roles": ["operator"]}}\', not {text!r}.')
    return claims


def token_of(claims: dict[str, Any]) -> str:
    """A token with these claims, for the stack of this folder, as `signed` makes it; raises `CommandError`."""
    return signed(claims, jwts.signing_key(settings.key_folder()), settings.chosen_template())


def signed(claims: dict[str, Any], key: EllipticCurvePrivateKey, template: Template) -> str:
    """A token with these claims, but for those that are None, for the stack that has this key and this template.

    If they make an operator, it is for the operators' API, and for the customers' as well where both have one issuer:
    so that on this machine, one token does for either.
    """
    claims = {name: value for name, value in claims.items() if value is not None}
    customers, operators = template.customers, template.operators
    if not makes_operator(claims, names_of(template.environment())):
        return jwts.issue(key, claims, customers.issuer, customers.audience[0])
    shared = [customers.audience[0]] if customers.issuer == operators.issuer else []
    return jwts.issue(key, claims, operators.issuer, [operators.audience[0], *shared])
