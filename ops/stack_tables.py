"""The tables of a deployment, found by its CloudFormation stack. Rule: reads what there is, and makes nothing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from ops.errors import CommandError

if TYPE_CHECKING:
    from modelpass.schema import Item

LOGICAL: Final = {
    "entitlements": "EntitlementsTable",
    "subscriptions": "SubscriptionsTable",
    "history": "HistoryTable",
    "events": "EventsTable",
    "catalogue": "CatalogueTable",
}
"""What the template calls each table, by what it holds."""


def table_names(cloudformation: Any, stack: str) -> dict[str, Any]:
    """The names of a stack's tables by what they hold; those it lacks are left out.

    The listing comes in pages, of which describing the stack would show the first alone.
    """
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    physical = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
    return {kind: physical[name] for kind, name in LOGICAL.items() if name in physical}


def every_table(cloudformation: Any, stack: str) -> dict[str, Any]:
    """The names of all of a stack's tables; raises `CommandError` when it lacks one."""
    found = table_names(cloudformation, stack)
    if set(found) != set(LOGICAL):
        raise CommandError(f"{stack} is no deployment of Modelpass: it lacks tables.")
    return found


def put_new(dynamodb: Any, table: str, item: Item) -> None:
    """Put an item unless there is one."""
    with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(#pk)",
            ExpressionAttributeNames={"#pk": "pk"},
        )
