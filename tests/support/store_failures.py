"""What DynamoDB answers in place of success, and what each answer means. Rule: tables for the tests of every client."""

from __future__ import annotations

import traceback

from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError, StoreRejectedError

ITEM = {"pk": {"S": "stored"}}
FAILED, CONFLICT, NONE = {"Code": "ConditionalCheckFailed"}, {"Code": "TransactionConflict"}, {"Code": "None"}
THROTTLED = [{"Code": "ThrottlingError"}, {"Code": "ProvisionedThroughputExceeded"}]
BUSY = [
    "InternalServerError",
    "InternalFailure",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
]
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
    # reasons, what it means, the item it brings back
    ([FAILED], ConditionFailedError, None),
    ([{**FAILED, "Item": ITEM}, NONE], ConditionFailedError, ITEM),
    ([NONE, {**FAILED, "Item": ITEM}], ConditionFailedError, None),
    ([{**FAILED, "Item": ITEM}, CONFLICT], ConditionFailedError, ITEM),
    ([CONFLICT, FAILED], ConditionFailedError, None),
    ([CONFLICT, NONE], StoreBusyError, None),
    ([NONE, *THROTTLED], StoreBusyError, None),
    ([CONFLICT, {"Code": "ValidationError"}], StoreRejectedError, None),
    ([{"Code": "ItemCollectionSizeLimitExceeded"}], StoreRejectedError, None),
    ([{}, CONFLICT], StoreBusyError, None),
    ([], StoreRejectedError, None),
]


def shown(failure: BaseException) -> str:
    """All that a log could have of a failure: where it was raised, what led to it, and how it represents itself."""
    return "".join(traceback.format_exception(failure)) + repr(failure) + str(failure.args)
