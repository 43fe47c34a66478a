"""Many items in one request, read by their keys or written. Rule: all of them are done, or `UnansweredError` is raised.

DynamoDB may carry out a part of a batch and hand back the rest, because it ran out of throughput or the answer out of
room. The rest is asked for again, after pauses that grow.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.schema import Item

MOST_KEYS: Final = 100
"""The most keys that one BatchGetItem takes."""
MOST_WRITES: Final = 25
"""The most puts and deletions that one BatchWriteItem takes."""
ROUNDS: Final = 20
"""How often what was handed back is asked for in all."""
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0


class UnansweredError(Exception):
    """DynamoDB has handed back a part of a batch again and again; the message is the table's name."""


def read(
    dynamodb: Any,
    table: str,
    keys: list[Item],
    *,
    answered: Callable[[dict[str, Any]], object] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
    **options: Any,
) -> list[Item]:
    """The items that a table has under these keys now, strongly consistent, in any order.

    Any number of keys is taken, each of them once. `answered` is called with each answer, for what it consumed;
    `options` are BatchGetItem's for the table. Raises `UnansweredError`.
    """
    found: list[Item] = []

    def take(left: dict[str, Any]) -> Any:
        answer = dynamodb.batch_get_item(RequestItems=left, ReturnConsumedCapacity="TOTAL")
        answered(answer)
        found.extend(answer["Responses"].get(table, []))
        return answer.get("UnprocessedKeys")

    for first in range(0, len(keys), MOST_KEYS):
        asked = {"Keys": keys[first : first + MOST_KEYS], "ConsistentRead": True, **options}
        _until_done(take, table, asked, sleep)
    return found


def write(
    dynamodb: Any,
    table: str,
    requests: list[dict[str, Any]],
    *,
    answered: Callable[[dict[str, Any]], object] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Carry out puts and deletions, each a `PutRequest` or `DeleteRequest` of another key; raises `UnansweredError`."""

    def hand_over(left: dict[str, Any]) -> Any:
        answer = dynamodb.batch_write_item(RequestItems=left, ReturnConsumedCapacity="TOTAL")
        answered(answer)
        return answer.get("UnprocessedItems")

    for first in range(0, len(requests), MOST_WRITES):
        _until_done(hand_over, table, requests[first : first + MOST_WRITES], sleep)


def _until_done(ask: Callable[[dict[str, Any]], Any], table: str, asked: Any, sleep: Callable[[float], object]) -> None:
    left: Any = {table: asked}
    pause = _FIRST_PAUSE_SECONDS
    for _ in range(ROUNDS):
        left = ask(left)
        if not left:
            return
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    raise UnansweredError(table)
