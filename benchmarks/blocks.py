"""How large a block of calls a router reserves on a hot key. Rule: pure arithmetic; docs/performance.md says why.

One item takes about 1,000 write units a second on AWS. A block is two writes, an authorize and a settle, each of the
item's units, whatever the number of its calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

ITEM_UNITS_PER_SECOND: Final = 1_000
"""What DynamoDB gives one partition key."""
WRITES: Final = 2


def calls_per_second(block: int, item_units: int) -> float:
    """The most that one entitlement takes on AWS in blocks of this size."""
    return block * blocks_per_second(item_units)


def blocks_per_second(item_units: int) -> float:
    """The most blocks, whatever their size."""
    return ITEM_UNITS_PER_SECOND / (WRITES * item_units)


@dataclass(frozen=True, slots=True)
class HotKey:
    """The load on one entitlement: its calls a second over so many routers, and the longest that one call takes."""

    calls_per_second: int
    routers: int
    call_seconds: int
    estimate: int

    def open_holds(self, block: int) -> float:
        """Little's law: a block is open from its first call until the last one, handed out later, is back."""
        return self.calls_per_second / block * self._open_seconds(block)

    def least_block(self, max_open_holds: int, item_units: int) -> int:
        """The smallest block with which the holds stay under their bound, and the item under half of what it takes.

        `item_units` are those of the item when so many holds are open. Raises `ValueError` when each router's own
        block fills the bound.
        """
        if max_open_holds <= self.routers:
            raise ValueError("more holds have to be open at once than there are routers")
        for_holds = (self.calls_per_second * self.call_seconds - self.routers) / (max_open_holds - self.routers)
        for_units = 2 * self.calls_per_second / blocks_per_second(item_units)
        return max(1, ceil(for_holds), ceil(for_units))

    def hold_seconds(self, block: int) -> int:
        """How long a hold has to last, at the least."""
        return ceil(self._open_seconds(block))

    def stranded_units(self, block: int) -> int:
        """What a router that dies leaves held until its holds expire: its share of the open blocks."""
        return ceil(self.open_holds(block) / self.routers) * block * self.estimate

    def _open_seconds(self, block: int) -> float:
        return (block - 1) * self.routers / self.calls_per_second + self.call_seconds


EXAMPLES: Final = (
    HotKey(calls_per_second=20, routers=2, call_seconds=30, estimate=4000),
    HotKey(calls_per_second=200, routers=4, call_seconds=30, estimate=4000),
    HotKey(calls_per_second=2_000, routers=8, call_seconds=30, estimate=4000),
)
"""A busy customer, a very busy one, and one that takes a router farm."""
