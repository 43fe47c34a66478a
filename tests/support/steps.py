"""What holds of every slow step on an entitlement. Rule: no store; a step and its request are inspected, never sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.entitlements.windows import segment_at
from tests.support.audit import assert_entitlement_conserved
from tests.support.builders import TABLES
from tests.support.expressions import apply_update, assert_well_formed

if TYPE_CHECKING:
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement

MAX_HOLDS: Final = 100


def checked(step: Change) -> Change:
    """The step, once it is checked: it conserves, stays in bounds, and its request does just what it says."""
    before, after = step.before, step.after
    assert_entitlement_conserved(after)
    for row in step.late_months:
        assert row.left + row.held + row.used == 0
        assert row.month != segment_at(before.term, before.segment_start_ms).month
    if step.closed_month is not None:
        row = step.closed_month
        assert row.left + row.held + row.used == 0
        assert row.month == before.month
    assert len(step.tickets) <= 40
    assert after.tickets == before.tickets + len(step.tickets) - (step.spent_ticket is not None)
    replaced = set(before.holds.values()) - set(after.holds.values())
    if step.spent_ticket is None:  # else a ticket takes the place of another, and neither hold is in the item
        assert set(step.tickets) <= replaced
    operation, request = entitlement_transactions.request_of(TABLES, step, MAX_HOLDS)
    assert_well_formed(operation, request)
    update = request["TransactItems"][0]["Update"] if operation == "TransactWriteItems" else request
    assert (operation == "UpdateItem") == step.item_only
    assert stored(after) == apply_update(stored(before), update)
    return step


def stored(of: Entitlement) -> schema.Item:
    """An entitlement as it is stored, with what the reset looks for."""
    item = entitlement_items.entitlement_item(of)
    if of.due_at_ms is not None:
        item["dp"] = schema.text(schema.due_shard(entitlement_items.entitlement_pk(of.id)))
        item["da"] = schema.number(of.due_at_ms)
    return item
