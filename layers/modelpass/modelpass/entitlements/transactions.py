"""A `Change` as a DynamoDB request: one update, or a transaction with the entitlement first.

Rule: pure, and every write is guarded. The slow steps that `accounting` and `thresholds` work out as before and after
become expressions here; nothing is sent from here. The single writes of the hot path are in `updates`. Names and values
are always aliased, and the reason for each clause stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelpass import schema
from modelpass.entitlements import events, history, items
from modelpass.schema import binary, number, text

if TYPE_CHECKING:
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement, Hold
    from modelpass.schema import Request, Tables

_COUNTERS: Final = (
    ("dl", "day_left"),
    ("dc", "day_calls"),
    ("du", "day_units"),
    ("ml", "month_left"),
    ("mu", "month_used"),
)
_TERMS: Final = ("mo", "xa", "tr", "lc", "lm", "cn", "tu", "xc", "xs", "et")


class _Expression:
    """The clauses of one update, collected one by one; each name and value that a clause mentions gets its alias."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.sets: list[str] = []
        self.removes: list[str] = []
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

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

    def demand_understood(self) -> None:
        self.name("v")
        self.conditions.append(schema.UNDERSTOOD)
        self.values |= schema.understood()

    def set(self, attribute: str, value: Any) -> None:
        self.sets.append(f"{self.name(attribute)} = {self.value(value)}")

    def add(self, attribute: str, delta: int) -> None:
        alias = self.name(attribute)
        self.sets.append(f"{alias} = {alias} + {self.value(number(delta))}")

    def add_from_zero(self, attribute: str, delta: int) -> None:
        alias = self.name(attribute)
        self.sets.append(f"{alias} = if_not_exists({alias}, {self.value(number(0))}) + {self.value(number(delta))}")

    def request(self, table: str, key: schema.Item) -> Request:
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


def request_of(tables: Tables, step: Change, max_open_holds: int = 0) -> tuple[str, Request]:
    """The operation and the request of a step: one update, or a transaction with the entitlement first.

    `max_open_holds` bounds the open holds after a step that grants; other steps do not need it.
    """
    update = _entitlement_update(tables, step, max_open_holds)
    if step.item_only:
        return "UpdateItem", {**update, "ReturnValues": "ALL_NEW"}
    entitlement = step.before
    actions: list[Request] = [{"Update": update}]
    days, months = (step.closed_day, step.late_day), (step.closed_month, *step.late_months)
    actions += [{"Update": history.add_to_day(tables, entitlement, row)} for row in days if row]
    actions += [{"Update": history.add_to_month(tables, entitlement, row)} for row in months if row]
    actions += [{"Put": history.ticket(tables, entitlement, hold)} for hold in step.tickets]
    if step.spent_ticket is not None:
        actions.append({"Delete": history.spent_ticket(tables, entitlement, step.spent_ticket)})
    if step.breach is not None:
        actions.append({"Put": events.tier_breached(tables, entitlement, step.breach)})
    if step.far_above is not None:
        actions.append({"Put": events.usage_far_above_estimate(tables, entitlement, step.far_above)})
    if step.correction is not None:
        actions.append({"Put": history.correction(tables, entitlement.id, step.correction)})
        actions.append({"Put": events.usage_corrected(tables, entitlement, step.correction)})
    actions += [{"Put": events.threshold_reached(tables, entitlement, a)} for a in step.announcements]
    return "TransactWriteItems", {"TransactItems": actions}


def update_of(tables: Tables, step: Change) -> Request:
    """The update of a step that writes nothing but the entitlement, for a transaction with items of another wing."""
    return _entitlement_update(tables, step, 0)


