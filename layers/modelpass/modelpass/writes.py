"""Intent -> DynamoDB request on entitlements. Rule: every expression on an entitlement is here, each guarded.

Nothing is sent from here; `purchases` does the same for purchases and renewals, `history` for the rows beside.
Attribute names and values are always aliased. The reason of each clause stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from modelpass import events, history, items, keys
from modelpass.items import binary, number, text
from modelpass.model import (
    SETTLE_GRACE_MS,
    Entitlement,
    EntitlementId,
    Hold,
    Tier,
)

if TYPE_CHECKING:
    from modelpass.changes import Breach, Change

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of the tables a function may use; those it may not are empty."""

    entitlements: str = ""
    subscriptions: str = ""
    history: str = ""
    events: str = ""
    catalogue: str = ""


_VERSION_KNOWN: Final = "#v = :v"  # an item of another schema version is left as it is
_KEY_IS_CURRENT: Final = "#kh = :kh"  # a renewed or regenerated key binds the very next request
_NOT_CANCELLED: Final = "attribute_not_exists(#xc)"
_SEGMENT_OPEN: Final = "#we > :now"  # ends no later than the term: an expired term fails here, too
_SEGMENT_BEGUN: Final = "#ws <= :now"  # a clock that is behind must not count in a window it has not reached
_ARMED: Final = "#da <= #we"  # the reset will look at this window
_CALLS_LEFT: Final = "#dl >= :calls"
_UNITS_LEFT: Final = "#ml >= :units"
_REQUEST_IS_NEW: Final = "attribute_not_exists(#h.#k)"  # a repeat is answered, not counted
_HOLDS_BOUNDED: Final = "size(#h) < :max"  # keeps the item, and so its price, small

_GRANT_CONDITION: Final = " AND ".join(
    (
        _VERSION_KNOWN,
        _KEY_IS_CURRENT,
        _NOT_CANCELLED,
        _SEGMENT_OPEN,
        _SEGMENT_BEGUN,
        _ARMED,
        _CALLS_LEFT,
        _UNITS_LEFT,
        _REQUEST_IS_NEW,
        _HOLDS_BOUNDED,
    )
)
_GRANT_UPDATE: Final = "SET #dl = #dl - :calls, #dc = #dc + :calls, #ml = #ml - :units, #h.#k = :hold"
_GRANT_NAMES: Final = ("v", "kh", "xc", "we", "ws", "da", "dl", "dc", "ml", "h", "tr")

_SETTLE_CONDITION: Final = " AND ".join(
    (
        _VERSION_KNOWN,
        "#h.#k = :hold",  # this very grant is open: its nonce is part of the value
        "#ws <= :at",  # no window closed since the grant: the stored counters are the hold's
        "#xa > :grace",  # settles end 90 days after the term
    )
)
_SETTLE_UPDATE: Final = (
    "SET #dl = #dl + :back, #dc = #dc - :back, #du = #du + :used, #ml = #ml + :rest, #mu = #mu + :used REMOVE #h.#k"
)
_SETTLE_NAMES: Final = ("v", "h", "ws", "xa", "dl", "dc", "du", "ml", "mu")
_VERSION: Final = number(items.SCHEMA_VERSION)
_COUNTERS: Final = (
    ("dl", "day_left"),
    ("dc", "day_calls"),
    ("du", "day_units"),
    ("ml", "month_left"),
    ("mu", "month_used"),
)


def _aliases(names: tuple[str, ...]) -> dict[str, str]:
    return {f"#{name}": name for name in names}


_GRANT_ALIASES: Final = _aliases(_GRANT_NAMES)
_SETTLE_ALIASES: Final = _aliases(_SETTLE_NAMES)


