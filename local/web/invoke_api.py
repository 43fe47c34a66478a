"""The Lambda Invoke API, as boto3's `client("lambda").invoke` speaks it. Rule: answers and errors are Lambda's."""

from __future__ import annotations

import json
import math
import re
import threading
import uuid
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import unquote

from local.awslambda.pool import FunctionError
from local.messages import HttpRequest, HttpResponse, json_response
from local.stack import arn

if TYPE_CHECKING:
    from local.stack import Stack

_PATH: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_NAME: Final = re.compile(r"(?:arn:aws:lambda:[^:]+:\d+:function:|\d+:function:)?([A-Za-z0-9_-]+)(?::[\w$-]+)?")
_TOO_DEEP: Final = None
"""What a function gets in place of a payload nested more deeply than it could read: it refuses it as no object."""
MAX_PAYLOAD_BYTES: Final = 6 * 1024 * 1024


def function_of(path: str) -> str | None:
    """The function named by a path of the Invoke API; None for other paths."""
    match = _PATH.fullmatch(path)
    return unquote(match[1]) if match else None


def handle(stack: Stack, wanted: str, request: HttpRequest) -> HttpResponse:
    """Invoke a function by name or ARN."""
    name = _NAME.fullmatch(wanted)
    if name is None or name[1] not in stack.pools:
        text = f"Function not found: {arn(wanted)}"
        return _error(404, "ResourceNotFoundException", text)
    if len(request.body) > MAX_PAYLOAD_BYTES:
        text = f"Request must be smaller than {MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation"
        return _error(413, "RequestTooLargeException", text)
    try:
        event = json.loads(request.body or b"{}", parse_int=_whole, parse_constant=_no_constant)
    except RecursionError:
        event = _TOO_DEEP
    except ValueError:
        return _error(400, "InvalidRequestContentException", "Could not parse request body into json.")
    match request.headers.get("x-amz-invocation-type", "RequestResponse"):
        case "DryRun":
            return HttpResponse(204, {}, b"")
        case "Event":
            threading.Thread(target=_ignore_failure, args=(stack, name[1], event)).start()
            return HttpResponse(202, {}, b"")
        case _:
            return _invoke(stack, name[1], event)


def _invoke(stack: Stack, name: str, event: object) -> HttpResponse:
    request_id = str(uuid.uuid4())
    headers = {"X-Amz-Executed-Version": "$LATEST", "x-amzn-RequestId": request_id}
    try:
        try:
            result = stack.invoke(name, event, request_id)
        except RecursionError:  # nested just deep enough to be read, but not to be passed on
            result = stack.invoke(name, _TOO_DEEP, request_id)
    except FunctionError as failure:
        return json_response(200, failure.report, {**headers, "X-Amz-Function-Error": "Unhandled"})
    return json_response(200, result, headers)


def _ignore_failure(stack: Stack, name: str, event: object) -> None:
    _invoke(stack, name, event)


def _whole(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # thousands of digits: out of every range, for the function to refuse
        return -math.inf if digits.startswith("-") else math.inf


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # JSON has no NaN and no Infinity


def _error(status: int, kind: str, text: str) -> HttpResponse:
    body = {"Type": "User", "Message": text}
    return json_response(status, body, {"x-amzn-errortype": kind})
