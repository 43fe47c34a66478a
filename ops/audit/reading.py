"""Reads the tables of a deployment. Rule: reads only; `docs/audit.md` names every action that this needs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from modelpass import schema
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import EntitlementId
from modelpass.schema import FAILURES_OF_READING
from modelpass.subscriptions import items as subscription_items
from ops import batches
from ops.audit.rows import Family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.schema import Item, Tables

_KEYS_ONLY: Final = {"ProjectionExpression": "#pk, #sk", "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"}}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a deployment's tables with a boto3 client, which any number of threads may share."""

    dynamodb: Any
    tables: Tables

    def pages(self, table: str, *, keys_only: bool = False) -> Iterator[list[Item]]:
        """All items of a table, page by page: not as of one moment, and eventually consistent."""
        request = {"TableName": table, **(_KEYS_ONLY if keys_only else {})}
        for page in self.dynamodb.get_paginator("scan").paginate(**request):
            yield page["Items"]

    def family(self, subscription_id: str, tickets: dict[str, int] | None = None) -> Family:
        """All that is stored of a subscription, read item after item; raises `UnansweredError`.

        `tickets` are the numbers of tickets by the key of their entitlement, where the caller has counted them; without
        them, the tickets are counted here.
        """
        row, orders = _row_apart(self._partition(self.tables.subscriptions, subscription_id))
        history = self._partition(self.tables.history, subscription_id)
        wanted = _entitlement_keys(subscription_id, row, history)
        account = "" if row is None else row.get("ac", {}).get("S", "")
        return Family(
            subscription_id=subscription_id,
            row=row,
            account=self._partition(self.tables.subscriptions, subscription_items.slot_key(account)[0])
            if account
            else (),
            history=history,
            events=self._partition(self.tables.events, subscription_id),
            entitlements=self._entitlements(wanted),
            orders=orders,
            tickets={pk: self._tickets(pk) if tickets is None else tickets.get(pk, 0) for pk in wanted},
        )

    def _partition(self, table: str, pk: str) -> tuple[Item, ...]:
        pages = self.dynamodb.get_paginator("query").paginate(**_of_partition(table, pk))
        return tuple(item for page in pages for item in page["Items"])

    def _tickets(self, pk: str) -> int:
        request = {**_of_partition(self.tables.history, pk), "Select": "COUNT"}
        return sum(page["Count"] for page in self.dynamodb.get_paginator("query").paginate(**request))

    def _entitlements(self, wanted: list[str]) -> tuple[Item, ...]:
        """The entitlements that exist under these keys, in the order of the keys."""
        found = batches.read(self.dynamodb, self.tables.entitlements, [{"pk": schema.text(pk)} for pk in wanted])
        return tuple(sorted(found, key=lambda item: str(item["pk"]["S"])))


def _row_apart(stored: tuple[Item, ...]) -> tuple[Item | None, tuple[Item, ...]]:
    """A subscription's row, if it is there, and what else stands in its partition."""
    _, row_key = subscription_items.subscription_key("")
    rows = [item for item in stored if item["sk"]["S"] == row_key]
    return (rows[0] if rows else None), tuple(item for item in stored if item["sk"]["S"] != row_key)


def _of_partition(table: str, pk: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "KeyConditionExpression": "#pk = :pk",
        "ExpressionAttributeNames": {"#pk": "pk"},
        "ExpressionAttributeValues": {":pk": schema.text(pk)},
        "ConsistentRead": True,
    }


def _entitlement_keys(subscription_id: str, row: Item | None, history: tuple[Item, ...]) -> list[str]:
    """The keys of the entitlements that the row and the terms' rows name, even where one of these rows is damaged."""
    _, begin = subscription_items.terms_prefix(subscription_id)
    terms = (item for item in history if item["sk"]["S"].startswith(begin))
    rows = [*terms] if row is None else [*terms, row]
    sold: set[str] = set()
    for item in rows:
        with suppress(*FAILURES_OF_READING):  # it is reported as what it is: an item that cannot be read
            number = int(item["tn"]["N"])
            names = [value["M"]["id"]["S"] for value in item["ms"]["L"]]
            names += [entry.partition("#")[0] for entry in item.get("am", {"SS": []}).get("SS", [])]  # came in later
            ids = [EntitlementId(subscription_id, number, name) for name in names]
            sold.update(map(entitlement_items.entitlement_pk, ids))
    return sorted(sold)
