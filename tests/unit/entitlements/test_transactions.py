"""Requests of slow steps: what they demand of the item, and how many actions they have at most."""

from __future__ import annotations

from modelpass.entitlements import accounting
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.entitlements.windows import term_of
from tests.support.builders import NOON, TABLES, entitlement, hold, ms
from tests.support.steps import MAX_HOLDS, checked


def test_reclaim_of_forty_holds_of_twelve_months_is_one_transaction_within_dynamodbs_bounds() -> None:
    year = term_of(entitlement().term.starts_at_ms, 12, "UTC")
    starts = [f"{2026 + (m > 12)}-{(m - 1) % 12 + 1:02d}-24T00:00:00Z" for m in range(11, 23)]
    gone = [hold(f"r-{n}", 5, at_ms=ms(starts[n % 12]), nonce=n.to_bytes(9, "big")) for n in range(40)]
    stored_now = entitlement(at_ms=ms("2027-10-24T00:00:00Z"), term=year, holds=gone)
    step = checked(accounting.reclaim(stored_now, tuple(gone)))
    assert (len(step.tickets), len(step.late_months)) == (40, 11)
    _, request = entitlement_transactions.request_of(TABLES, step)
    assert len(request["TransactItems"]) == 1 + 40 + 11


def test_change_that_grants_demands_the_key_no_cancellation_and_room() -> None:
    before = entitlement(holds=[hold("gone", 40)], calls=3, due_at_ms=NOON)
    reclaimed = accounting.reclaim(before, (hold("gone", 40),))
    _, request = entitlement_transactions.request_of(
        TABLES, accounting.with_grant(reclaimed, hold("new", 20, 2), 20), MAX_HOLDS
    )
    update = request["TransactItems"][0]["Update"]
    condition = update["ConditionExpression"]
    for name, value in update["ExpressionAttributeValues"].items():
        condition = condition.replace(f"{name} ", f"{next(iter(value.values()))} ")
    assert "#kh = " in condition
    assert "attribute_not_exists(#xc)" in condition
    assert "#dl >= 2 " in condition
    assert update["ExpressionAttributeValues"][condition.rpartition("< ")[2]] == {"N": str(MAX_HOLDS + 1)}
    assert "#ml >= -20 " in condition  # 40 come back with this very step, 20 of them are taken
