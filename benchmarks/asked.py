"""Counts what a function asks of the store, by a relay between the two. Rule: it counts what passes, never a claim.

Units are those that the reply reports; those of a refused condition follow from the item that it looked at
(`tests.support.capacity`). The read of which tiers are down is not counted: a process makes it once in 3 to 4 seconds,
whatever the traffic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from modelpass.dynamodb import wire_json
from modelpass.dynamodb.transport import consumed
from tests.support.capacity import units_of_refused_write

if TYPE_CHECKING:
    from tests.support.relay import Relay


@dataclass(slots=True)
class Asked:
    """Requests in the order they came, and what they consumed."""

    operations: list[str] = field(default_factory=list)
    write_units: float = 0.0
    read_units: float = 0.0

    def each(self, count: int) -> Each:
        """What one of `count` invocations asked for, on average."""
        return Each(len(self.operations) / count, self.write_units / count, self.read_units / count)


class Each(NamedTuple):
    """What one invocation asks of the store, on average."""

    requests: float
    write_units: float
    read_units: float

    @property
    def cells(self) -> list[str]:
        """The figures as a table shows them."""
        return [f"{figure:.3g}" for figure in self]


class Listener:
    """Counts the requests that pass a relay."""

    def __init__(self, relay: Relay, tiers_table: str) -> None:
        self._now = Asked()
        self._tiers = f'"{tiers_table}"'.encode()
        self.url = relay.url
        relay.heard = self._hear

    def taken(self) -> Asked:
        """What was asked since the last time."""
        taken, self._now = self._now, Asked()
        return taken

    def _hear(self, operation: str, request: bytes, reply: bytes) -> None:
        if operation == "GetItem" and self._tiers in request:
            return
        self._now.operations.append(operation)
        answer: dict[str, Any] = wire_json.decoded(reply)
        if "ConditionalCheckFailed" in answer.get("__type", ""):
            self._now.write_units += units_of_refused_write(answer.get("Item"))
            return
        read, written = consumed(operation, answer)
        self._now.read_units += read
        self._now.write_units += written
