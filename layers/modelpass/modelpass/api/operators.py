"""The check that a caller is an operator. Rule: it comes before anything else of the request is read.

It is the one check of a request that also writes to the log's line: only a handler that is for operators alone can tell
that its caller acts as an operator, and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.api import identity, reasons
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2


def require_operator(event: APIGatewayProxyEventV2) -> None:
    """Refuse a token that makes no operator (`forbidden`); else name the operator in the log's line.

    An operator acts on the accounts of others. So the line's `operatorId` becomes the token's `sub`, and its
    `accountId` the account that the path names, or none. Of who is refused, `accountId` stays the account. An operator
    needs no account of its own: a token that names none will do. Why he calls, if the call says so, becomes the line's
    `reason`. A reason that cannot be taken is refused (`invalid_request`, naming its header), in a line that names him.
    """
    if not identity.is_operator(event):
        raise Refused(Refusal(ErrorCode.FORBIDDEN))
    telemetry.note(accountId=identity.named_account_of(event), operatorId=identity.subject_of(event.raw_event))
    telemetry.note(reason=reasons.reason_of(event))
