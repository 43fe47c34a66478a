"""The service's functions by Lambda Invoke, without an SDK. Rule: one request, one answer, and nothing is decided here.

What a failure says of the function stands in `failures`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from modelpass_client.aws.endpoint import endpoint_at, endpoint_of, region_of
from modelpass_client.aws.failures import OK, answer_of, failure_of, name_of_error
from modelpass_client.aws.signed import Bounds, SignedClient, json_bytes
from modelpass_client.aws.sigv4 import Target, encoded
from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from modelpass_client.aws.credentials import Source
    from modelpass_client.aws.sigv4 import Credentials
    from modelpass_client.backend import Json

_FUNCTION: Final = re.compile(
    r"(arn:aws[a-zA-Z-]*:lambda:[a-z]{2,5}(-[a-z]+)+-\d{1,2}:\d{12}:function:|(\d{12}:)?function:|\d{12}:function:)?"
    r"[a-zA-Z0-9_-]{1,64}(:(\$LATEST|[a-zA-Z0-9_-]{1,128}))?"
)
"""A name, an ARN or a part of one, each with a version or an alias or without."""


def named(setting: str, function: str) -> str:
    """A name of a function as it was given; raises `ConfigurationError`, which names the setting, for what is none."""
    if _FUNCTION.fullmatch(function) is None:
        raise ConfigurationError(f"{setting} must be the name or the ARN of a function")
    return function


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
            path = f"/2015-03-31/functions/{encoded(named(setting, function))}/invocations"
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
        if reply.status != OK:
            raise failure_of(reply.status, name_of_error(reply.header(b"x-amzn-errortype")))
        return answer_of(reply.body, failed=b"x-amz-function-error" in reply.headers)
