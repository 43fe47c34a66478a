"""The Lambda Invoke API, as boto3's `client("lambda").invoke` speaks it. Rule: answers and errors are Lambda's."""

from __future__ import annotations

import json
import math
import re
import threading
import uuid
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import parse_qs, unquote

from local.awslambda.pool import FunctionError
from local.messages import HttpRequest, HttpResponse, json_response
from local.stack import arn

if TYPE_CHECKING:
    from local.stack import Stack

_PATH: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_NAME: Final = re.compile(r"(?:arn:aws:lambda:[^:]+:\d+:function:|\d+:function:)?([A-Za-z0-9_-]+)(?::([\w$-]+))?")
_LATEST: Final = "$LATEST"
_VERSION: Final = "1"
"""What an alias leads to: here a function has one version, its sources as they are."""
_TOO_DEEP: Final = None
"""What a function gets in place of a payload nested more deeply than it could read: it refuses it as no object."""
MAX_PAYLOAD_BYTES: Final = 6 * 1024 * 1024


def function_of(path: str) -> str | None:
    """The function named by a path of the Invoke API; None for other paths."""
    match = _PATH.fullmatch(path)
    return unquote(match[1]) if match else None


def handle(stack: Stack, wanted: str, request: HttpRequest) -> HttpResponse:
    """Invoke a function by name or ARN, as it is or by an alias: behind a colon, or in the query's `Qualifier`."""
    found = _found(stack, wanted, request.query)
    if isinstance(found, HttpResponse):
        return found
    function, version = found
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
            threading.Thread(target=_ignore_failure, args=(stack, function, event)).start()
            return HttpResponse(202, {}, b"")
        case _:
            return _invoke(stack, function, event, version)


def _found(stack: Stack, wanted: str, query: str) -> tuple[str, str] | HttpResponse:
    """The function that is meant, and its version; or what Lambda answers when there is none."""
    name = _NAME.fullmatch(wanted)
    if name is None or name[1] not in stack.pools:
        return _not_found(wanted)
    function, asked = name[1], parse_qs(query).get("Qualifier", [None])[0]
    if asked and name[2] and asked != name[2]:
        text = "The derived qualifier from the function name does not match the specified qualifier."
        return _error(400, "InvalidParameterValueException", text)
    qualifier = name[2] or asked or _LATEST
    if qualifier not in {_LATEST, *stack.template.functions[function].aliases}:
        return _not_found(f"{function}:{qualifier}")
    return function, _LATEST if qualifier == _LATEST else _VERSION


def _invoke(stack: Stack, name: str, event: object, version: str = _LATEST) -> HttpResponse:
    request_id = str(uuid.uuid4())
    headers = {"X-Amz-Executed-Version": version, "x-amzn-RequestId": request_id}
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


def _not_found(wanted: str) -> HttpResponse:
    return _error(404, "ResourceNotFoundException", f"Function not found: {arn(wanted)}")


def _error(status: int, kind: str, text: str) -> HttpResponse:
    body = {"Type": "User", "Message": text}
    return json_response(status, body, {"x-amzn-errortype": kind})
