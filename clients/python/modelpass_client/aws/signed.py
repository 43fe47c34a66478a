"""Signed requests to one service of AWS, and what their failures mean. Rule: no text shows what was sent or came back.

What `invoke` and `sqs` have in common: an endpoint, a Region, credentials, and JSON in both directions.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from modelpass_client.aws.credentials import checked, default_credentials
from modelpass_client.aws.endpoint import trusting
from modelpass_client.aws.http import HttpClient, HttpError
from modelpass_client.aws.sigv4 import Credentials, signed_headers
from modelpass_client.backend import BackendError
from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass_client.aws.credentials import Source
    from modelpass_client.aws.endpoint import Endpoint
    from modelpass_client.aws.http1 import Reply
    from modelpass_client.aws.sigv4 import Target
    from modelpass_client.backend import Json


class Bounds(NamedTuple):
    """How long a request may take, until it is connected and from there on, and how many may run at a time."""

    connect_seconds: float
    read_seconds: float
    connections: int

    def check(self) -> None:
        """Raises `ConfigurationError` unless all are above zero."""
        for name, value in zip(self._fields, self, strict=True):
            if not 0 < value < float("inf"):
                raise ConfigurationError(f"{name} must be above 0")


class SignedClient:
    """Sends signed requests to one endpoint. Any number of threads may use it."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials | Source | None, bounds: Bounds) -> None:
        bounds.check()
        self._source = source_of(credentials, os.environ)
        self._http = HttpClient(endpoint, trusting(os.environ) if endpoint.tls else None, **bounds._asdict())

    def send(self, target: Target, body: bytes, *, repeatable: bool) -> Reply:
        """The reply to a request, whatever its status; `BackendError` without one."""
        amz_date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = signed_headers(target, body, self._source(), amz_date)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        head = f"POST {target.path} HTTP/1.1\r\n{lines}accept-encoding: identity\r\ncontent-length: {len(body)}\r\n\r\n"
        try:
            return self._http.send(head.encode() + body, repeatable=repeatable)
        except HttpError as error:
            failure = BackendError(str(error), maybe_done=error.maybe_done)
        raise failure

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()


def source_of(credentials: Credentials | Source | None, environment: Mapping[str, str]) -> Source:
    """A source of credentials: of those that are given, or else of the environment's or what botocore finds."""
    if credentials is None:
        return default_credentials(environment)
    if isinstance(credentials, Credentials):
        fixed = checked(credentials)
        return lambda: fixed
    return credentials


def json_bytes(payload: Json) -> bytes:
    """A payload as it is sent."""
    return json.dumps(payload, separators=(",", ":"), allow_nan=False).encode()
