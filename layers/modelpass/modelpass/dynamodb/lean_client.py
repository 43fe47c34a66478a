"""The seam to DynamoDB without an SDK, for the hot path: HTTP/1.1 on kept connections, signed by `sigv4`.

Rule: it sends a request once and raises the failures of `transport`, exactly as `boto3_client` does; `make test` and
`make faults` together run the suites of faults and races with both. Nothing is sent again here: commands retry
(`retries`), with the clock read anew.

What it does: it checks certificates and host names, takes the credentials that the environment has at each request,
bounds the time of each request, and keeps connections for the next request, but trusts none that has waited long.
What it leaves out on purpose: proxies, redirects, profiles, instance metadata, HTTP/2, compression, endpoint discovery,
FIPS and dual-stack endpoints. ADR 22 has the whole list, and how to switch back.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING, Final

from modelpass.dynamodb import http1, wire_json
from modelpass.dynamodb.endpoint import ConfigError
from modelpass.dynamodb.root_certificates import ROOTS
from modelpass.dynamodb.sigv4 import signed_headers
from modelpass.dynamodb.transport import (
    CONNECT_SECONDS,
    FIRST_FAILURE_STATUS,
    READ_SECONDS,
    SERVER_ERROR,
    Cause,
    StoreBusyError,
    StoreRejectedError,
    classify,
)
from modelpass.times import MS_PER_SECOND, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.endpoint import Endpoint
    from modelpass.dynamodb.sigv4 import Credentials
    from modelpass.dynamodb.transport import Response, StoreError
    from modelpass.schema import Request

    Heard = Callable[[bytes | None, float], None]

_API: Final = "DynamoDB_20120810"
_IDLE_SECONDS: Final = 20.0
"""A connection that waited longer is not used again: the network may have dropped it without closing it."""
_AWS: Final = ".amazonaws.com"
_CHUNK_BYTES: Final = 65_536


class LeanClient:
    """Sends requests to one endpoint. Any number of threads may use it: each request has a connection to itself.

    `credentials` is called for each request, and may raise `ConfigError`. `clock` says in seconds when a request is
    signed. `heard` is told of each reply, one that tells of an error as well: its `Date`, as it was sent, and what the
    steady clock showed before the request was sent.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        region: str,
        credentials: Callable[[], Credentials],
        *,
        clock: Callable[[], float] = time.time,
        heard: Heard | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._region = region
        self._credentials = credentials
        self._clock = clock
        self._heard = heard
        self._tls = _trusting(endpoint) if endpoint.tls else None
        self._idle: deque[tuple[socket.socket, float]] = deque()

    def send(self, operation: str, request: Request) -> Response:
        """The seam (`Send`). `StoreBusyError` also means a lost, late or damaged reply: the write may have landed."""
        body = wire_json.encoded({**request, "ReturnConsumedCapacity": "TOTAL"})
        message = self._head(operation, body) + body
        connection = self._waiting()
        reused = connection is not None
        if connection is None:
            connection = self._connected()
        sent_at = 0.0 if self._heard is None else time.monotonic()
        try:
            head, raw = _exchange(connection, message)
        except (OSError, http1.MalformedReplyError) as error:
            connection.close()
            closed_meanwhile = reused and isinstance(error, (ConnectionError, ssl.SSLError))
            if closed_meanwhile:
                self.close()  # the others have waited as long
            raise StoreBusyError(type(error).__name__, Cause.STALE if closed_meanwhile else _cause(error)) from None
        except BaseException:
            connection.close()
            raise
        if self._heard is not None:
            self._heard(head.date, sent_at)
        if head.closes:
            connection.close()
        else:
            self._idle.append((connection, time.monotonic()))
        return _read(head, raw)

    def close(self) -> None:
        """Close the connections that wait."""
        with contextlib.suppress(IndexError):  # another thread may have taken the last one
            while True:
                self._idle.pop()[0].close()

    def _head(self, operation: str, body: bytes) -> bytes:
        signed_at = rfc3339(int(self._clock()) * MS_PER_SECOND).replace("-", "").replace(":", "")
        try:
            credentials = self._credentials()
        except ConfigError as error:
            raise StoreRejectedError(str(error)) from None  # it names a setting, never its value
        target = f"{_API}.{operation}"
        headers = signed_headers(self._endpoint.authority, self._region, target, body, credentials, signed_at)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        return f"POST / HTTP/1.1\r\n{lines}accept-encoding: identity\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    def _waiting(self) -> socket.socket | None:
        """A kept connection that can be used again, the last used first; None when there is none."""
        try:
            connection, since = self._idle.pop()
        except IndexError:
            return None
        if time.monotonic() - since < _IDLE_SECONDS and _is_silent(connection):
            return connection
        connection.close()
        self.close()  # those below it have waited longer
        return None

    def _connected(self) -> socket.socket:
        try:
            connection = socket.create_connection((self._endpoint.host, self._endpoint.port), CONNECT_SECONDS)
        except OSError as error:
            raise StoreBusyError(type(error).__name__, _cause(error)) from None
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                return connection
            return self._tls.wrap_socket(connection, server_hostname=self._endpoint.host)
        except OSError as error:
            connection.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                self._tls = ssl.create_default_context()  # there may be new roots: the next try asks the system's list
            raise StoreBusyError(type(error).__name__, _cause(error)) from None