def _entitlement_update(tables: Tables, step: Change, max_open_holds: int) -> Request:
    before, after = step.before, step.after
    expression = _Expression()
    expression.demand_understood()
    # The stored windows are still those the step was worked out for.
    expression.demand("ws", "=", number(before.segment_start_ms))
    _write_counters(expression, step)
    if not step.exact:
        _demand_used(expression, step)
    removed = _write_holds(expression, before, after)
    _demand_new_work(expression, step, max_open_holds + removed)
    if after.segment_end_ms != before.segment_end_ms:
        # Nobody has opened the next windows since, perhaps by another version of the calendar.
        expression.demand("we", "=", number(before.segment_end_ms))
        for attribute, value in items.segment_attributes(after).items():
            expression.set(attribute, value)
    if step.spent_ticket is not None or after.tickets != before.tickets:
        expression.add("rc", after.tickets - before.tickets)
    if step.own_figure is not None:
        expression.add_from_zero(items.OWN_FIGURES[step.own_figure.source], step.own_figure.units)
    _write_terms(expression, step, tables.version)
    if step.exact or after.announced != before.announced:
        _demand_announced(expression, before)
    if after.announced != before.announced:
        _write_announced(expression, step)
    if step.counts and not step.exact and step.grant is None:
        _demand_due(expression, before)
    if after.due_at_ms != before.due_at_ms:
        _write_due(expression, after)
    return expression.request(tables.entitlements, items.entitlement_key(before.id))


def _terms(entitlement: Entitlement) -> schema.Item:
    """What is sold, as it is stored: the end of the term, the limits, what was bought beside them, and the stop."""
    stored = items.entitlement_item(entitlement)
    return {name: stored[name] for name in _TERMS if name in stored}


def _write_terms(expression: _Expression, step: Change, version: int) -> None:
    """Write what is sold by now, if no later change or top-up has reached the item since it was read."""
    before, after = _terms(step.before), _terms(step.after)
    if before == after and step.before.month == step.after.month:
        return
    for name in _TERMS:
        if name in ("cn", "tu") or (before.get(name) != after.get(name) and not step.exact):
            _demand_as_read(expression, name, before)
        if name in after and before.get(name) != after[name]:
            expression.set(name, after[name])
        elif name in before and name not in after:
            expression.removes.append(expression.name(name))
    if before != after and version > schema.PREVIOUS:
        expression.set("v", number(version))


def _demand_as_read(expression: _Expression, name: str, read: schema.Item) -> None:
    if name in read:
        expression.demand(name, "=", read[name])
    else:
        expression.conditions.append(f"attribute_not_exists({expression.name(name)})")


def _demand_announced(expression: _Expression, before: Entitlement) -> None:
    """Nobody has announced a threshold of these windows since they were read, so that none is announced twice."""
    expression.demand("ta", "=", items.announced_value(before.announced))
    # Nor has a mark been set and taken away again since, after which the marks look just as they were read.
    if before.lapses:
        expression.demand("tl", "=", number(before.lapses))
    else:
        expression.conditions.append(f"attribute_not_exists({expression.name('tl')})")


def _write_announced(expression: _Expression, step: Change) -> None:
    expression.set("ta", items.announced_value(step.after.announced))
    if step.after.lapses != step.before.lapses:
        expression.set("tl", number(step.after.lapses))
    if not step.exact:  # an exact step demands the counters as they were read
        _demand_crossings(expression, step)


def _demand_crossings(expression: _Expression, step: Change) -> None:
    """With this write, what is announced is reached, and what loses its mark is not: others may have counted since.

    A block that was granted since may stand in for calls that were given back since. Then what is announced was reached
    when it was read, and is still told once.
    """
    before, after = step.before, step.after
    lapsed = before.announced - after.announced
    # What this write takes back itself: only a correction does, which announces nothing.
    calls_back = before.counters.day_calls - after.counters.day_calls
    units_back = before.counters.month_used - after.counters.month_used
    for attribute, monthly, limit, back in (
        ("dc", False, after.limits.daily_call_limit, calls_back),
        ("mu", True, after.month_limit, units_back),
    ):
        told = [a.least for a in step.announcements if a.threshold.monthly is monthly]
        if told:
            expression.demand(attribute, ">=", number(max(told)))
        gone = [t.least_of(limit) for t in lapsed if t.monthly is monthly]
        if gone:
            expression.demand(attribute, "<", number(min(gone) + back))


def _write_counters(expression: _Expression, step: Change) -> None:
    for attribute, name in _COUNTERS:
        old, new = getattr(step.before.counters, name), getattr(step.after.counters, name)
        if step.exact:
            # The counters are still as read: a closed window's row, and whether the reset has work left, rest on them.
            expression.demand(attribute, "=", number(old))
            if new != old:
                expression.set(attribute, number(new))
        elif new != old:
            expression.add(attribute, new - old)


