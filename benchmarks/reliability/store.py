"""Stands between functions and the engine with DynamoDB's limits, faults and a record. Rule: who starts it stops it.

What passes is passed on unchanged. A request that the limits refuse, or that names a table that is away, is answered
here as DynamoDB would, and never reaches the engine.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from benchmarks.reliability.meter import Charge, Meter, charges_of, keys_of
from local.machine import HOST
from modelpass.dynamodb import wire_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.reliability.clock import Moment
    from benchmarks.reliability.meter import Key

GONE, FAILING, THROTTLED = (
    "ResourceNotFoundException",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
)
_TYPE: Final = "com.amazonaws.dynamodb.v20120810#"
_CAPACITY: Final = re.compile(rb'"ConsumedCapacity":\s*(\[[^\]]*\]|\{[^}]*\})')
_KEPT: Final = ("Content-Type", "x-amzn-RequestId", "x-amz-crc32")


class Reply(NamedTuple):
    """What is answered in place of the engine; a body of None ends the connection without an answer."""

    status: int
    body: bytes | None


def no_answer(_: str) -> Reply | None:
    """Let a request pass, or its reply."""
    return None


@dataclass(slots=True)
class Store:
    """What requests meet on their way, and what has passed."""

    hash_keys: Mapping[str, str]
    clock: Moment
    url: str = ""
    meter: Meter | None = None
    away: dict[str, str] = field(default_factory=dict)
    """Tables that cannot be reached, each with the error that requests which name it get."""
    before: Callable[[str], Reply | None] = no_answer
    """Is told each operation before it is carried out, and may answer in place of the engine."""
    after: Callable[[str], Reply | None] = no_answer
    """The same once it is carried out: the reply may be lost."""
    passed: list[list[Charge]] = field(default_factory=list)
    """What each request took, in the order in which they came."""
    refused: int = 0
    """How many the limits refused."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def taken(self) -> list[list[Charge]]:
        """What has passed since the last time."""
        with self._lock:
            passed, self.passed = self.passed, []
        return passed

    def instead(self, operation: str, keys: list[Key], tables: set[str]) -> Reply | None:
        """What is answered in place of the engine; None when the request passes."""
        for table in sorted(tables & self.away.keys()):
            return error(self.away[table])
        with self._lock:
            if self.meter is not None and not self.meter.admits(keys, self.clock.seconds):
                self.refused += 1
                return throttled(operation, len(keys))
        return self.before(operation)

    def heard(self, operation: str, keys: list[Key], status: int, raw: bytes) -> None:
        """Take what a request has taken."""
        charges = charges_of(operation, keys, _told(status, raw))
        with self._lock:
            self.passed.append(charges)
            if self.meter is not None:
                self.meter.charge(charges, self.clock.seconds)


def _told(status: int, raw: bytes) -> dict[str, Any]:
    """What a reply says of its costs; a page of a megabyte is not read for that."""
    if status >= http.client.BAD_REQUEST:
        failure: dict[str, Any] = wire_json.decoded(raw)
        return failure
    found = _CAPACITY.search(raw)
    return {} if found is None else {"ConsumedCapacity": json.loads(found[1])}


def error(code: str, **more: Any) -> Reply:
    """An error of DynamoDB."""
    status = 500 if code == FAILING else 400
    return Reply(status, json.dumps({"__type": _TYPE + code, "message": code, **more}).encode())


def throttled(operation: str, actions: int) -> Reply:
    """How DynamoDB refuses what is beyond a key's limits: of a transaction, it names the reason of each action."""
    if operation.startswith("Transact"):
        return error("TransactionCanceledException", CancellationReasons=[{"Code": "ThrottlingError"}] * actions)
    return error(THROTTLED)


@contextlib.contextmanager
def in_front_of(engine: str, hash_keys: Mapping[str, str], clock: Moment) -> Iterator[Store]:
    """A store in front of an engine, for as long as it is needed."""
    store = Store(hash_keys, clock)
    behind = urlsplit(engine)

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.engine = http.client.HTTPConnection(str(behind.hostname), behind.port)

        def finish(self) -> None:
            self.engine.close()
            with contextlib.suppress(OSError):  # a function that was ended hears no reply
                super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            keys = keys_of(operation, wire_json.decoded(body), store.hash_keys)
            tables = {key.table.partition("/")[0] for key in keys}
            answer = store.instead(operation, keys, tables)
            if answer is not None:
                self._send(answer, {})
                return
            left_out = ("connection", "content-length")
            kept = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
            self.engine.request("POST", "/", body, kept)
            response = self.engine.getresponse()
            raw = response.read()
            store.heard(operation, keys, response.status, raw)
            answer = store.after(operation)
            headers = {name: str(response.headers[name]) for name in _KEPT if name in response.headers}
            self._send(answer or Reply(response.status, raw), {} if answer else headers)

        def _send(self, answer: Reply, headers: dict[str, str]) -> None:
            if answer.body is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {**headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """A function that was ended hears no reply."""

    with Server((HOST, 0), Passing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            store.url = f"http://{HOST}:{server.server_address[1]}"
            yield store
        finally:
            server.shutdown()
            thread.join()