def _cause(error: Exception) -> Cause:
    return Cause.SILENT if isinstance(error, TimeoutError) else Cause.FAILED


def _trusting(endpoint: Endpoint) -> ssl.SSLContext:
    """A context that checks certificates and host names: of AWS by AWS's roots, of any other host by the system's."""
    own = endpoint.host.endswith(_AWS)
    return ssl.create_default_context(cadata=ROOTS if own else None)


def _is_silent(connection: socket.socket) -> bool:
    """Whether nothing has come since the last reply: neither a close, nor bytes that would pass for the next reply."""
    watched = select.poll()
    watched.register(connection, select.POLLIN)
    return not watched.poll(0)


def _exchange(connection: socket.socket, message: bytes) -> tuple[http1.Head, bytes]:
    """Send a request and receive its whole reply; bytes beyond it are an error (`MalformedReplyError`)."""
    ends = time.monotonic() + READ_SECONDS
    connection.settimeout(READ_SECONDS)
    connection.sendall(message)
    received = connection.recv(_CHUNK_BYTES)
    while (head := http1.head_of(received)) is None:
        received += _more(connection, ends)
    while (missing := head.begins_at + head.length - len(received)) > 0:
        received += _more(connection, ends)
    if missing < 0:
        raise http1.MalformedReplyError
    return head, received[head.begins_at :]


def _more(connection: socket.socket, ends: float) -> bytes:
    """The next bytes of a reply. Raises `TimeoutError` once the steady clock shows `ends` (seconds).

    So a reply that trickles, a few bytes at a time, does not take longer than any other.
    """
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    received = connection.recv(_CHUNK_BYTES)
    if not received:
        raise ConnectionResetError
    return received


def _read(head: http1.Head, raw: bytes) -> Response:
    if head.checksum is not None and head.checksum != str(zlib.crc32(raw)).encode():
        raise StoreBusyError("ChecksumError")
    try:
        answer = wire_json.decoded(raw)
    except ValueError:
        raise _unreadable(head.status) from None
    if head.status < FIRST_FAILURE_STATUS:
        return answer
    code = str(answer.get("__type", head.status)).partition(":")[0].rpartition("#")[2]
    raise classify({**answer, "Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": head.status}})


def _unreadable(status: int) -> StoreError:
    """The failure for a reply that DynamoDB did not write: a proxy or a broken server did.

    A status from 300 to 499 says that the request was refused, and so not carried out.
    """
    if status < FIRST_FAILURE_STATUS or status >= SERVER_ERROR:
        return StoreBusyError("UnreadableReply")
    return StoreRejectedError(str(status))
