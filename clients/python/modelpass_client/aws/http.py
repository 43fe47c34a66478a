"""HTTP/1.1 over kept connections. Rule: it knows nothing of AWS, and sends a request twice only where it is told to.

Any number of threads may use a client, and so may a process that was forked while it was in use: the child opens
connections of its own. A request has a connection to itself. Each is bounded in time as a whole, however a reply
trickles: so many seconds until it is connected, and so many from there to the last byte. Only the look-up of a name is
not bounded, because the system offers no way to.

Not done on purpose: proxies (those that the environment names are not asked), redirects, HTTP/2, compression.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from modelpass_client.aws import http1

if TYPE_CHECKING:
    from modelpass_client.aws.endpoint import Endpoint

IDLE_SECONDS: Final = 20.0
"""A connection that waited longer is not used again: the network may have dropped it without closing it."""
_CHUNK_BYTES: Final = 65_536


class HttpError(Exception):
    """A request that got no whole reply. `maybe_done` tells that the server may have carried it out.

    `closed` tells that the connection was found closed before any byte of a reply: the usual end of a kept one.
    """

    def __init__(self, reason: str, *, maybe_done: bool, closed: bool = False) -> None:
        super().__init__(reason)
        self.maybe_done = maybe_done
        self.closed = closed


class _Pool:
    """The connections of one process: those that wait, and how many more may be opened."""

    def __init__(self, most: int) -> None:
        self.process = os.getpid()
        self.free = threading.Semaphore(most)
        self.idle: deque[tuple[socket.socket, float]] = deque()

    def waiting(self) -> socket.socket | None:
        """A kept connection that can be used again, the last used first; None when there is none."""
        try:
            connection, since = self.idle.pop()
        except IndexError:
            return None
        if time.monotonic() - since < IDLE_SECONDS and _is_silent(connection):
            return connection
        connection.close()
        self.close()  # those below it have waited longer
        return None

    def keep(self, connection: socket.socket) -> None:
        """Let a connection wait for the next request, and drop those that have waited too long."""
        now = time.monotonic()
        self.idle.append((connection, now))
        with contextlib.suppress(IndexError):  # another thread may have taken the last one
            while now - self.idle[0][1] >= IDLE_SECONDS:
                self.idle.popleft()[0].close()

    def close(self) -> None:
        """Close the connections that wait."""
        with contextlib.suppress(IndexError):
            while True:
                self.idle.pop()[0].close()


class HttpClient:
    """Sends requests to one endpoint, over at most so many connections at a time."""

    def __init__(
        self,
        endpoint: Endpoint,
        tls: ssl.SSLContext | None,
        *,
        connect_seconds: float,
        read_seconds: float,
        connections: int,
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._connections = connections
        self._pool = _Pool(connections)
        self._closed = False

    def send(self, message: bytes, *, repeatable: bool) -> http1.Reply:
        """Send a whole request and read its reply. Raises `HttpError`.

        A kept connection may have been closed by the server just now. A request that is `repeatable` is then sent once
        more, over a new connection and within the same time: it must mean the same when it arrives twice.
        """
        pool = self._pool_of_this_process()
        ends = time.monotonic() + self._connect_seconds + self._read_seconds
        if not pool.free.acquire(timeout=self._connect_seconds):
            raise HttpError("all connections are busy", maybe_done=False)
        try:
            if self._closed:
                raise HttpError("the client is closed", maybe_done=False)
            kept = pool.waiting()
            if kept is not None:
                try:
                    return self._exchange(pool, kept, message, ends)
                except HttpError as error:
                    if error.closed:
                        pool.close()  # the others have waited as long
                    if not (error.closed and repeatable):
                        raise
            return self._exchange(pool, self._connected(ends), message, ends)
        finally:
            pool.free.release()

    def close(self) -> None:
        """Close the connections that wait; one that is in use is closed when its request has ended."""
        self._closed = True
        self._pool_of_this_process().close()

    def _pool_of_this_process(self) -> _Pool:
        pool = self._pool
        if pool.process != os.getpid():  # forked: what waits belongs to the parent, and closing our copies ends nothing
            pool.close()
            self._pool = pool = _Pool(self._connections)
        return pool

    def _connected(self, ends: float) -> socket.socket:
        ends = min(ends, time.monotonic() + self._connect_seconds)
        connection: socket.socket | None = None
        try:
            connection = _tcp(self._endpoint.host, self._endpoint.port, ends)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                return connection
            connection.settimeout(_left(ends))
            return self._tls.wrap_socket(connection, server_hostname=self._endpoint.host)
        except OSError as error:
            reason = _reason("no connection", error)
        if connection is not None:
            connection.close()
        raise HttpError(reason, maybe_done=False)

    def _exchange(self, pool: _Pool, connection: socket.socket, message: bytes, ends: float) -> http1.Reply:
        ends = min(ends, time.monotonic() + self._read_seconds)
        stream = _Stream(connection, ends)
        try:
            stream.send(message)
            reply = http1.read(stream.more)
        except OSError as error:
            reason = _reason("no whole answer", error)
            closed = not stream.heard and isinstance(error, (ConnectionError, ssl.SSLError))
        except http1.MalformedReplyError:
            reason, closed = "an answer in a form that is not read", False
        except BaseException:
            connection.close()
            raise
        else:
            if reply.closes or self._closed:
                connection.close()
            else:
                pool.keep(connection)
            return reply
        connection.close()
        raise HttpError(reason, maybe_done=True, closed=closed)


class _Stream:
    """One exchange over a connection, which raises `TimeoutError` once the steady clock shows `ends` (seconds)."""

    def __init__(self, connection: socket.socket, ends: float) -> None:
        self._connection = connection
        self._ends = ends
        self.heard = False

    def send(self, message: bytes) -> None:
        connection = self._connection
        connection.settimeout(_left(self._ends))
        sent = connection.send(message)
        while sent < len(message):
            connection.settimeout(_left(self._ends))
            sent += connection.send(message[sent:])

    def more(self) -> bytes:
        self._connection.settimeout(_left(self._ends))
        received = self._connection.recv(_CHUNK_BYTES)
        if not received:
            raise ConnectionResetError
        self.heard = True
        return received


def _tcp(host: str, port: int, ends: float) -> socket.socket:
    """A connection to the first address of a host that takes one; each gets its share of the time that is left."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionRefusedError()
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(ends) / (len(addresses) - tried))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _reason(what: str, error: OSError) -> str:
    return f"{what} in time" if isinstance(error, TimeoutError) else f"{what} ({type(error).__name__})"


def _is_silent(connection: socket.socket) -> bool:
    """Whether nothing has come since the last reply: neither a close, nor bytes that would pass for the next reply."""
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return False
    if not hasattr(select, "poll"):
        return not select.select([connection], [], [], 0)[0]
    watched = select.poll()
    watched.register(connection, select.POLLIN)
    return not watched.poll(0)
