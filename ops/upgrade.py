"""`make upgrade`: brings what is stored to the newest schema version. Rule: every write is guarded, and safe to repeat.

STACK names the deployment; credentials and Region are those of the environment. A local stack that keeps its data
upgrades it by itself when it starts. Nothing but its number tells an item of the version before from one of the newest,
with two exceptions. A subscription gets the orders of what it was sold before there were orders (`earlier_orders`), and
its row a due mark at the reminders before its end. A ticket is kept for as long as a term may go on.

The service may go on meanwhile: an item that changes in between is left for the next run, and one of a version that is
not understood is never touched. Exit status: 0 when nothing of the earlier version is left, 1 when something is, 2 when
it could not be done.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import boto3

from modelpass import schema
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import SETTLE_MOST_MS
from modelpass.schema import Tables
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions import order_items
from modelpass.times import DAY_MS, MS_PER_SECOND
from ops import earlier_orders
from ops.aws import status_of
from ops.errors import CommandError
from ops.stack_tables import LOGICAL, every_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.schema import Item, Request
    from modelpass.subscriptions.model import SoldTerm, Subscription
    from ops.earlier_orders import Known, Write

_KEPT_MS: Final = SETTLE_MOST_MS + DAY_MS
"""How long after its grant a ticket is kept: a day longer than a settle of it may be accepted."""
_, _ROW = subscription_items.subscription_key("")


class Upgraded(NamedTuple):
    """How many items were brought to the newest version, how many orders were made, and how many items were left."""

    items: int = 0
    orders: int = 0
    left: int = 0

    def __add__(self, other: object) -> Upgraded:
        """The sum of two parts of a run."""
        if not isinstance(other, Upgraded):
            return NotImplemented
        return Upgraded(*(mine + its for mine, its in zip(self, other, strict=True)))


def main() -> int:
    """Upgrade the deployment that STACK names, print what was written and what is left, and give the exit status."""
    return status_of(_upgrade)


def _upgrade() -> int:
    stack = os.environ.get("STACK")
    if not stack:
        raise CommandError("Say which deployment: make upgrade STACK=…")
    tables = Tables(**every_table(boto3.client("cloudformation"), stack))
    done = everything(boto3.client("dynamodb"), tables)
    print(
        f"{done.items} items brought to version {schema.NEWEST}, {done.orders} orders made of what was sold before, "
        f"{done.left} items left for another run"
    )
    return 1 if done.left else 0


def everything(dynamodb: Any, tables: Tables) -> Upgraded:
    """Bring every item of the version before to the newest, and make the orders that subscriptions lack."""
    done = Upgraded()
    for kind in LOGICAL:
        table = getattr(tables, kind)
        for item in _behind(dynamodb, table):
            if table == tables.subscriptions and item["sk"]["S"] == _ROW:
                done += _subscription(dynamodb, tables, item)
            else:
                written = _written(dynamodb, _update(table, item))
                done += Upgraded(items=int(written), left=int(not written))
    return done


def _behind(dynamodb: Any, table: str) -> Iterator[Item]:
    """The items of the version before, and every subscription's row: one of the newest may lack orders as well."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="#v = :before OR (#v = :v AND #sk = :row)",
        ExpressionAttributeNames={"#v": "v", "#sk": "sk"},
        ExpressionAttributeValues={**schema.understood(), ":row": schema.text(_ROW)},
    )
    for page in pages:
        yield from page["Items"]


def _update(table: str, item: Item) -> Request:
    """The write that makes an item one of the newest version."""
    names, values, sets = {"#v": "v"}, schema.understood(), ["#v = :v"]
    if "ttl" in item:
        names["#ttl"], values[":ttl"] = "ttl", schema.number(_kept_until(item))
        sets.append("#ttl = :ttl")
    return {
        "TableName": table,
        "Key": schema.key_of(item),
        "ConditionExpression": "#v = :before",  # nobody has upgraded or deleted the item since
        "UpdateExpression": "SET " + ", ".join(sets),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _kept_until(ticket: Item) -> int:
    """Until when (seconds) a ticket is kept: its term may have been extended, or may be yet."""
    stored = int(ticket["ttl"]["N"])
    try:
        granted_at_ms = entitlement_items.unpack_hold("", ticket["hold"]["S"]).granted_at_ms
    except schema.FAILURES_OF_READING:
        return stored
    return max(stored, (granted_at_ms + _KEPT_MS) // MS_PER_SECOND)


def _subscription(dynamodb: Any, tables: Tables, item: Item) -> Upgraded:
    """Bring a row to the newest version, and make the orders that its subscription lacks."""
    behind = int(item["v"] == schema.number(schema.PREVIOUS))
    done = Upgraded()
    try:
        row = subscription_items.subscription_of(item)
        there = earlier_orders.known(_partition(dynamodb, tables.subscriptions, (row.id, order_items.ORDERS)))
        for write in earlier_orders.writes(tables, row, there, _terms(dynamodb, tables, row, there)):
            if not _carried_out(dynamodb, write):
                return done + Upgraded(left=1)
            done += Upgraded(items=behind, orders=write.orders)
            behind = 0
    except schema.FAILURES_OF_READING:
        return done + Upgraded(left=behind)  # it stays as it is, until somebody has mended it
    return done


def _terms(dynamodb: Any, tables: Tables, row: Subscription, there: Known) -> list[SoldTerm]:
    """The terms of a subscription as they were sold, unless each has the order that began it."""
    if there.terms.issuperset(range(1, row.term_number + 1)):
        return []
    stored = _partition(dynamodb, tables.history, subscription_items.terms_prefix(row.id))
    return [subscription_items.term_row_of(item) for item in stored]


def _partition(dynamodb: Any, table: str, keys: tuple[str, str]) -> list[Item]:
    """The items of a partition whose sort keys begin so."""
    values = {":pk": schema.text(keys[0]), ":prefix": schema.text(keys[1])}
    query = schema.consistent_range_query(table, "#pk = :pk AND begins_with(#sk, :prefix)", values)
    return [item for page in dynamodb.get_paginator("query").paginate(**query) for item in page["Items"]]


def _carried_out(dynamodb: Any, write: Write) -> bool:
    if len(write.actions) == 1:
        return _written(dynamodb, write.actions[0]["Update"])
    try:
        dynamodb.transact_write_items(TransactItems=write.actions)
    except dynamodb.exceptions.TransactionCanceledException:
        return False
    return True


def _written(dynamodb: Any, request: Request) -> bool:
    refused = dynamodb.exceptions
    try:
        dynamodb.update_item(**request)
    except (refused.ConditionalCheckFailedException, refused.TransactionConflictException):
        return False
    return True
