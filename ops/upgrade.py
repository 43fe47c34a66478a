"""`make upgrade`: brings what is stored to the newest schema version. Rule: every write is guarded, and safe to repeat.

STACK names the deployment; credentials and Region are those of the environment. A local stack that keeps its data
upgrades it by itself when it starts. The service may go on meanwhile: an item that changes in between is left for the
next run, and one of a version that is not understood is never touched. Exit status: 0 when no item of the earlier
version is left, 1 when one is, 2 when it could not be done.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3

from modelpass import schema
from modelpass.catalogue.items import settings_item
from modelpass.schema import Tables
from modelpass.subscriptions import items as subscription_items
from ops.aws import put_new, status_of
from ops.errors import CommandError
from ops.stack_tables import LOGICAL, every_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.schema import Item


def main() -> int:
    """Upgrade the deployment that STACK names, print what was written and what is left, and give the exit status."""
    return status_of(_upgrade)


def _upgrade() -> int:
    stack = os.environ.get("STACK")
    if not stack:
        raise CommandError("Say which deployment: make upgrade STACK=…")
    tables = Tables(**every_table(boto3.client("cloudformation"), stack))
    written, left = everything(boto3.client("dynamodb"), tables)
    print(f"{written} items brought to version {schema.NEWEST}, {left} left for another run")
    return 1 if left else 0


def everything(dynamodb: Any, tables: Tables) -> tuple[int, int]:
    """Bring every item of the version before to the newest; gives how many were written, and how many were left."""
    written = left = 0
    for kind in LOGICAL:
        table = getattr(tables, kind)
        for item in _of_the_version_before(dynamodb, table):
            if table == tables.subscriptions and item["sk"]["S"] == "subscription":
                # Before the row is written: when this run breaks off, the next one finds the row again.
                _add_to_list(dynamodb, table, item)
            if table == tables.catalogue and "kind" in item:  # a model; the item of tiers that are down has none
                _keep_currency(dynamodb, table, item)
            done = _written(dynamodb, {"TableName": table, **_update(kind, item)})
            written, left = written + done, left + (not done)
    return written, left


def newest_form(kind: str, item: Item) -> Item:
    """An item of a table of this kind (`LOGICAL`) in its newest form; raises `UnreadableItemError`."""
    del kind
    return schema.current(item)


def _of_the_version_before(dynamodb: Any, table: str) -> Iterator[Item]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="#v = :before",
        ExpressionAttributeNames={"#v": "v"},
        ExpressionAttributeValues={":before": schema.number(schema.PREVIOUS)},
    )
    for page in pages:
        yield from page["Items"]


def _update(kind: str, item: Item) -> dict[str, Any]:
    """The write that adds what an item lacks, and only that."""
    lacking = {name: value for name, value in newest_form(kind, item).items() if name not in item}
    absent = [f"attribute_not_exists(#{name})" for name in lacking]
    return {
        "Key": schema.key_of(item),
        # It fails when another run has upgraded the item since, or when somebody has written what it lacked.
        "ConditionExpression": " AND ".join(["#v = :before", *absent]),
        "UpdateExpression": "SET " + ", ".join(["#v = :v", *(f"#{name} = :{name}" for name in lacking)]),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("v", *lacking)},
        "ExpressionAttributeValues": {**schema.understood(), **{f":{name}": lacking[name] for name in lacking}},
    }


def _add_to_list(dynamodb: Any, table: str, row: Item) -> None:
    """Put a subscription into its account's list, unless it is there: version 1 had no list at first."""
    made = subscription_items.bought_key(row["ac"]["S"], int(row["ca"]["N"]), 0, row["pk"]["S"])
    moment = "#".join(made[1].split("#")[:2])
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression="#pk = :pk AND begins_with(#sk, :moment)",
        ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
        ExpressionAttributeValues={
            ":pk": schema.text(made[0]),
            ":moment": schema.text(moment),
        },
        ConsistentRead=True,
    )
    if row["pk"] not in [entry["id"] for entry in found["Items"]]:
        put_new(dynamodb, table, {**schema.primary_key(made), "v": schema.number(schema.NEWEST), "id": row["pk"]})


def _keep_currency(dynamodb: Any, table: str, model: Item) -> None:
    """Put the currency of a model's prices into the catalogue, unless it is there: version 1 had none at first."""
    currencies = {price["M"]["currency"]["S"] for price in model["tiers"]["M"].values()}
    for currency in currencies:
        put_new(dynamodb, table, settings_item(currency))


def _written(dynamodb: Any, request: dict[str, Any]) -> bool:
    try:
        dynamodb.update_item(**request)
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
