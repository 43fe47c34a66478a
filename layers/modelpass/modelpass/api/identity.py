"""Who calls, and on whose account: from the claims that API Gateway has verified, and from the path.

Rule: an account is known by the `sub` claim alone; an operator by the scope, before anything else is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard

from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.ids import MAX_ACCOUNT_BYTES, is_account
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

OPERATOR_SCOPE: Final = "operator"
_UNDECODED: Final = "\ufffd"


def account_of(event: APIGatewayProxyEventV2) -> str:
    """The account: the `sub` claim that API Gateway verified."""
    subject: object = _claims(event.raw_event).get("sub", "")
    if not is_account(subject):
        message = f"The token's sub claim must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8."
        raise invalid("sub", message)
    return subject


def account_in_path(event: APIGatewayProxyEventV2) -> str:
    """The account that the path names."""
    name = _named_in_path(event)
    if not _can_be_account(name):
        raise invalid("accountId", f"accountId must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8.")
    return name


def require_operator(event: APIGatewayProxyEventV2) -> None:
    """Refuse a token without the scope `operator`, and have the log's line say who the operator is.

    Operators act on accounts of others: the line names the account in the path, if there is one, and not the caller's.
    """
    scopes = _claims(event.raw_event).get("scope", "")
    if not isinstance(scopes, str) or OPERATOR_SCOPE not in scopes.strip("[]").split():
        raise Refused(Refusal(ErrorCode.FORBIDDEN))
    named = _named_in_path(event)
    telemetry.note(accountId=named if _can_be_account(named) else None, operatorId=subject_of(event.raw_event))


def _named_in_path(event: APIGatewayProxyEventV2) -> object:
    return event.raw_event.get("pathParameters", {}).get("accountId")


def _can_be_account(name: object) -> TypeGuard[str]:
    return is_account(name) and _UNDECODED not in name  # of bytes that are no UTF-8, two would name the same account


def _claims(event: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    return claims


def subject_of(event: dict[str, Any]) -> str | None:
    """The caller's `sub` claim; None where there is none that could name an account."""
    subject = _claims(event).get("sub")
    return subject if is_account(subject) else None
