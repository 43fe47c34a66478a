"""What DynamoDB answers in place of success, and what each answer means. Rule: tables for the tests of every client."""

from __future__ import annotations

import traceback

from modelpass.dynamodb.transport import Cause, ConditionFailedError, StoreBusyError, StoreRejectedError

ITEM = {"pk": {"S": "stored"}}
FAILED, CONFLICT, NONE = {"Code": "ConditionalCheckFailed"}, {"Code": "TransactionConflict"}, {"Code": "None"}
THROTTLED = [{"Code": "ThrottlingError"}, {"Code": "ProvisionedThroughputExceeded"}]
BUSY = {
    **dict.fromkeys(("TransactionConflictException", "TransactionInProgressException"), Cause.CONTENDED),
    "LimitExceededException": Cause.THROTTLED,
    "ProvisionedThroughputExceededException": Cause.THROTTLED,
    "RequestLimitExceeded": Cause.THROTTLED,
    "SlowDown": Cause.THROTTLED,
    "Throttling": Cause.THROTTLED,
    "ThrottlingException": Cause.THROTTLED,
    "InternalServerError": Cause.FAILED,
    "InternalFailure": Cause.FAILED,
    "RequestTimeout": Cause.FAILED,
    "ServiceUnavailable": Cause.FAILED,
    "ServiceUnavailableException": Cause.FAILED,
}
REJECTED = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "ItemCollectionSizeLimitExceededException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "ValidationException",
    "",
]
CANCELLED = [
    # reasons, what it means, the item it brings back or why it may be sent again
    ([FAILED], ConditionFailedError, None),
    ([{**FAILED, "Item": ITEM}, NONE], ConditionFailedError, ITEM),
    ([NONE, {**FAILED, "Item": ITEM}], ConditionFailedError, None),
    ([{**FAILED, "Item": ITEM}, CONFLICT], ConditionFailedError, ITEM),
    ([CONFLICT, FAILED], ConditionFailedError, None),
    ([CONFLICT, NONE], StoreBusyError, Cause.CONTENDED),
    ([NONE, *THROTTLED], StoreBusyError, Cause.THROTTLED),
    ([THROTTLED[0]], StoreBusyError, Cause.THROTTLED),
    ([CONFLICT, THROTTLED[1]], StoreBusyError, Cause.THROTTLED),
    ([CONFLICT, {"Code": "ValidationError"}], StoreRejectedError, None),
    ([{"Code": "ItemCollectionSizeLimitExceeded"}], StoreRejectedError, None),
    ([{}, CONFLICT], StoreBusyError, Cause.CONTENDED),
    ([], StoreRejectedError, None),
]


def shown(failure: BaseException) -> str:
    """All that a log could have of a failure: where it was raised, what led to it, and how it represents itself."""
    return "".join(traceback.format_exception(failure)) + repr(failure) + str(failure.args)
