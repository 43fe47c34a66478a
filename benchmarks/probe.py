"""Runs one function as Lambda loads it, and measures its CPU time. Rule: only the call that is measured is timed.

Started by `probing` in the function's own Python, with its layers and its environment; it needs nothing else but the
standard library. Reads frames from standard input and answers on the descriptor named by its argument, so that what the
function prints goes where Lambda's log would be. Times are CPU times of this process: they hold neither the engine's
time nor the driver's, and no waiting.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from local.awslambda.process import Context, receive_frame, send_frame

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

STORE: Final = "store client: the rest of it"
REST: Final = "the rest of the handler"
_SEAMS: Final = (
    ("modelpass.dynamodb.lean_client", "signed_headers", "store client: signing"),
    ("modelpass.dynamodb.lean_client", "_exchange", "store client: socket and HTTP"),
    ("modelpass.dynamodb.wire_json", "encoded", "store client: request to JSON"),
    ("modelpass.dynamodb.wire_json", "decoded", "store client: JSON to reply"),
    *(("modelpass.router.authorize", name, "reading the payload") for name in ("line_facts_of", "request_of")),
    ("modelpass.router.settle", "request_of", "reading the payload"),
    ("modelpass.api_keys", "parse_api_key", "keys, MACs and digests"),
    *(
        ("modelpass.entitlements.authorization_ids", name, "keys, MACs and digests")
        for name in ("parse_authorization_id", "issue_authorization_id", "request_digest")
    ),
    *(("modelpass.entitlements.updates", name, "expressions of the write") for name in ("authorize", "settle")),
    ("modelpass.entitlements.items", "entitlement_of", "reading the item"),
    *(("modelpass.entitlements.answers", name, "the answer") for name in ("granted", "current_windows")),
    ("modelpass.router.authorize", "authorize", "tries, thresholds and what is between"),
    ("modelpass.router.settle", "settle", "tries, thresholds and what is between"),
    ("modelpass.runtime.telemetry", "Line.__enter__", "log line"),
    ("modelpass.runtime.telemetry", "Line.__exit__", "log line"),
)
"""What is timed by itself where it is there: module, name in it, and the part that it belongs to."""
PARTS: Final = tuple(dict.fromkeys((STORE, *(part for _, _, part in _SEAMS), REST)))
_TIMEOUT_SECONDS: Final = 15
_TURNS: Final = 500
_ID: Final = "00000000-0000-4000-8000-000000000000"


def main() -> None:
    """Load the function, report its version of Python, and do what is asked until the parent is gone."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # each line is written, as in Lambda
    with os.fdopen(int(sys.argv[1]), "wb") as out:
        module, _, name = os.environ["_HANDLER"].partition(".")
        probe = Probe(importlib.import_module(module), name)
        send_frame(out, {"python": sys.version.split()[0]})
        while True:
            try:
                asked = receive_frame(sys.stdin.buffer)
            except EOFError:
                return
            send_frame(out, getattr(probe, asked.pop("do"))(**asked))


class Probe:
    """What the parent can ask for; an answer holds the nanoseconds of CPU that each call took."""

    def __init__(self, app: Any, name: str) -> None:
        self._app = app
        self._handler = getattr(app, name)
        self._boto3: Any = None

    def run(self, events: list[Json]) -> list[Json]:
        """The handler, once for each event."""
        return [_timed(lambda event: self._handler(event, _context()), event) for event in events]

    def update(self, requests: list[str]) -> list[Json]:
        """boto3's `update_item` as anybody calls it, without anything of ours: the yardstick."""
        if self._boto3 is None:
            self._boto3 = importlib.import_module("boto3").client("dynamodb")
        return [_timed(lambda r: self._boto3.update_item(**r) and None, request) for request in _read(requests)]

    def send(self, requests: list[str]) -> list[Json]:
        """The function's own store client alone."""
        send = self._app.deps.send
        return [_timed(lambda r: send("UpdateItem", r) and None, request) for request in _read(requests)]

    def spent(self) -> Json:
        """The CPU that this process took so far, with its start, and the version of boto3 if it is loaded."""
        return {"ns": time.process_time_ns(), "boto3": _version("boto3")}

    def profile(self, events: list[Json]) -> list[Json]:
        """The handler once for each event, and where its time went."""
        shares = Shares(_turn_ns())
        undo = [_wrap(shares, *seam) for seam in _SEAMS if _is_there(*seam[:2])]
        deps = self._app.deps
        self._app.deps = deps._replace(send=shares.within(STORE, deps.send))
        try:
            return [shares.of(partial(self._handler, event, _context())) for event in events]
        finally:
            self._app.deps = deps
            for restore in undo:
                restore()


@dataclass(slots=True)
class Shares:
    """Time by label: what a label holds is not in the one around it, and what the measuring itself takes is in none."""

    turn_ns: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)
    _labels: list[str] = field(default_factory=lambda: [REST])
    _since: int = 0

    def of(self, call: Callable[[], Any]) -> Json:
        """Time one call."""
        self.spent = {}
        self._since = time.process_time_ns()
        answer = call()
        self._turn()
        return {"answer": answer, "parts": self.spent}

    def within(self, label: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call under a label."""

        def labelled(*arguments: Any, **named: Any) -> Any:
            self._turn()
            self._labels.append(label)
            try:
                return call(*arguments, **named)
            finally:
                self._turn()
                self._labels.pop()

        return labelled

    def _turn(self) -> None:
        now = time.process_time_ns()
        label = self._labels[-1]
        self.spent[label] = self.spent.get(label, 0) + now - self._since - self.turn_ns
        self._since = now


def _turn_ns() -> float:
    """The nanoseconds of one turn by itself: a labelled call of an empty function takes two."""
    shares = Shares()
    nothing = shares.within(REST, _nothing)
    shares.of(lambda: [nothing() for _ in range(_TURNS)])
    return shares.spent[REST] / (2 * _TURNS)


def _nothing() -> None:
    pass


def _is_there(module: str, path: str) -> bool:
    """Whether the function has loaded this module and name: with boto3, those of the lean client are not loaded."""
    return module in sys.modules and hasattr(sys.modules[module], path.partition(".")[0])


def _wrap(shares: Shares, module: str, path: str, label: str) -> Callable[[], None]:
    *outer, name = path.split(".")
    owner: Any = sys.modules[module]
    for step in outer:
        owner = getattr(owner, step)
    original = getattr(owner, name)
    setattr(owner, name, shares.within(label, original))
    return lambda: setattr(owner, name, original)


def _timed(call: Callable[[Json], Any], value: Json) -> Json:
    began = time.process_time_ns()
    answer = call(value)
    return {"ns": time.process_time_ns() - began, "answer": answer}


def _context() -> Context:
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    memory = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    return Context(_ID, name, memory, name, time.monotonic() + _TIMEOUT_SECONDS)


def _read(requests: list[str]) -> list[Json]:
    """Requests as a store client takes them, with their binary values; the function's own module decodes them."""
    wire_json: Any = importlib.import_module("modelpass.dynamodb.wire_json")
    return [wire_json.decoded(request.encode()) for request in requests]


def _version(package: str) -> str:
    version: str = getattr(sys.modules.get(package), "__version__", "")
    return version


if __name__ == "__main__":
    main()
