"""DynamoDB as a restore asks it: pages, items by key, writes. Rule: every unit that is consumed is paid at its pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops import batches

if TYPE_CHECKING:
    from modelpass.schema import Item
    from ops.restore.pace import Pace


@dataclass(frozen=True, slots=True)
class Store:
    """A boto3 client, which any number of threads may share, and how fast it may read and write."""

    dynamodb: Any
    reads: Pace
    writes: Pace

    def page(self, request: dict[str, Any]) -> dict[str, Any]:
        """One page of a scan, strongly consistent."""
        page: dict[str, Any] = self.dynamodb.scan(**request, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
        self.reads.spend(_units(page))
        return page

    def found(self, table: str, keys: list[Item], **options: Any) -> list[Item]:
        """The items that a table has under these keys; raises `UnansweredError`."""
        return batches.read(
            self.dynamodb, table, keys, answered=lambda answer: self.reads.spend(_units(answer)), **options
        )

    def write(self, table: str, requests: list[dict[str, Any]]) -> None:
        """Carry out puts and deletions; raises `UnansweredError`."""
        batches.write(self.dynamodb, table, requests, answered=lambda answer: self.writes.spend(_units(answer)))


def _units(answer: dict[str, Any]) -> float:
    """The units that an answer names, its tables' and indexes' together; none of a DynamoDB that names none."""
    named = answer.get("ConsumedCapacity", [])
    units: float = sum(table["CapacityUnits"] for table in (named if isinstance(named, list) else [named]))
    return units
