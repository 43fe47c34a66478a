"""Finds what is due in the sparse indexes of two tables. Rule: reads only; a run that ends early forgets nothing.

An item is due once the time in its `da` is reached; its `dp` names one of the shards that spread the work. Whoever
works on an item takes its mark away, so what one run leaves is found by the next.
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
_SHARD_BYTES: Final = 2


class OutOfTimeError(Exception):
    """The run has used up its time while it looked for what is due."""


class DueItem(NamedTuple):
    """The primary key of an item, and since when it is due (milliseconds)."""

    key: schema.Item
    since_ms: int


def due(deps: Deps, table: str, stop_at: float) -> Iterator[DueItem]:
    """What is due now, a page at a time; raises `OutOfTimeError` once the steady clock shows `stop_at` (seconds).

    It begins at any shard and goes on by any step: a run that ends early leaves no shard behind for ever, and runs
    beside each other do not end up at the same shard, where each would find its work done by the other.
    """
    chance = int.from_bytes(deps.entropy(_SHARD_BYTES))
    step = chance // schema.DUE_SHARDS * 2 + 1  # odd: it comes to each of a power of two
    for turn in range(schema.DUE_SHARDS):
        shard = schema.due_shard_name((chance + turn * step) % schema.DUE_SHARDS)
        request = {
            "TableName": table,
            "IndexName": "due",
            "KeyConditionExpression": "#dp = :dp AND #da <= :now",
            "ExpressionAttributeNames": {"#dp": "dp", "#da": "da"},
            "ExpressionAttributeValues": {
                ":dp": schema.text(shard),
                ":now": schema.number(deps.now_ms()),
            },
            "Limit": _PAGE,
        }
        for page in transport.pages(_persisting(deps, stop_at), request):
            for item in page:
                yield DueItem(schema.key_of(item), int(item["da"]["N"]))


def _persisting(deps: Deps, stop_at: float) -> Send:
    """A store whose pages are asked for again while it is busy, and no more once the run's time is over."""

    def send(operation: str, request: Request) -> Response:
        if deps.pacing.monotonic() >= stop_at:
            raise OutOfTimeError
        # Each page with a budget of its own: between two of them lies the work on what the first one named.
        return deps.retry_budget().persist(partial(deps.send, operation, request))

    return send
