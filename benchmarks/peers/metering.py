"""What a peer asks of its store: requests and units of DynamoDB, commands of Redis. Rule: counted, never claimed.

Requests of DynamoDB pass a relay that asks the engine what each consumed. A write whose condition did not hold tells
no units, so it is charged by DynamoDB's rule, from the item as it is stored. Commands of Redis are watched by its
`MONITOR`, which tells those that a client sent from those that a script ran.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from modelpass.dynamodb import wire_json
from modelpass.dynamodb.transport import consumed
from tests.support.capacity import units_of_refused_write
from tests.support.plain import Plain
from tests.support.relay import relay_to

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_ITEMS: Final = frozenset(
    {
        *("BatchGetItem", "GetItem", "Query", "TransactGetItems"),
        *("BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"),
    }
)
"""Requests that consume units; others make and look at tables."""


@dataclass(slots=True)
class Meter:
    """The requests that passed, by operation, and their units."""

    store: Plain
    requests: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Begin anew."""
        self.requests.clear()
        self.refused = 0
        self.read_units = self.write_units = 0.0

    def see(self, operation: str, sent: bytes, answer: bytes) -> None:
        """Count one request for items, and what it consumed."""
        if operation not in OF_ITEMS:
            return
        reply = wire_json.decoded(answer)
        refused = "__type" in reply
        units = (0.0, refused_units(self.store, json.loads(sent))) if refused else consumed(operation, reply)
        with self._lock:
            self.requests[operation] += 1
            self.refused += refused
            self.read_units += units[0]
            self.write_units += units[1]


def refused_units(store: Plain, request: Any) -> float:
    """Those of an update that was refused, by the size of what is stored."""
    where = {"TableName": request["TableName"], "Key": request["Key"], "ConsistentRead": True}
    return units_of_refused_write(store.get_item(**where).get("Item"))


def asking_for_units(operation: str, body: bytes) -> bytes:
    """The same request, which wants to know what it consumed."""
    if operation not in OF_ITEMS:
        return body
    return json.dumps({**json.loads(body), "ReturnConsumedCapacity": "TOTAL"}).encode()


@contextlib.contextmanager
def metered(engine: str) -> Iterator[tuple[str, Meter]]:
    """A way to the engine on which everything is counted."""
    meter = Meter(Plain(engine))
    with contextlib.closing(meter.store), relay_to(engine) as relay:
        relay.asking = asking_for_units
        relay.heard = meter.see
        yield relay.url, meter
