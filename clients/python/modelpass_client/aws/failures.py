"""What a failed invocation says of the function. Rule: pure, and no text shows what was sent or came back.

By Lambda's own errors: a request that it refused (status 3xx and 4xx) was not run, nor was one that it could not set up
an environment for (`_NOT_RUN`). Of all else it is not known (`maybe_done`): a function that failed, Lambda's own
failure, an answer that cannot be read.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.backend import BackendError

if TYPE_CHECKING:
    from modelpass_client.backend import Json

OK: Final = 200
_FIRST_REFUSAL: Final = 300
_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
_MAYBE_REFUSED: Final = (408, 410)
"""A time-out and a file system's failure: as a rule before the function runs, but nobody promises it."""
_NOT_RUN: Final = frozenset(
    {
        "EC2AccessDeniedException",
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "EFSMountConnectivityException",
        "EFSMountTimeoutException",
        "ENILimitReachedException",
        "ENINotReadyException",
        "InvalidRuntimeException",
        "InvalidSecurityGroupIDException",
        "InvalidSubnetIDException",
        "InvalidZipFileException",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "ResourceNotReadyException",
        "S3FilesMountConnectivityException",
        "S3FilesMountTimeoutException",
        "SnapStartTimeoutException",
        "SubnetIPAddressLimitReachedException",
    }
)
"""Lambda's errors that come before a function runs, where the status alone does not say so."""
_NAME: Final = re.compile(r"[A-Za-z0-9_.]{1,80}")


def answer_of(body: bytes, *, failed: bool) -> Json:
    """The answer of a function that was run; raises `BackendError` where it failed or answered no JSON object."""
    answer = json_object(body)
    if failed:
        kind = name_of_error((answer or {}).get("errorType", ""))
        raise BackendError(f"the function failed{f' ({kind})' if kind else ''}", maybe_done=True)
    if answer is None:
        raise BackendError("an answer that is no JSON object", maybe_done=True)
    return answer


def failure_of(status: int, kind: str) -> BackendError:
    """What Lambda means by a status that is not 200, with the name of its error (empty for none)."""
    said = f"{status} {kind}".rstrip()
    if status < _FIRST_REFUSAL:
        return BackendError(f"an answer that is none of a function ({said})", maybe_done=True)
    if status == _TOO_MANY:
        return BackendError(f"Lambda throttles ({said})", maybe_done=False)
    if status == _FORBIDDEN:
        return BackendError(f"Lambda refuses the credentials ({said})", maybe_done=False)
    unknown = status >= SERVER_ERROR or status in _MAYBE_REFUSED
    return BackendError(f"Lambda answers {said}", maybe_done=unknown and kind not in _NOT_RUN)


def json_object(raw: bytes) -> Json | None:
    """The JSON object that these bytes are; None when they are none."""
    try:
        answer: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def name_of_error(text: object) -> str:
    """The name of an error as AWS tells it, without its namespace; empty for what is no name."""
    name = str(text).partition(":")[0].rpartition("#")[2]
    return name if _NAME.fullmatch(name) else ""
