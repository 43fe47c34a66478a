"""The tables of a deployment, found by its CloudFormation stack. Rule: reads what there is, and makes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from local.problems import StartError

if TYPE_CHECKING:
    from modelpass.items import Item

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
    """The names of all of a stack's tables; raises `StartError` when it lacks one."""
    found = table_names(cloudformation, stack)
    if set(found) != set(LOGICAL):
        raise StartError(f"{stack} is no deployment of Modelpass: it lacks tables.")
    return found


def key_of(item: Item) -> Item:
    """The primary key of a stored item, of whichever table."""
    return {name: item[name] for name in ("pk", "sk") if name in item}
