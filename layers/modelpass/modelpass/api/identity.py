"""Who calls, and which account the path names. Rule: reads a request and nothing else, and writes nothing.

An account is known by the token's `sub` claim alone, and an operator by its scope. API Gateway has verified the claims
before a function runs. Who may call what is said by the handlers: those for operators call `require_operator` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelpass.errors import invalid
from modelpass.ids import MAX_ACCOUNT_BYTES, is_account

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

OPERATOR_SCOPE: Final = "operator"
_UNDECODED: Final = "\ufffd"
"""What API Gateway puts in the place of bytes that are no UTF-8."""


def account_of(event: APIGatewayProxyEventV2) -> str:
    """The caller's account: the `sub` claim. Raises `invalid_request` where it cannot name an account."""
    subject = subject_of(event.raw_event)
    if subject is None:
        message = f"The token's sub claim must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8."
        raise invalid("sub", message)
    return subject


def account_in_path(event: APIGatewayProxyEventV2) -> str:
    """The account that the path names; raises `invalid_request` where what it names cannot be one."""
    name = named_account_of(event)
    if name is None:
        raise invalid("accountId", f"accountId must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8.")
    return name


def named_account_of(event: APIGatewayProxyEventV2) -> str | None:
    """The account that the path names; None where it names none, or what cannot be one."""
    name = event.raw_event.get("pathParameters", {}).get("accountId")
    # Different bytes that are no UTF-8 are decoded to the same text: they would name the same account.
    return name if is_account(name) and _UNDECODED not in name else None


def subject_of(event: dict[str, Any]) -> str | None:
    """The caller's `sub` claim, from the event as it came; None where there is none that can name an account."""
    subject = _claims(event).get("sub")
    return subject if is_account(subject) else None


def is_operator(event: APIGatewayProxyEventV2) -> bool:
    """Whether the token has the scope `operator`, alone or among others."""
    scopes = _claims(event.raw_event).get("scope", "")
    return isinstance(scopes, str) and OPERATOR_SCOPE in scopes.strip("[]").split()  # a list comes as "[a b]"


def _claims(event: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    return claims
