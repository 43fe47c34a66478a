"""The tables of a deployment, found by its CloudFormation stack. Rule: reads the stack, and writes nothing."""

from __future__ import annotations

from typing import Any, Final

from ops.errors import CommandError

LOGICAL: Final = {
    "entitlements": "EntitlementsTable",
    "subscriptions": "SubscriptionsTable",
    "history": "HistoryTable",
    "events": "EventsTable",
    "catalogue": "CatalogueTable",
    "tiers": "TiersTable",
}
"""The template's name of each table, by what the table holds."""


def table_names(cloudformation: Any, stack: str) -> dict[str, Any]:
    """The names of a stack's tables by what they hold; those it lacks are left out.

    The resources are listed page by page; `DescribeStackResources` would show the first 100 alone.
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
