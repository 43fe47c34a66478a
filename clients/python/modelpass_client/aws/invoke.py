"""The service's functions by Lambda Invoke, without an SDK. Rule: one request, one answer, and nothing is decided here.

What a failure says of the function, by Lambda's own errors: a request that it refused (status 3xx and 4xx) was not
run, nor was one that it could not set up an environment for (`_NOT_RUN`). Of all else it is not known
(`maybe_done`): a function that failed, Lambda's own failure, a lost or late or damaged reply.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from modelpass_client.aws.endpoint import endpoint_at, endpoint_of, region_of
from modelpass_client.aws.signed import (
    FORBIDDEN,
    OK,
    SERVER_ERROR,
    Bounds,
    SignedClient,
    json_bytes,
    json_object,
    name_of_error,
)
from modelpass_client.aws.sigv4 import Target, encoded
from modelpass_client.backend import BackendError
from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from modelpass_client.aws.credentials import Source
    from modelpass_client.aws.http1 import Reply
    from modelpass_client.aws.sigv4 import Credentials
    from modelpass_client.backend import Json

_FUNCTION: Final = re.compile(
    r"(arn:aws[a-zA-Z-]*:lambda:[a-z]{2,5}(-[a-z]+)+-\d{1,2}:\d{12}:function:|(\d{12}:)?function:|\d{12}:function:)?"
    r"[a-zA-Z0-9_-]{1,64}(:(\$LATEST|[a-zA-Z0-9_-]{1,128}))?"
)
"""A name, an ARN or a part of one, each with a version or an alias or without."""
_TOO_MANY: Final = 429
_SUCCESS_END: Final = 300
_MAYBE_REFUSED: Final = (408, 410)
"""A time-out and a file system's failure: as a rule before the function runs, but nobody promises it."""
_NOT_RUN: Final = frozenset(
    {
        "EC2AccessDeniedException",
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "EFSMountConnectivityException",
        "EFSMountFailureException",
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


class InvokeBackend:
    """The way to the service by Lambda Invoke (`Backend`). Any number of threads may use it, and forked processes too.

    `endpoint` is a URL, such as the local stack's; without it, that of Lambda in `region`, which is by default the
    environment's. `credentials` are `Credentials`, a function that gives some for each request, or None: those of the
    environment, or else what botocore's chain finds, if it is installed. A function is named by its name or its ARN,
    with an alias or without (`AuthorizeFunction:live`).

    A request takes at most `connect_seconds` and `read_seconds` together, and at most `connections` run at once: one
    more waits `connect_seconds` for its turn. Raises `ConfigurationError`, and each method `BackendError`.

    A request whose kept connection turns out to be closed is sent once more over a new one, where a repeat means the
    same to the service: every settle and `describe_key`, and an authorize that brings its `attempt`.
    """

    def __init__(  # noqa: PLR0913 - settings, given by name
        self,
        endpoint: str | None = None,
        *,
        region: str | None = None,
        credentials: Credentials | Source | None = None,
        authorize_function: str = "AuthorizeFunction",
        settle_function: str = "SettleFunction",
        describe_key_function: str = "DescribeKeyFunction",
        connect_seconds: float = 1.0,
        read_seconds: float = 5.0,
        connections: int = 64,
    ) -> None:
        where = region_of(region, os.environ)
        at = endpoint_of("lambda", where, os.environ) if endpoint is None else endpoint_at(endpoint)

        def target(setting: str, function: str) -> Target:
            if _FUNCTION.fullmatch(function) is None:
                raise ConfigurationError(f"{setting} must be the name or the ARN of a function")
            path = f"/2015-03-31/functions/{encoded(function)}/invocations"
            return Target("lambda", where, path, (("content-type", "application/json"), ("host", at.authority)))

        self._authorize = target("authorize_function", authorize_function)
        self._settle = target("settle_function", settle_function)
        self._describe_key = target("describe_key_function", describe_key_function)
        self._client = SignedClient(at, credentials, Bounds(connect_seconds, read_seconds, connections))

    def authorize(self, payload: Json) -> Json:
        """Ask whether a request may be made."""
        return self._invoke(self._authorize, payload, repeatable=payload.get("attempt") is not None)

    def settle(self, payload: Json) -> Json:
        """Report what a request used. One report books once, however often it arrives."""
        return self._invoke(self._settle, payload, repeatable=True)

    def describe_key(self, payload: Json) -> Json:
        """Ask what an API key may use; nothing is written by it."""
        return self._invoke(self._describe_key, payload, repeatable=True)

    def close(self) -> None:
        """Let go of connections; the backend must not be used any more."""
        self._client.close()

    def _invoke(self, target: Target, payload: Json, *, repeatable: bool) -> Json:
        reply = self._client.send(target, json_bytes(payload), repeatable=repeatable)
        if reply.status == OK and b"x-amz-function-error" not in reply.headers:
            answer = json_object(reply.body)
            if answer is not None:
                return answer
        raise _failure(reply)


def _failure(reply: Reply) -> BackendError:
    """What a reply that is no answer of the function means."""
    if b"x-amz-function-error" in reply.headers:
        kind = name_of_error((json_object(reply.body) or {}).get("errorType", ""))
        return BackendError(f"the function failed{_shown(kind)}", maybe_done=True)
    if reply.status < _SUCCESS_END:
        return BackendError("an answer that is no JSON object", maybe_done=True)
    kind = name_of_error(reply.header(b"x-amzn-errortype"))
    said = f"{reply.status}{' ' * bool(kind)}{kind}"
    if reply.status == _TOO_MANY:
        return BackendError(f"Lambda throttles ({said})", maybe_done=False)
    if reply.status == FORBIDDEN:
        return BackendError(f"Lambda refuses the credentials ({said})", maybe_done=False)
    unknown = (reply.status >= SERVER_ERROR or reply.status in _MAYBE_REFUSED) and kind not in _NOT_RUN
    return BackendError(f"Lambda answers {said}", maybe_done=unknown)


def _shown(kind: str) -> str:
    return f" ({kind})" if kind else ""
