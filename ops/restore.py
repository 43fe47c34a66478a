"""`make restore`: lets a deployment's tables hold just what restored ones hold. Rule: only what differs is written.

STACK names the deployment; FROM tells what the restored tables are called, with `{}` for each table's own name, as in
FROM='{}-restored'. Nothing else may write meanwhile: docs/operations.md tells how to stop it, and what to check before.
It may be repeated, also after it was broken off. Events that are there already are not written, so no event reaches
other systems twice. Exit status: 0 when all is equal, 1 when something differs, 2 when it could not be done.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3

from modelpass import schema
from ops.aws import WORKERS, dynamodb_client, status_of
from ops.errors import CommandError
from ops.stack_tables import every_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.schema import Item

_SETS: Final = ("SS", "NS", "BS")


def main() -> int:
    """Restore the deployment that STACK names, print what was written to each table, and give the exit status."""
    return status_of(_restore)


def _restore() -> int:
    stack, pattern = os.environ.get("STACK"), os.environ.get("FROM", "")
    if not stack or "{}" not in pattern:
        raise CommandError("Say what to restore, and from where: make restore STACK=… FROM='{}-restored'")
    live = every_table(boto3.client("cloudformation"), stack)
    dynamodb = dynamodb_client()
    for name in live.values():
        dynamodb.describe_table(TableName=pattern.format(name))  # every table is there before anything is written
    left = sum(_made_equal(dynamodb, kind, pattern.format(name), name) for kind, name in live.items())
    return 1 if left else 0


def _made_equal(dynamodb: Any, kind: str, restored: str, live: str) -> int:
    """Make one table equal, print what was written, and give how many items still differ."""
    put, deleted = replace_items(dynamodb, restored, live)
    missing, beyond = _differences(dynamodb, restored, live)
    left = len(missing) + len(beyond)
    print(f"{kind}: {put} items put, {deleted} deleted, {left} differ")
    return left


def replace_items(dynamodb: Any, restored: str, live: str) -> tuple[int, int]:
    """Make the live table hold what the restored one holds; gives how many items were put, and how many deleted."""
    missing, beyond = _differences(dynamodb, restored, live)
    with ThreadPoolExecutor(WORKERS) as pool:
        writes: list[Callable[[], Any]] = [partial(dynamodb.put_item, TableName=live, Item=item) for item in missing]
        writes += [partial(dynamodb.delete_item, TableName=live, Key=schema.key_of(item)) for item in beyond]
        for written in [pool.submit(write) for write in writes]:
            written.result()
    return len(missing), len(beyond)


def _differences(dynamodb: Any, restored: str, live: str) -> tuple[list[Item], list[Item]]:
    """The items to put into the live table, and those to delete from it."""
    wanted, there = stored(dynamodb, restored), stored(dynamodb, live)
    missing = [item for key, item in wanted.items() if there.get(key) != item]
    return missing, [item for key, item in there.items() if key not in wanted]


def stored(dynamodb: Any, table: str) -> dict[tuple[str, ...], Item]:
    """The items of a table by their keys; the members of sets are sorted, for DynamoDB gives them in any order."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = (item for page in pages for item in page["Items"])
    return {tuple(part["S"] for part in schema.key_of(item).values()): _ordered(item) for item in items}


def _ordered(item: Item) -> Item:
    return {
        name: {kind: sorted(held) if kind in _SETS else held for kind, held in value.items()}
        for name, value in item.items()
    }
