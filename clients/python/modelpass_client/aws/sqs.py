"""The settle queue by SQS's JSON protocol, without an SDK. Rule: a message is there, or `BackendError` says it may not.

The body of a message is the payload of a settle, as the function takes it. A settle that arrives twice books once, so
a message is sent again where a kept connection turns out to be closed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from modelpass_client.aws.endpoint import endpoint_at, region_of
from modelpass_client.aws.failures import OK, SERVER_ERROR, json_object, name_of_error
from modelpass_client.aws.signed import Bounds, SignedClient, json_bytes
from modelpass_client.aws.sigv4 import Target
from modelpass_client.backend import BackendError
from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from modelpass_client.aws.credentials import Source
    from modelpass_client.aws.http1 import Reply
    from modelpass_client.aws.sigv4 import Credentials
    from modelpass_client.backend import Json

LONGEST_MESSAGE: Final = 262_144
"""In bytes: what every queue takes. A settle has some hundred."""
_HOST: Final = re.compile(r"sqs\.([a-z0-9-]+)\.[a-z.]+")
_PATH: Final = re.compile(r"/[0-9]{12}/[A-Za-z0-9_-]{1,80}")


class SqsQueue:
    """A standard queue of SQS (`Queue`). Any number of threads may use it, and forked processes too.

    `url` is the queue's, whose host names the Region; another host needs `region`, or the environment's. Credentials
    and bounds are those of `InvokeBackend`. Raises `ConfigurationError`.
    """

    def __init__(
        self,
        url: str,
        *,
        region: str | None = None,
        credentials: Credentials | Source | None = None,
        connect_seconds: float = 1.0,
        read_seconds: float = 5.0,
        connections: int = 8,
    ) -> None:
        host, path = _parts(url)
        own = _HOST.fullmatch(host)
        where = region_of(region or (own and own[1]), os.environ)
        at = endpoint_at(url.removesuffix(path), "the URL of the queue")
        headers = (
            ("content-type", "application/x-amz-json-1.0"),
            ("host", at.authority),
            ("x-amz-target", "AmazonSQS.SendMessage"),
        )
        self._url = url
        self._target = Target("sqs", where, "/", headers)
        self._client = SignedClient(at, credentials, Bounds(connect_seconds, read_seconds, connections))

    def send(self, payload: Json) -> None:
        """Leave a settle in the queue. It is there when this returns: SQS told the digest of what it stored."""
        message = json_bytes(payload)
        if len(message) > LONGEST_MESSAGE:
            raise BackendError("the message is too long", maybe_done=False)
        body = json.dumps({"QueueUrl": self._url, "MessageBody": message.decode()}).encode()
        reply = self._client.send(self._target, body, repeatable=True)
        if reply.status != OK:
            raise _failure(reply)
        told = (json_object(reply.body) or {}).get("MD5OfMessageBody")
        if told != hashlib.md5(message, usedforsecurity=False).hexdigest():
            raise BackendError("SQS did not confirm the message as it was sent", maybe_done=True)

    def close(self) -> None:
        """Let go of connections; the queue must not be used any more."""
        self._client.close()


def _parts(url: str) -> tuple[str, str]:
    """Host and path of a queue's URL; raises `ConfigurationError`."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or _PATH.fullmatch(parts.path) is None or not url.endswith(parts.path):
        raise ConfigurationError("the URL of the queue must be that of a standard queue of SQS")
    return host, parts.path


def _failure(reply: Reply) -> BackendError:
    """What an error of SQS means: what it refuses, throttled requests among it, it has not stored."""
    kind = name_of_error((json_object(reply.body) or {}).get("__type", ""))
    return BackendError(f"SQS answers {reply.status} {kind}".rstrip(), maybe_done=reply.status >= SERVER_ERROR)
