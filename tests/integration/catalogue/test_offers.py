"""What is offered, changed and withdrawn, on the real engine: each change told once, and made only as was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.api import catalogue_bodies
from modelpass.catalogue import items as catalogue_items
from modelpass.catalogue.commands import offers
from modelpass.errors import Refused
from modelpass.preconditions import NONE, Preconditions, Tags
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave, SlowReply
from tests.support.refused import refusal
from tests.support.world import STORE_CLIENTS, TEXT_MODEL, World, json

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
MANY = 16
EVERY = Preconditions(if_match=Tags(every=True))
ONLY_NEW = Preconditions(if_none_match=Tags(every=True))
GONE = ("precondition_failed", "If-Match")
LIMITS = {"dailyCallLimit": {"min": 1, "max": 10**9}, "monthlyTokenCap": {"min": 1, "max": 10**15}}


def priced(base: str = "1.00", *tiers: str, per_unit: str = "0.001", **more: Any) -> Json:
    price = {"currency": "USD", "base": base, "perUnit": per_unit, "perDailyCall": "0"}
    return {"kind": "text", "tiers": [{"channelTier": t, "price": price} for t in tiers or ("stable",)], **more}


def put(world: World, raw: Json, only_if: Preconditions = NONE, by: str | None = "op", model_id: str = "m-1") -> str:
    """Put a model, and give its tag."""
    return offers.put_model(world.deps, catalogue_bodies.parse_model(model_id, raw), by, only_if).tag


def withdraw(world: World, only_if: Preconditions = NONE, by: str | None = "op", model_id: str = "m-1") -> None:
    offers.withdraw_model(world.deps, model_id, by, only_if)


def shown(world: World, model_id: str = "m-1") -> Json:
    return offers.get_model(world.deps, model_id).body


def shown_without(world: World) -> Json:
    """A model as it is shown, without what is available."""
    model = shown(world)
    tiers = [{name: value for name, value in tier.items() if name != "available"} for tier in model["tiers"]]
    return {**model, "tiers": tiers}


def tag(world: World, model_id: str = "m-1") -> str:
    return offers.get_model(world.deps, model_id).tag


def only_as(*tags: str) -> Preconditions:
    return Preconditions(if_match=Tags(strong=frozenset(tags)))


def told(world: World) -> list[Json]:
    """What was told of models, in the order of the keys."""
    rows = sorted(world.all_items(world.tables.events), key=lambda e: (e["pk"]["S"], e["sk"]["S"]))
    return [json.loads(e["data"]["S"]) for e in rows if e["type"]["S"] == "model.changed"]


def bases(figures: Json | None) -> list[str] | None:
    return None if figures is None else [tier["price"]["base"] for tier in figures["tiers"]]


def steps(world: World) -> list[tuple[list[str] | None, list[str] | None, str | None]]:
    """Of all that was told: the bases before, those since, and who did it."""
    return [(bases(each["old"]), bases(each["new"]), each["operatorId"]) for each in told(world)]


def slowly(world: World, meanwhile: Callable[[], object]) -> World:
    """The world on which the reply to the first write of a command is lost, and something happens meanwhile."""

    def happens() -> None:
        meanwhile()

    return world.with_send(SlowReply(world.deps.send, 1, happens, lost=True))


def test_every_change_is_told_with_the_figures_before_and_since_and_who_made_it(world: World) -> None:
    put(world, priced("1.00"), by="ann")
    put(world, priced("2.00", "basic", "stable"), by="bob")
    withdraw(world, by="ann")
    put(world, priced("3.00"), by=None)
    assert steps(world) == [
        (None, ["1.00"], "ann"),
        (["1.00"], ["2.00", "2.00"], "bob"),
        (["2.00", "2.00"], None, "ann"),
        (None, ["3.00"], None),
    ]
    assert told(world)[0] == {
        "modelId": "m-1",
        "old": None,
        "new": {"kind": "text", "unit": "tokens", "tiers": priced("1.00")["tiers"], "limits": LIMITS},
        "operatorId": "ann",
    }
    rows = world.all_items(world.tables.events)
    assert {(row["pk"]["S"], row["accountId"]["S"]) for row in rows} == {("model#m-1", "")}


@pytest.mark.parametrize(
    "other",
    [
        {"limits": {"dailyCallLimit": {"max": 9}}},
        {"tiers": priced("1.00", "basic", "stable")["tiers"]},
        {"tiers": priced("1.0")["tiers"]},
    ],
    ids=["limits", "tiers", "spelling"],
)
def test_anything_that_callers_see_is_a_change(world: World, other: Json) -> None:
    put(world, priced())
    put(world, {**priced(), **other})
    first, second = told(world)
    assert first["new"] == second["old"] != second["new"]
    assert second["new"] == {name: shown_without(world)[name] for name in ("kind", "unit", "tiers", "limits")}


def test_what_is_so_already_is_neither_written_nor_told(world: World) -> None:
    first = put(world, priced("1.00", "basic", "stable"))
    before = world.all_items(world.tables.catalogue)
    assert put(world, priced("1.00", "stable", "basic", confirm=True), by="another") == first
    assert world.all_items(world.tables.catalogue) == before
    withdraw(world)
    before = world.all_items(world.tables.catalogue)
    world.clock.advance(1000)
    withdraw(world)
    assert world.all_items(world.tables.catalogue) == before
    assert len(told(world)) == 2


def test_changes_within_one_millisecond_are_told_each_and_in_their_order(world: World) -> None:
    for base in ("1", "2", "1", "2"):
        put(world, priced(base))
    assert steps(world) == [
        (None, ["1"], "op"),
        *((a, b, "op") for a, b in ((["1"], ["2"]), (["2"], ["1"]), (["1"], ["2"]))),
    ]
    rows = world.all_items(world.tables.events)
    assert len({row["id"]["S"] for row in rows}) == len(rows) == 4


def test_model_is_shown_to_operators_also_when_it_is_withdrawn_and_with_what_is_down(world: World) -> None:
    assert refusal(lambda: shown(world)) == ("not_found", None)
    assert refusal(lambda: shown(world, "a b")) == ("not_found", None)
    put(world, priced("1.00", "basic", "stable"))
    world.take_down("m-1", "stable")
    offered = shown(world)
    assert [tier["available"] for tier in offered["tiers"]] == [True, False]
    assert "withdrawn" not in offered
    withdraw(world)
    assert shown(world) == {**offered, "withdrawn": True}


def test_of_two_operators_who_saw_the_same_model_one_changes_it_and_the_other_is_told(world: World) -> None:
    seen = put(world, priced("1.00"))
    assert seen == tag(world)
    changed = put(world, priced("2.00"), only_as(seen), "ann")
    assert changed == tag(world) != seen
    before = world.all_items(world.tables.catalogue)
    for late in (priced("3.00"), priced("2.00")):
        assert refusal(lambda: put(world, late, only_as(seen), "bob")) == GONE  # noqa: B023 - asked at once
    assert refusal(lambda: withdraw(world, only_as(seen))) == GONE
    assert world.all_items(world.tables.catalogue) == before
    assert steps(world)[1:] == [(["1.00"], ["2.00"], "ann")]
    put(world, priced("3.00"), only_as("another", changed))


def test_tag_does_not_change_with_what_is_down_and_does_when_the_model_is_withdrawn(world: World) -> None:
    seen = put(world, priced())
    world.take_down("m-1", "stable")
    assert tag(world) == seen
    withdraw(world, only_as(seen))
    gone = tag(world)
    assert gone != seen
    assert refusal(lambda: put(world, priced("2"), only_as(seen))) == GONE
    withdraw(world, only_as(gone))
    assert put(world, priced(), only_as(gone)) == seen


def test_model_is_only_made_or_only_replaced_as_is_demanded(world: World) -> None:
    assert refusal(lambda: put(world, priced(), EVERY)) == GONE
    assert refusal(lambda: withdraw(world, EVERY)) == GONE
    assert refusal(lambda: withdraw(world, EVERY, model_id="a b")) == GONE
    withdraw(world, ONLY_NEW)
    put(world, priced(), ONLY_NEW)
    made = ("precondition_failed", "If-None-Match")
    assert refusal(lambda: put(world, priced("2"), ONLY_NEW)) == made
    put(world, priced("2"), EVERY)
    withdraw(world)
    assert refusal(lambda: put(world, priced(), ONLY_NEW)) == made  # it was there, and is shown to operators
    put(world, priced(), EVERY)


def test_what_was_seen_is_asked_before_what_is_put_and_after_its_form(world: World) -> None:
    put(world, priced())
    for raw in (priced("100"), priced(kind="image")):
        assert refusal(lambda: put(world, raw, only_as("x"))) == GONE  # noqa: B023 - asked at once
    assert refusal(lambda: put(world, priced("x"), only_as("x"))) == ("invalid_request", "tiers[0].price.base")


@pytest.mark.parametrize("confirm", [{}, {"confirm": None}, {"confirm": False}], ids=str)
def test_price_that_changes_beyond_the_bound_needs_a_second_word(world: World, confirm: Json) -> None:
    put(world, priced("1.00"))
    before = world.all_items(world.tables.catalogue)
    for far in ("10.01", "0.09", "0"):
        raw = {**priced(far, "basic", "stable"), **confirm}
        assert refusal(lambda: put(world, raw)) == ("confirmation_required", "tiers[1].price.base")  # noqa: B023
    assert world.all_items(world.tables.catalogue) == before
    put(world, {**priced("10.00"), **confirm})
    put(world, {**priced("0"), "confirm": True})
    assert refusal(lambda: put(world, {**priced("0.01"), **confirm})) == (
        "confirmation_required",
        "tiers[0].price.base",
    )
    assert steps(world)[1:] == [(["1.00"], ["10.00"], "op"), (["10.00"], ["0"], "op")]


def test_factor_is_that_of_the_deployment(world: World) -> None:
    strict = World.with_send(world, world.deps.send)
    strict.deps = strict.deps._replace(price_change_factor=2)
    put(strict, priced("1.00"))
    assert refusal(lambda: put(strict, priced("2.01"))) == ("confirmation_required", "tiers[0].price.base")
    put(strict, priced("2.00"))


def test_withdrawn_model_is_compared_with_what_it_was_last_offered_for(world: World) -> None:
    put(world, priced("1.00"))
    withdraw(world)
    assert refusal(lambda: put(world, priced("11"))) == ("confirmation_required", "tiers[0].price.base")
    put(world, priced("11", confirm=True))


@pytest.mark.parametrize("only_if", [NONE, None], ids=["whatever is there", "as it was seen"])
@pytest.mark.parametrize("at", range(2))
@pytest.mark.parametrize("kind", ["before", "after"])
def test_change_whose_reply_is_lost_is_made_told_and_answered_once(
    world: World, kind: str, at: int, only_if: Preconditions | None
) -> None:
    seen = put(world, priced("1.00"))
    fault = FaultAt(world.deps.send, at, kind)
    changed = put(world.with_send(fault), priced("2.00"), only_as(seen) if only_if is None else only_if)
    assert fault.reached
    fault = FaultAt(world.deps.send, at, kind)
    withdraw(world.with_send(fault), only_as(changed) if only_if is None else only_if)
    assert fault.reached
    assert steps(world) == [(None, ["1.00"], "op"), (["1.00"], ["2.00"], "op"), (["2.00"], None, "op")]


@pytest.mark.parametrize("undone", [False, True])
def test_change_whose_reply_is_lost_while_another_follows_is_not_told_to_have_been_refused(
    world: World,
    undone: bool,  # noqa: FBT001
) -> None:
    seen = put(world, priced("1.00"))
    follow = lambda: put(world, priced("1.00" if undone else "3.00"), by="bob")  # noqa: E731
    slow = slowly(world, follow)
    assert refusal(lambda: put(slow, priced("2.00"), only_as(seen), "ann")) == ("temporarily_unavailable", None)
    assert steps(world)[1:] == [(["1.00"], ["2.00"], "ann"), (["2.00"], ["1.00" if undone else "3.00"], "bob")]
    slow = slowly(world, lambda: put(world, priced("4.00")))
    assert refusal(lambda: withdraw(slow, only_as(tag(world)))) == ("temporarily_unavailable", None)


def test_large_change_after_a_lost_reply_is_not_told_to_have_been_refused(world: World) -> None:
    put(world, priced("1.00"))
    slow = slowly(world, lambda: put(world, priced("0.5", confirm=True)))
    assert refusal(lambda: put(slow, priced("5.01"))) == ("temporarily_unavailable", None)


def test_of_many_operators_who_saw_the_same_model_one_changes_it(world: World) -> None:
    seen = put(world, priced("1.00"))
    results = at_once(MANY, lambda n: put(world, priced(f"2.{n}"), only_as(seen), f"op-{n}"))
    won = [n for n, result in enumerate(results) if result not in ("precondition_failed", "temporarily_unavailable")]
    assert len(won) == 1
    assert results[won[0]] == tag(world)
    assert steps(world)[1:] == [(["1.00"], [f"2.{won[0]}"], f"op-{won[0]}")]


def test_of_many_operators_who_make_one_model_one_makes_it(world: World) -> None:
    results = at_once(MANY, lambda n: put(world, priced(f"2.{n}"), ONLY_NEW, f"op-{n}"))
    won = [n for n, result in enumerate(results) if result not in ("precondition_failed", "temporarily_unavailable")]
    assert len(won) == 1
    assert steps(world) == [(None, [f"2.{won[0]}"], f"op-{won[0]}")]


def test_changes_of_many_operators_are_told_as_one_chain(world: World) -> None:
    put(world, priced("0"))
    results = at_once(MANY, lambda n: put(world, priced(f"1.{n}", confirm=True)))
    chain = steps(world)
    assert len(chain) == 1 + sum(result != "temporarily_unavailable" for result in results)
    assert [old for old, _, _ in chain] == [None, *(new for _, new, _ in chain[:-1])]
    assert chain[-1][1] == [shown(world)["tiers"][0]["price"]["base"]]


@pytest.mark.parametrize("at", range(2))
def test_change_by_code_that_does_not_count_it_is_seen_and_told_as_what_was_before(world: World, at: int) -> None:
    put(world, priced("1.00"))

    def by_code_of_before() -> None:
        (item,) = (i for i in world.all_items(world.tables.catalogue) if i["sk"]["S"] == "model#m-1")
        tiers = json.loads(json.dumps(item["tiers"]).replace("1.00", "1.50"))
        world.dynamodb.update_item(
            TableName=world.tables.catalogue,
            Key=schema.primary_key(catalogue_items.model_key("m-1")),
            UpdateExpression="SET tiers = :tiers",
            ExpressionAttributeValues={":tiers": tiers},
        )

    late = world.with_send(Interleave(world.deps.send, at, by_code_of_before))
    put(late, priced("2.00"))
    assert steps(world)[1:] == [(["1.50"], ["2.00"], "op")]


@pytest.mark.parametrize("world", STORE_CLIENTS, indirect=True)
def test_either_client_compares_all_that_was_read(world: World) -> None:
    late = world.with_send(Interleave(world.deps.send, 1, lambda: put(world, priced("1.50"), model_id=TEXT_MODEL)))
    assert put(world, priced("1.00", per_unit="0.000003", confirm=True), model_id=TEXT_MODEL)
    with pytest.raises(Refused):
        put(late, priced("2.00"), only_as(tag(world, TEXT_MODEL)), model_id=TEXT_MODEL)
