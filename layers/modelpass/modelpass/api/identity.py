"""Who calls, and which account the path names. Rule: reads a request and nothing else, and writes nothing.

Which claims of a token name the account and make an operator, the deployment says; `claims` reads them. Whoever bears
the token, an operator too, is known by its `sub` claim. API Gateway has verified the claims before a function runs. Who
may call what is said by the handlers: those for operators call `require_operator` first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from modelpass.api import claims
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.ids import MAX_ACCOUNT_BYTES, is_account

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

NAMES: Final = claims.names_of(os.environ)
"""The claims of this deployment, read once at cold start."""
_NO_KEY: Final = Refusal(
    ErrorCode.INVALID_API_KEY, param="Authorization", message="Pass the API key in the header Authorization: Bearer."
)
_UNDECODED: Final = "\ufffd"
"""What API Gateway puts in the place of bytes that are no UTF-8."""


def account_of(event: APIGatewayProxyEventV2) -> str:
    """The caller's account. Raises `invalid_request`, which names the claim, where it cannot name an account."""
    account = caller_of(event.raw_event)
    if account is None:
        kind = "" if NAMES.account == claims.SUBJECT else "text, no list and no object, of "
        raise invalid(NAMES.account, _must_be(NAMES.account, kind))
    return account


def operator_of(event: APIGatewayProxyEventV2) -> str:
    """The operator's own name, the `sub` claim. Raises `invalid_request` where it names nobody."""
    subject = subject_of(event.raw_event)
    if subject is None:
        raise invalid(claims.SUBJECT, _must_be(claims.SUBJECT, ""))
    return subject


def account_in_path(name: str) -> str:
    """The account of this name, out of a path; raises `invalid_request` where it cannot be one."""
    if not _can_be_account(name):
        raise invalid("accountId", f"accountId must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8.")
    return name


def named_account_of(event: APIGatewayProxyEventV2) -> str | None:
    """The account that the path names; None where it names none, or what cannot be one."""
    name = event.path_parameters.get("accountId")
    return name if _can_be_account(name) else None


def caller_of(event: dict[str, Any]) -> str | None:
    """The caller's account, from the event as it came; None where no claim names one."""
    return claims.account_in(_claims(event), NAMES)


def subject_of(event: dict[str, Any]) -> str | None:
    """The `sub` claim, from the event as it came; None where there is none that can be told."""
    subject = _claims(event).get(claims.SUBJECT)
    return subject if is_account(subject) else None


def api_key_of(event: APIGatewayProxyEventV2) -> str:
    """What the caller bears as API key: all that stands behind `Bearer` in the `Authorization` header.

    Whether it is one is not looked at. Raises `invalid_api_key` where the header is missing or of another scheme.
    """
    scheme, _, credentials = event.headers.get("authorization", "").strip().partition(" ")
    api_key = credentials.strip()
    if scheme.lower() != "bearer" or not api_key:
        raise Refused(_NO_KEY)
    return api_key


def is_operator(event: APIGatewayProxyEventV2) -> bool:
    """Whether the token makes its bearer an operator."""
    return claims.makes_operator(_claims(event.raw_event), NAMES)


def _must_be(claim: str, kind: str) -> str:
    return f"The token's {claim} claim must be {kind}1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8."


def _can_be_account(name: object) -> TypeGuard[str]:
    # Different bytes that are no UTF-8 are decoded to the same text: they would name the same account.
    return is_account(name) and _UNDECODED not in name


def _claims(event: dict[str, Any]) -> dict[str, Any]:
    jwt = (event["requestContext"].get("authorizer") or {}).get("jwt") or {}
    found: dict[str, Any] = jwt.get("claims") or {}
    return found
