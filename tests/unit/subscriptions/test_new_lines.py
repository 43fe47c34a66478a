"""A line that comes into a running term: its entitlement is made or goes on, in the transaction that sells it."""

from __future__ import annotations

from typing import Any

from modelpass.subscriptions import items, transactions
from modelpass.subscriptions.model import Suspension
from tests.support.builders import KEY_HASH, NOON, TABLES, limits, subscription
from tests.support.expressions import spelled

BOUGHT = subscription(models=(limits("m-1"),))._replace(key_generation=3, change_number=2)
MORE = BOUGHT._replace(models=(*BOUGHT.models, limits("m-2", cap=70)), change_number=3)


def written(old: Any, new: Any) -> tuple[list[str], list[str], list[str]]:
    """What the update of the one new entitlement demands, sets and removes."""
    begun, _ = transactions.new_lines(TABLES, old, new, NOON)
    assert begun["Update"]["TableName"] == TABLES.entitlements
    return spelled(begun["Update"])


def test_what_is_there_goes_on_with_its_counters_under_the_key_of_now() -> None:
    demands, sets, _ = written(BOUGHT, MORE)
    assert demands == ["attribute_not_exists(pk) OR v IN (3, 2)"]
    assert {f"kh = {KEY_HASH!r}", "kg = 3", "v = 3"} <= set(sets)
    others = [clause for clause in sets if not clause.startswith(("kh = ", "kg = ", "v = "))]
    assert all("if_not_exists(" in clause for clause in others)
    assert {"ml = if_not_exists(ml, 70)", "lm = if_not_exists(lm, 70)", "cn = if_not_exists(cn, 3)"} <= set(others)


def test_it_is_stopped_from_its_first_moment_while_the_subscription_is_suspended_and_not_afterwards() -> None:
    _, sets, removes = written(BOUGHT, MORE._replace(suspension=Suspension(NOON - 5, "operator", "a test")))
    assert {f"xc = {NOON - 5}", "xs = 1"} <= set(sets)
    assert removes == [""]
    _, sets, removes = written(BOUGHT, MORE)
    assert not [clause for clause in sets if clause.startswith(("xc", "xs"))]
    assert removes == ["xc", "xs"]


def test_the_term_keeps_every_model_it_has_had_beside_those_it_began_with() -> None:
    _, kept = transactions.new_lines(TABLES, BOUGHT, MORE, NOON)
    assert kept["Update"]["TableName"] == TABLES.history
    row = items.term_row(BOUGHT.id, BOUGHT.sold_term())
    for model_id in ("m-3", "m-2", "m-1"):
        row["am"] = {"SS": sorted({*row.get("am", {"SS": []})["SS"], *items.added_models([limits(model_id)])["SS"]})}
    assert [model_id for model_id, _ in items.term_row_of(row).models] == ["m-1", "m-2", "m-3"]


def test_a_list_without_new_models_writes_no_entitlement() -> None:
    assert transactions.new_lines(TABLES, MORE, BOUGHT, NOON) == []
