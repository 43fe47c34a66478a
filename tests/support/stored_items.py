"""All that tables hold, read at once and written at once. Rule: what is written is the difference to what is there."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.support.plain import Plain

if TYPE_CHECKING:
    from local.cloudformation.template import Template
    from modelpass.schema import Item

Items = dict[str, list["Item"]]
_IN_A_BATCH = 25


class UnfinishedError(Exception):
    """The engine did not take all of a batch."""


def read(dynamodb: Any, template: Template) -> Items:
    """Every item of every table of a template, by the name of its table."""
    return {table["TableName"]: of_table(dynamodb, table["TableName"]) for table in template.tables}


def of_table(dynamodb: Any, table: str) -> list[Item]:
    """Every item of a table as it is now."""
    if isinstance(dynamodb, Plain):
        return dynamodb.scan_all(table)
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def write(dynamodb: Any, template: Template, wanted: Items, there: Items) -> None:
    """Let the tables hold what is wanted, and nothing else, where `there` is what they hold; `UnfinishedError`."""
    requests = [
        (table["TableName"], request)
        for table in template.tables
        for request in _difference(table, wanted.get(table["TableName"], []), there[table["TableName"]])
    ]
    for at in range(0, len(requests), _IN_A_BATCH):
        by_table = defaultdict(list)
        for name, request in requests[at : at + _IN_A_BATCH]:
            by_table[name].append(request)
        if dynamodb.batch_write_item(RequestItems=by_table)["UnprocessedItems"]:
            raise UnfinishedError


def _difference(table: dict[str, Any], wanted: list[Item], there: list[Item]) -> list[Item]:
    names = [part["AttributeName"] for part in table["KeySchema"]]
    is_there, is_wanted = _by_key(names, there), _by_key(names, wanted)
    puts = [{"PutRequest": {"Item": item}} for key, item in is_wanted.items() if is_there.get(key) != item]
    gone = [{name: is_there[key][name] for name in names} for key in is_there.keys() - is_wanted.keys()]
    return puts + [{"DeleteRequest": {"Key": key}} for key in gone]


def _by_key(names: list[str], items: list[Item]) -> dict[tuple[str, ...], Item]:
    return {tuple(str(item[name]) for name in names): item for item in items}
