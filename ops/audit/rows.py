"""Stored items as the values that equations compare. Rule: pure; an item that cannot be read is a breach, not an error.

A family is everything that is stored of one subscription.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from modelpass import schema
from modelpass.entitlements import history as entitlement_history
from modelpass.entitlements import items as entitlement_items
from modelpass.schema import FAILURES_OF_READING
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions import order_items
from ops.audit.breaches import Breach, Equation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelpass.entitlements.model import Entitlement, EntitlementId
    from modelpass.schema import Item
    from modelpass.subscriptions.model import Slot, SoldTerm, Subscription
    from modelpass.subscriptions.order_records import Order

_SHOWN: Final = ("slot", "subscription", "order", "day", "month", "term")
"""Sort keys that begin with one of these words hold no digest."""


@dataclass(frozen=True, slots=True)
class Family:
    """A subscription's items as they are stored: its row, its account's, its history, events and entitlements.

    `orders` are its orders, and the marks by which repeats of sales are told. `tickets` counts those that stand for
    reclaimed holds, by the key of their entitlement.
    """

    subscription_id: str
    row: Item | None
    account: tuple[Item, ...]
    history: tuple[Item, ...]
    events: tuple[Item, ...]
    entitlements: tuple[Item, ...]
    tickets: dict[str, int]
    orders: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """The figures of a closed month window, in the model's unit."""

    cap: int
    left: int
    held: int
    used: int
    top_up: int = 0


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction as it was recorded: the units and calls it added, and the instant whose windows it corrected."""

    units: int
    at_ms: int
    calls: int


@dataclass(slots=True)
class Beside:
    """What the history has of one entitlement: closed days (calls, units), closed months, corrections."""

    days: dict[str, tuple[int, int]] = field(default_factory=dict)
    months: dict[int, MonthFigures] = field(default_factory=dict)
    corrections: list[Correction] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was stored: its type, and its `data`."""

    type: str
    data: dict[str, Any]


@dataclass(slots=True)
class Readings:
    """A family as values, and what of it could not be read.

    `marked` are the numbers of orders that marks of repeats name, `entries` the keys of the subscription's entries in
    its account's list of orders.
    """

    id: str
    subscription: Subscription | None = None
    slot: Slot | None = None
    listed: int = 0
    terms: dict[int, SoldTerm] = field(default_factory=dict)
    entitlements: dict[EntitlementId, Entitlement] = field(default_factory=dict)
    stored: list[tuple[Item, Entitlement]] = field(default_factory=list)
    beside: dict[EntitlementId, Beside] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    tickets: dict[str, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    marked: list[int] = field(default_factory=list)
    entries: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[Breach] = field(default_factory=list)

    def of(self, entitlement: EntitlementId) -> Beside:
        """What the history has of an entitlement; nothing, where nothing was closed or corrected."""
        return self.beside.setdefault(entitlement, Beside())


def read(family: Family) -> Readings:
    """A family's items as values."""
    found = Readings(family.subscription_id, tickets=family.tickets)
    takers: tuple[tuple[Callable[[Readings, Item], None], Iterable[Item]], ...] = (
        (_take_row, () if family.row is None else (family.row,)),
        (_take_order, family.orders),
        (_take_of_account, family.account),
        (take_history, family.history),
        (_take_event, family.events),
        (_take_entitlement, family.entitlements),
    )
    for take, stored in takers:
        for item in stored:
            found.unreadable += unreadable(item, lambda item, take=take: take(found, item))  # type: ignore[misc]
    return found


def unreadable(item: Item, parse: Callable[[Item], object]) -> list[Breach]:
    """A breach when an item cannot be parsed; it tells the version, and never what the item holds."""
    try:
        parse(item)
    except FAILURES_OF_READING:
        version = item.get("v", {}).get("N")
        return [damaged(shown_key(item), f"one of version {version}, or damaged")]
    return []


def damaged(what: str, found: str) -> Breach:
    """The breach of an item, or of a family of them, whose values make no sense."""
    return Breach(Equation.READABLE, what, "an item that this version reads", found)


def shown_key(item: Item) -> str:
    """The key of an item as a breach may show it: the rest of some sort keys is a digest."""
    pk, sk = item["pk"]["S"], item.get("sk", {}).get("S")
    if sk is None:
        return str(pk)
    kind = sk.partition("#")[0]
    return f"{pk} {sk if kind in _SHOWN else kind}"


def take_history(found: Readings, row: Item) -> None:
    """Take in a row of the history; raises one of the errors of parsing when it cannot be read."""
    pk, sk, row = row["pk"]["S"], row["sk"]["S"], schema.current(row)
    match sk.split("#"):
        case ["term", *_]:
            sold = subscription_items.term_row_of(row)
            found.terms[sold.number] = sold
        case ["day", *_]:
            day, entitlement = entitlement_history.parse_day_key(pk, sk)
            found.of(entitlement).days[day] = int(row["calls"]["N"]), int(row["units"]["N"])
        case ["month", *_]:
            entitlement, month = entitlement_history.parse_month_key(pk, sk)
            cap, left, held, used = (int(row[name]["N"]) for name in ("cap", "left", "held", "used"))
            top_up = schema.optional_number(row, "topUp") or 0
            found.of(entitlement).months[month] = MonthFigures(cap, left, held, used, top_up)
        case ["correction", _]:
            entitlement = entitlement_history.corrected_entitlement(row)
            calls = schema.optional_number(row, "calls") or 0
            made = Correction(int(row["units"]["N"]), int(row["at"]["N"]), calls)
            found.of(entitlement).corrections.append(made)
        case _:
            raise ValueError(sk)


def read_ticket(row: Item) -> None:
    """Parse a ticket and keep nothing of it; raises one of the errors of parsing when it cannot be read."""
    entitlement_items.unpack_hold("", schema.current(row)["hold"]["S"])
    entitlement_items.parse_entitlement_pk(row["pk"]["S"])


def _take_row(found: Readings, item: Item) -> None:
    found.subscription = subscription_items.subscription_of(item)


def _take_order(found: Readings, item: Item) -> None:
    if not item["sk"]["S"].startswith(order_items.ORDERS):
        found.marked.append(order_items.mark_of(item).order_number)
        return
    order = order_items.order_of(item)
    found.orders[order.number] = order


def _take_of_account(found: Readings, item: Item) -> None:
    if item["sk"]["S"].startswith(order_items.ORDERS):
        subscription_id, _ = order_items.order_of_entry(item)
        if subscription_id == found.id:
            found.entries.append((item["pk"]["S"], item["sk"]["S"]))
    elif item["sk"]["S"].startswith(subscription_items.BOUGHT):
        found.listed += schema.current(item)["id"]["S"] == found.id
    else:
        found.slot = subscription_items.slot_of(item)


def _take_event(found: Readings, row: Item) -> None:
    event = schema.current(row)
    found.events.append(StoredEvent(event["type"]["S"], json.loads(event["data"]["S"])))


def _take_entitlement(found: Readings, item: Item) -> None:
    entitlement = entitlement_items.entitlement_of(item)
    found.entitlements[entitlement.id] = entitlement
    found.stored.append((item, entitlement))