def grant(
    tables: Tables,
    entitlement: EntitlementId,
    key_hash: bytes,
    hold: Hold,
    tiers: tuple[Tier, ...],
    max_open_holds: int,
) -> Request:
    """Authorize in one write: every rule in the condition, every counter in the update.

    `tiers` are those the entitlement may have for this request: the one asked for, or all that are available.
    """
    tier_values = {f":t{i}": text(tier) for i, tier in enumerate(tiers)}
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        "ConditionExpression": f"{_GRANT_CONDITION} AND #tr IN ({', '.join(tier_values)})",
        "UpdateExpression": _GRANT_UPDATE,
        "ExpressionAttributeNames": {**_GRANT_ALIASES, "#k": hold.key},
        "ExpressionAttributeValues": {
            ":v": _VERSION,
            ":kh": binary(key_hash),
            ":now": number(hold.granted_at_ms),
            ":calls": number(hold.calls),
            ":units": number(hold.units),
            ":max": number(max_open_holds),
            ":hold": text(items.pack_hold(hold)),
            **tier_values,
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def settle(tables: Tables, entitlement: EntitlementId, hold: Hold, used: int, calls: int, now_ms: int) -> Request:
    """Settle in one write: end the hold, book what was used, give the rest back."""
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        "ConditionExpression": _SETTLE_CONDITION,
        "UpdateExpression": _SETTLE_UPDATE,
        "ExpressionAttributeNames": {**_SETTLE_ALIASES, "#k": hold.key},
        "ExpressionAttributeValues": {
            ":v": _VERSION,
            ":hold": text(items.pack_hold(hold)),
            ":at": number(hold.granted_at_ms),
            ":grace": number(now_ms - SETTLE_GRACE_MS),
            ":back": number(hold.calls - calls),
            ":used": number(used),
            ":rest": number(hold.units - used),
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


@dataclass(slots=True)
class _Expression:
    """Collects the clauses of one update; names and values are bound as they are mentioned."""

    conditions: list[str] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    removes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def name(self, attribute: str) -> str:
        alias = f"#{attribute}"
        self.names[alias] = attribute
        return alias

    def hold_path(self, hold_key: str) -> str:
        alias = next((a for a, n in self.names.items() if n == hold_key), f"#k{len(self.names)}")
        self.names[alias] = hold_key
        return f"{self.name('h')}.{alias}"

    def value(self, value: Any) -> str:
        alias = f":v{len(self.values)}"
        self.values[alias] = value
        return alias

    def demand(self, attribute: str, comparison: str, value: Any) -> None:
        self.conditions.append(f"{self.name(attribute)} {comparison} {self.value(value)}")

    def set(self, attribute: str, value: Any) -> None:
        self.sets.append(f"{self.name(attribute)} = {self.value(value)}")

    def add(self, attribute: str, delta: int) -> None:
        alias = self.name(attribute)
        self.sets.append(f"{alias} = {alias} + {self.value(number(delta))}")

    def request(self, table: str, key: items.Item) -> Request:
        update = "SET " + ", ".join(self.sets) if self.sets else ""
        if self.removes:
            update += " REMOVE " + ", ".join(self.removes)
        return {
            "TableName": table,
            "Key": key,
            "ConditionExpression": " AND ".join(self.conditions),
            "UpdateExpression": update.strip(),
            "ExpressionAttributeNames": self.names,
            "ExpressionAttributeValues": self.values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def change(tables: Tables, step: Change, max_open_holds: int = 0) -> tuple[str, Request]:
    """The operation and request of a step: one update, or a transaction with the entitlement first.

    `max_open_holds` bounds the holds of a step that grants; others need none.
    """
    update = _entitlement_update(tables, step, max_open_holds)
    if step.item_only:
        return "UpdateItem", {**update, "ReturnValues": "ALL_NEW"}
    entitlement = step.before
    actions: list[Request] = [{"Update": update}]
    if step.closed_day is not None:
        actions.append({"Update": history.add_to_day(tables.history, entitlement, step.closed_day)})
    if step.closed_month is not None:
        actions.append({"Update": history.add_to_month(tables.history, entitlement, step.closed_month)})
    if step.late_day is not None:
        actions.append({"Update": history.add_to_day(tables.history, entitlement, step.late_day)})
    actions += [{"Update": history.add_to_month(tables.history, entitlement, row)} for row in step.late_months]
    actions += [{"Put": history.ticket(tables.history, entitlement, hold)} for hold in step.tickets]
    if step.spent_ticket is not None:
        actions.append({"Delete": history.spent_ticket(tables.history, entitlement, step.spent_ticket)})
    if step.breach is not None:
        actions.append({"Put": _breach_event(tables, entitlement, step.breach)})
    return "TransactWriteItems", {"TransactItems": actions}


def _entitlement_update(tables: Tables, step: Change, max_open_holds: int) -> Request:
    before, after = step.before, step.after
    expression = _Expression()
    expression.demand("v", "=", _VERSION)
    # The stored windows are still those the step was worked out for.
    expression.demand("ws", "=", number(before.segment_start_ms))
    _write_counters(expression, step)
    removed = _write_holds(expression, before, after)
    if step.grant is not None:
        _demand_grant(expression, step, max_open_holds + removed)
    if after.segment_end_ms != before.segment_end_ms:
        expression.set("ws", number(after.segment_start_ms))
        expression.set("we", number(after.segment_end_ms))
        expression.set("wd", text(after.day))
        expression.set("wm", number(after.month))
    if after.tickets != before.tickets:
        expression.add("rc", after.tickets - before.tickets)
    if after.due_at_ms != before.due_at_ms:
        _write_due(expression, after)
    return expression.request(tables.entitlements, items.entitlement_key(before.id))


def _write_counters(expression: _Expression, step: Change) -> None:
    for attribute, name in _COUNTERS:
        old, new = getattr(step.before.counters, name), getattr(step.after.counters, name)
        if step.exact:
            # What is closed into a row, or judged idle, must be what is there.
            expression.demand(attribute, "=", number(old))
            if new != old:
                expression.set(attribute, number(new))
        elif new != old:
            expression.add(attribute, new - old)


def _write_holds(expression: _Expression, before: Entitlement, after: Entitlement) -> int:
    removed = 0
    for key, hold in before.holds.items():
        if after.holds.get(key) == hold:
            continue
        path = expression.hold_path(key)
        # Nobody settled or reclaimed it since it was read.
        expression.conditions.append(f"{path} = {expression.value(text(items.pack_hold(hold)))}")
        removed += 1
        if key not in after.holds:
            expression.removes.append(path)
    for key, hold in after.holds.items():
        if before.holds.get(key) == hold:
            continue
        path = expression.hold_path(key)
        if key not in before.holds:
            expression.conditions.append(f"attribute_not_exists({path})")
        expression.sets.append(f"{path} = {expression.value(text(items.pack_hold(hold)))}")
    return removed


def _demand_grant(expression: _Expression, step: Change, holds_below: int) -> None:
    before, after = step.before, step.after
    if before.key_hash is not None:
        expression.demand("kh", "=", binary(before.key_hash))
    expression.conditions.append(f"attribute_not_exists({expression.name('xc')})")
    if not step.exact:
        # Others may have taken from the counters since: what this step takes must be there.
        taken_calls = before.counters.day_left - after.counters.day_left
        taken_units = before.counters.month_left - after.counters.month_left
        expression.demand("dl", ">=", number(taken_calls))
        expression.demand("ml", ">=", number(taken_units))
    if after.due_at_ms == before.due_at_ms:
        # The reset did not take its mark away since: it is going to look at what is granted here.
        expression.demand("da", "<=", number(after.segment_end_ms))
    size = f"size({expression.name('h')})"
    expression.conditions.append(f"{size} < {expression.value(number(holds_below))}")


def _write_due(expression: _Expression, after: Entitlement) -> None:
    if after.due_at_ms is None:
        expression.removes += [expression.name("dp"), expression.name("da")]
        return
    expression.set("dp", text(keys.due_shard(keys.entitlement_pk(after.id))))
    expression.set("da", number(after.due_at_ms))


def _breach_event(tables: Tables, entitlement: Entitlement, breach: Breach) -> Request:
    return events.tier_breached(
        tables.events,
        entitlement.account_id,
        entitlement.id,
        breach.hold,
        (entitlement.limits.tier, breach.served_tier),
        breach.at_ms,
    )
