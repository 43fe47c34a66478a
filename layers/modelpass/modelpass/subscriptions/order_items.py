"""Orders as stored items: their keys and attributes, their entries in an account's list, and marks of repeats.

Rule: pure, and strict: what is not understood raises `UnreadableItemError`. An order stands in the subscriptions table,
in the partition of its subscription, so that its id names its key. An entry for each stands in the partition of the
account, in the order of time. A mark, by a digest, tells a repeat of the call that made an order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema
from modelpass.catalogue.tiers import Tier
from modelpass.order_ids import order_parts_of
from modelpass.schema import Item, binary, number, optional_number, text
from modelpass.subscriptions import items
from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.order_records import Order, OrderStatus, Price, PriceLine, TopUp

if TYPE_CHECKING:
    from modelpass.schema import Request, Tables

ORDERS: Final = "order#"
"""How the sort keys of orders begin, and those of their entries in an account's list."""
OF_SUBSCRIPTION: Final = re.compile(rf"{ORDERS}[0-9]{{6,}}")
"""The sort keys of a subscription's orders."""
OF_ACCOUNT: Final = re.compile(rf"{ORDERS}[0-9]{{15}}#sub_[a-z2-7]{{24}}#[0-9]{{6,}}")
"""The sort keys of an account's list of orders."""


class Mark(NamedTuple):
    """By what a repeat of a sale is told: the order it made, a digest of its body, and a nonce of the invocation."""

    order_number: int
    body: bytes
    nonce: bytes


def order_key(subscription_id: str, order_number: int) -> tuple[str, str]:
    """Subscriptions table: the key of an order."""
    return subscription_id, f"{ORDERS}{order_number:06d}"


def key_of_id(order_id: str) -> tuple[str, str] | None:
    """Subscriptions table: the key of the order with this id; None for a text that is no order's id."""
    parts = order_parts_of(order_id)
    return None if parts is None else order_key(*parts)


def listed_key(order: Order) -> tuple[str, str]:
    """Subscriptions table: the key of an order's entry in the list of its account."""
    pk, _ = items.slot_key(order.account_id)
    return pk, f"{ORDERS}{order.at_ms:015d}#{order.subscription_id}#{order.number:06d}"


def order_of_entry(entry: Item) -> tuple[str, str]:
    """The key of the order that an entry of an account's list names."""
    schema.require_understood(entry)
    if OF_ACCOUNT.fullmatch(entry["sk"]["S"]) is None:
        raise schema.UnreadableItemError(entry["sk"]["S"])
    _, _, subscription_id, order_number = entry["sk"]["S"].split("#")
    return order_key(subscription_id, int(order_number))


def numbered(pair: tuple[str, str]) -> tuple[str, int]:
    """The subscription and the number there of the order under a key that `order_key` made."""
    return pair[0], int(pair[1].removeprefix(ORDERS))


def mark_key(subscription_id: str, digest: str) -> tuple[str, str]:
    """Subscriptions table: the key of the mark of a sale; `digest` is that of its Idempotency-Key, or its nonce."""
    return subscription_id, f"sale#{digest}"


def put_order(tables: Tables, order: Order) -> list[Request]:
    """The actions of a transaction that write a new order and its entry in the account's list."""
    entry = {**schema.primary_key(listed_key(order)), "v": number(tables.version)}
    made = order_item(order, tables.version)
    return [{"Put": schema.put_if_absent(tables.subscriptions, item)} for item in (made, entry)]


def put_mark(tables: Tables, subscription_id: str, digest: str, mark: Mark, replaced: Mark | None = None) -> Request:
    """The action of a transaction that writes the mark of a sale; it fails where there is another than `replaced`."""
    item = {
        **schema.primary_key(mark_key(subscription_id, digest)),
        "v": number(tables.version),
        "on": number(mark.order_number),
        "bd": binary(mark.body),
        "nc": binary(mark.nonce),
    }
    put = schema.put_if_absent(tables.subscriptions, item)
    if replaced is not None:
        put |= {
            "ConditionExpression": f"{schema.UNDERSTOOD} AND #on = :on",  # nobody has sold under this digest since
            "ExpressionAttributeNames": {"#v": "v", "#on": "on"},
            "ExpressionAttributeValues": {**schema.understood(), ":on": number(replaced.order_number)},
        }
    return {"Put": put}


