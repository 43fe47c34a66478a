"""Finds the items that are due, in the sparse index `due` that two tables have. Rule: reads only; nothing is marked.

An item is in the index while it has `dp`, which names one of the shards that spread the work, and `da`, the time
(milliseconds) from which on it is due. The command that does the work takes the two attributes away or moves `da`, so
a run that ends early loses nothing: the next one finds what it has left.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema
from modelpass.dynamodb import transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.dynamodb.transport import Response, Send
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request

_PAGE: Final = 100
"""How many items one request may bring."""
_SHARD_BYTES: Final = 2


class OutOfTimeError(Exception):
    """The run used up its time while it looked for what is due."""


class DueItem(NamedTuple):
    """The primary key of an item, and the instant since which it is due (milliseconds)."""

    key: schema.Item
    since_ms: int


def due(deps: Deps, table: str, stop_at: float) -> Iterator[DueItem]:
    """What is due now, in one table, read page by page as it is asked for.

    Raises `OutOfTimeError` before a request once the steady clock shows `stop_at` (seconds), and
    `temporarily_unavailable` while the store is busy.

    Each run begins at a random shard and goes on by a random step. So no shard is always left over by runs that end
    early, and runs beside each other do not meet at one shard, where each would find its work done by the other.
    """
    chance = int.from_bytes(deps.entropy(_SHARD_BYTES))
    step = chance // schema.DUE_SHARDS * 2 + 1  # odd: such steps reach every shard, whose number is a power of two
    for turn in range(schema.DUE_SHARDS):
        shard = (chance + turn * step) % schema.DUE_SHARDS
        request = schema.due_query(table, shard, 0, deps.now_ms(), _PAGE)
        for page in transport.pages(_persisting(deps, stop_at), request):
            for item in page:
                yield DueItem(schema.key_of(item), int(item["da"]["N"]))


def _persisting(deps: Deps, stop_at: float) -> Send:
    """A seam that repeats a request while the store is busy, and sends none once the run's time is over."""

    def send(operation: str, request: Request) -> Response:
        if deps.pacing.monotonic() >= stop_at:
            raise OutOfTimeError
        # Each page has a budget of its own: the work on the items of one page takes time before the next is read.
        return deps.retry_budget().persist(partial(deps.send, operation, request))

    return send