def _demand_used(expression: _Expression, step: Change) -> None:
    """No more is taken away from what was used than is there, and no correction adds calls that the day has not."""
    before, after = step.before.counters, step.after.counters
    if step.correction is not None and after.day_calls > before.day_calls:
        # The day still has what is added to its calls.
        expression.demand("dl", ">=", number(after.day_calls - before.day_calls))
    if after.day_calls < before.day_calls:
        expression.demand("dc", ">=", number(before.day_calls - after.day_calls))
    if after.day_units < before.day_units:
        expression.demand("du", ">=", number(before.day_units - after.day_units))
    if after.month_used < before.month_used:
        expression.demand("mu", ">=", number(before.month_used - after.month_used))


def _write_holds(expression: _Expression, before: Entitlement, after: Entitlement) -> int:
    removed = 0
    for key, hold in before.holds.items():
        if after.holds.get(key) == hold:
            continue
        path = expression.hold_path(key)
        # Nobody has settled or reclaimed this hold since it was read.
        expression.conditions.append(f"{path} = {expression.value(text(items.pack_hold(hold)))}")
        removed += 1
        if key not in after.holds:
            expression.removes.append(path)
    for key, hold in after.holds.items():
        if before.holds.get(key) == hold:
            continue
        path = expression.hold_path(key)
        if key not in before.holds:
            # Nobody has granted the same request since.
            expression.conditions.append(f"attribute_not_exists({path})")
        expression.sets.append(f"{path} = {expression.value(text(items.pack_hold(hold)))}")
    return removed


def _demand_access(expression: _Expression, before: Entitlement) -> None:
    if before.key_hash is not None:
        # The key is still the current one.
        expression.demand("kh", "=", binary(before.key_hash))
    # The subscription was not cancelled since.
    expression.conditions.append(f"attribute_not_exists({expression.name('xc')})")


def _demand_new_work(expression: _Expression, step: Change, holds_below: int) -> None:
    if step.grant is not None:
        _demand_grant(expression, step, step.grant, holds_below)
    if step.goes_on is not None:
        _demand_to_go_on(expression, step, step.goes_on)


def _demand_to_go_on(expression: _Expression, step: Change, hold: Hold) -> None:
    """What the hold has for new work is still there: others may have taken from the counters since."""
    before, after = step.before.counters, step.after.counters
    _demand_access(expression, step.before)
    if hold.units:
        expression.demand("ml", ">=", number(before.month_left - after.month_left))
    if hold.calls:
        expression.demand("dl", ">=", number(before.day_left - after.day_left))


def _demand_grant(expression: _Expression, step: Change, grant: Hold, holds_below: int) -> None:
    before, after = step.before, step.after
    _demand_access(expression, before)
    if not step.exact:
        # Others may have taken from the counters since: what this step takes is still there, and what it only needs.
        taken_calls = before.counters.day_left - after.counters.day_left
        taken_units = before.counters.month_left - after.counters.month_left
        expression.demand("dl", ">=", number(taken_calls))
        expression.demand("ml", ">=", number(taken_units + step.units_needed - grant.units))
    if after.due_at_ms == before.due_at_ms:
        # The reset has not taken its mark away since: it is going to look at what is granted here.
        expression.demand("da", "<=", number(after.segment_end_ms))
    # Nobody has opened more holds since than the bound allows.
    size = f"size({expression.name('h')})"
    expression.conditions.append(f"{size} < {expression.value(number(holds_below))}")


def _demand_due(expression: _Expression, before: Entitlement) -> None:
    """The reset's mark is as it was read: the reset has not taken it away since, and no grant has set it."""
    if before.due_at_ms is None:
        expression.conditions.append(f"attribute_not_exists({expression.name('da')})")
    else:
        expression.demand("da", "=", number(before.due_at_ms))


def _write_due(expression: _Expression, after: Entitlement) -> None:
    if after.due_at_ms is None:
        expression.removes += [expression.name("dp"), expression.name("da")]
        return
    expression.set("dp", text(schema.due_shard(items.entitlement_pk(after.id))))
    expression.set("da", number(after.due_at_ms))