def mark_of(item: Item) -> Mark:
    """The mark of a sale, from its stored item."""
    schema.require_understood(item)
    return Mark(int(item["on"]["N"]), bytes(item["bd"]["B"]), bytes(item["nc"]["B"]))


def order_item(order: Order, version: int = schema.NEWEST) -> Item:
    """An order as it is stored; one that waits is due for the reset when it lapses."""
    item = {
        **schema.primary_key(order_key(order.subscription_id, order.number)),
        "v": number(version),
        "ac": text(order.account_id),
        "kd": text(order.kind),
        "os": text(order.stored),
        "lb": text(order.label),
        "cu": text(order.price.currency),
        "pl": {"L": [_price_line(line) for line in order.price.lines]},
        "pm": number(order.price.months),
        "at": number(order.at_ms),
        "by": text(order.by),
        "tn": number(order.term_number),
        "mo": number(order.months),
    }
    numbers = {"fr": order.from_ms, "un": order.until_ms, "la": order.lapses_at_ms}
    item |= {name: number(value) for name, value in numbers.items() if value is not None}
    item |= {name: text(value) for name, value in (("rf", order.reference), ("re", order.reason)) if value is not None}
    if order.stored is OrderStatus.PENDING and order.lapses_at_ms is not None:
        item |= schema.due_attributes(order.subscription_id, order.lapses_at_ms)
    if order.models:
        item["ms"] = items.lines_item(order.models, None)
    if order.waiting:
        item["wt"] = {"SS": list(order.waiting)}
    if order.top_up is not None:
        item["tu"] = {"M": {"id": text(order.top_up.model_id), "un": number(order.top_up.units)}}
    return item


def order_of(item: Item) -> Order:
    """The reverse of `order_item`."""
    schema.require_understood(item)
    (pk, sk), top_up = (item[name]["S"] for name in ("pk", "sk")), item.get("tu", {}).get("M")
    if OF_SUBSCRIPTION.fullmatch(sk) is None:
        raise schema.UnreadableItemError(sk)
    lines = tuple(_price_line_of(line["M"]) for line in item["pl"]["L"])
    return Order(
        subscription_id=pk,
        number=int(sk.removeprefix(ORDERS)),
        account_id=item["ac"]["S"],
        kind=OrderKind(item["kd"]["S"]),
        stored=OrderStatus(item["os"]["S"]),
        label=item["lb"]["S"],
        price=Price(item["cu"]["S"], lines, int(item["pm"]["N"])),
        at_ms=int(item["at"]["N"]),
        by=item["by"]["S"],
        term_number=int(item["tn"]["N"]),
        months=int(item["mo"]["N"]),
        from_ms=optional_number(item, "fr"),
        until_ms=optional_number(item, "un"),
        models=items.models_of(item["ms"]) if "ms" in item else (),
        top_up=None if top_up is None else TopUp(top_up["id"]["S"], int(top_up["un"]["N"])),
        lapses_at_ms=optional_number(item, "la"),
        reference=item["rf"]["S"] if "rf" in item else None,
        reason=item["re"]["S"] if "re" in item else None,
        waiting=tuple(sorted(item["wt"]["SS"])) if "wt" in item else (),
    )


def end_order(tables: Tables, ended: Order) -> Request:
    """The action of a transaction that writes an order which waits no longer; it fails where it does not wait."""
    return {
        "Put": {
            "TableName": tables.subscriptions,
            "Item": order_item(ended),  # one that has waited is of the newest version
            "ConditionExpression": f"{schema.UNDERSTOOD} AND #os = :os",
            "ExpressionAttributeNames": {"#v": "v", "#os": "os"},
            "ExpressionAttributeValues": {**schema.understood(), ":os": text(OrderStatus.PENDING)},
        }
    }


def is_order(item: Item) -> bool:
    """Whether a stored item of the subscriptions table is an order."""
    return OF_SUBSCRIPTION.fullmatch(item["sk"]["S"]) is not None


def _price_line(line: PriceLine) -> Item:
    fields = {"id": line.model_id, "tr": line.tier, "pr": line.monthly, "pt": line.total}
    return {"M": {name: text(value) for name, value in fields.items()}}


def _price_line_of(fields: Item) -> PriceLine:
    return PriceLine(fields["id"]["S"], Tier(fields["tr"]["S"]), fields["pr"]["S"], fields["pt"]["S"])
