"""Items of the catalogue that cannot be read: nothing but themselves suffers, and operators' own calls replace them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.catalogue import items as catalogue_items
from modelpass.catalogue.tiers import Tier
from modelpass.errors import Refused
from modelpass.preconditions import Preconditions
from modelpass.runtime import telemetry
from tests.integration.catalogue.test_offers import (
    EVERY,
    ONLY_NEW,
    only_as,
    priced,
    put,
    shown,
    steps,
    tag,
    told,
    withdraw,
)
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.lines import recorded
from tests.support.listings import list_models
from tests.support.refused import refusal
from tests.support.world import IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from modelpass.schema import Item

Json = dict[str, Any]
LATER: Item = {"v": {"N": "4"}, "zz": {"S": "what only a later version knows"}}
BROKEN: dict[str, Item] = {
    "a later version": LATER,
    "a version that is text": {"v": {"S": "2"}},
    "no tiers": {"tiers": None},
    "tiers of another type": {"tiers": {"L": []}},
    "an unknown tier": {"tiers": {"M": {"gold": {"M": {}}}}},
    "a price that is none": {
        "tiers": {
            "M": {
                "basic": {
                    "M": {
                        name: {"S": value}
                        for name, value in zip(
                            ("currency", "base", "perUnit", "perDailyCall"), ("USD", "NaN", "1", "1"), strict=True
                        )
                    }
                }
            }
        }
    },
    "limits that are no numbers": {"limits": {"M": {"dailyCallLimit": {"M": {"min": {"S": "x"}}}}}},
    "another's id": {"id": {"S": IMAGE_MODEL}},
    "ever of another type": {"ever": {"S": "basic"}},
    "a kind that is unknown": {"kind": {"S": "sound"}},
    "a kind of another type": {"kind": {"L": []}},
    "nothing but its key": dict.fromkeys(("v", "id", "kind", "tiers", "limits", "ever")),
}
WITHOUT_KIND = {"a kind that is unknown", "a kind of another type", "nothing but its key"}
EVERY_BREAK = pytest.mark.parametrize("how", BROKEN)


def stored(world: World, sort_key: str) -> Item | None:
    found = [item for item in world.all_items(world.tables.catalogue) if item["sk"]["S"] == sort_key]
    return found[0] if found else None


def broken(world: World, how: str, sort_key: str = f"model#{TEXT_MODEL}", **more: Any) -> Item:
    """Break an item of the catalogue behind everybody's back, and give it as it is stored then."""
    item = {**(stored(world, sort_key) or {}), **BROKEN[how], **more}
    item = {name: value for name, value in item.items() if value is not None}
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=item)
    found = stored(world, sort_key)
    assert found is not None
    return found


def offer(world: World, base: str = "1.00", only_if: Preconditions = Preconditions(), **more: Any) -> str:  # noqa: B008
    return put(world, priced(base, **more), only_if, model_id=TEXT_MODEL)


def lines_of(world: World) -> list[Json]:
    """What the log tells while the catalogue is shown."""
    with recorded() as output, telemetry.Line("models", "request-1"):
        list_models(world.deps)
    return output.lines()


@EVERY_BREAK
def test_item_that_cannot_be_read_is_passed_over_and_told_of_and_all_others_are_sold(world: World, how: str) -> None:
    item = broken(world, how)
    assert [m["modelId"] for m in list_models(world.deps)["models"]] == [IMAGE_MODEL, "veo-3"]
    (line,) = (line for line in lines_of(world) if line["message"] == "unreadable_item")
    assert (line["table"], line["item"]) == (world.tables.catalogue, f"catalogue model#{TEXT_MODEL}")
    with pytest.raises(Refused) as caught:
        world.buy()
    assert caught.value.refusal.code.code == "unknown_model"
    assert world.buy(models=[model(IMAGE_MODEL)])["apiKey"]
    assert stored(world, f"model#{TEXT_MODEL}") == item


@EVERY_BREAK
def test_item_that_cannot_be_read_is_replaced_whole_by_a_put(world: World, how: str) -> None:
    broken(world, how)
    seen = offer(world, "7777")
    item = stored(world, f"model#{TEXT_MODEL}")
    assert item is not None
    assert set(item) == {"pk", "sk", "v", "id", "kind", "tiers", "limits", "ever", "rev"}
    assert catalogue_items.listed_model_of(item).ever == set(Tier)
    assert steps(world) == [(None, ["7777"], "op")]
    assert seen == tag(world, TEXT_MODEL)
    assert world.buy()["apiKey"]
    assert [line["message"] for line in lines_of(world)] == ["decided"]
    offer(world, "7778")
    assert steps(world)[1:] == [(["7777"], ["7778"], "op")]


@EVERY_BREAK
def test_item_that_cannot_be_read_is_withdrawn_and_told_of_no_longer(world: World, how: str) -> None:
    broken(world, how)
    for _ in range(2):
        withdraw(world, model_id=TEXT_MODEL)
    assert [(each["old"], each["new"]) for each in told(world)] == [(None, None)]
    assert [line["message"] for line in lines_of(world)] == ["decided"]
    item = stored(world, f"model#{TEXT_MODEL}")
    if how in WITHOUT_KIND:
        assert item is None
    else:
        assert shown(world, TEXT_MODEL)["withdrawn"]
        assert shown(world, TEXT_MODEL)["tiers"] == []
        assert refusal(lambda: offer(world, kind="image")) == ("invalid_request", "kind")
    world.clock.advance(1)  # revisions start anew where nothing is left, and the time tells their events apart
    offer(world, "9999")
    assert shown(world, TEXT_MODEL)["tiers"][0]["available"]


@EVERY_BREAK
def test_item_that_cannot_be_read_is_shown_as_such_and_replaced_only_as_it_was_seen(world: World, how: str) -> None:
    broken(world, how)
    kind = None if how in WITHOUT_KIND else "text"
    assert shown(world, TEXT_MODEL) == {"modelId": TEXT_MODEL, "kind": kind, "unreadable": True}
    seen = tag(world, TEXT_MODEL)
    broken(world, how, id={"S": "x"})
    assert refusal(lambda: offer(world, only_if=only_as(seen))) == ("precondition_failed", "If-Match")
    assert refusal(lambda: offer(world, only_if=ONLY_NEW)) == ("precondition_failed", "If-None-Match")
    assert refusal(lambda: withdraw(world, only_as(seen), model_id=TEXT_MODEL)) == ("precondition_failed", "If-Match")
    assert told(world) == []
    offer(world, only_if=only_as(tag(world, TEXT_MODEL)))
    assert len(told(world)) == 1


def test_kind_that_can_be_read_is_kept_for_good(world: World) -> None:
    item = broken(world, "a later version")
    assert refusal(lambda: offer(world, kind="image")) == ("invalid_request", "kind")
    assert refusal(lambda: offer(world, only_if=EVERY, kind="video")) == ("invalid_request", "kind")
    assert stored(world, f"model#{TEXT_MODEL}") == item


@EVERY_BREAK
def test_tiers_of_a_model_that_cannot_be_read_are_taken_down_and_brought_back(world: World, how: str) -> None:
    key = world.buy()["apiKey"]
    item = broken(world, how)
    for tier in Tier:
        world.take_down(TEXT_MODEL, tier)
    assert world.authorize(key, "r-1")["error"]["code"] == "tier_unavailable"
    world.turn_tier(TEXT_MODEL, "stable", available=True)
    assert world.authorize(key, "r-1")["allowed"]
    assert stored(world, f"model#{TEXT_MODEL}") == item


def test_revision_that_cannot_be_read_starts_anew_and_no_event_has_the_id_of_another(world: World) -> None:
    offer(world, "2", confirm=True)
    world.clock.advance(1)
    broken(world, "a later version", rev={"S": "x"})
    offer(world, "3")
    world.clock.advance(1)
    broken(world, "no tiers", rev={"N": "1.5"}, v={"N": "2"})
    withdraw(world, model_id=TEXT_MODEL)
    ids = [event["id"]["S"] for event in world.all_items(world.tables.events)]
    assert len(set(ids)) == len(ids) == 3


def test_model_whose_revision_alone_cannot_be_read_is_sold_and_changed(world: World) -> None:
    offer(world, "2", confirm=True)
    world.clock.advance(1)
    item = {**(stored(world, f"model#{TEXT_MODEL}") or {}), "rev": {"S": "x"}}
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=item)
    assert [line["message"] for line in lines_of(world)] == ["decided"]
    offer(world, "3")
    assert steps(world)[1:] == [(["2"], ["3"], "op")]


@pytest.mark.parametrize("how", ["a later version", "a kind that is unknown", "nothing but its key"])
@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("at", range(2))
def test_replacing_whose_reply_is_lost_is_done_and_told_once(world: World, how: str, kind: str, at: int) -> None:
    broken(world, how)
    offer(world.with_send(FaultAt(world.deps.send, at, kind)), only_if=only_as(tag(world, TEXT_MODEL)))
    assert steps(world) == [(None, ["1.00"], "op")]
    broken(world, how)
    world.clock.advance(1)
    seen = only_as(tag(world, TEXT_MODEL))
    withdraw(world.with_send(FaultAt(world.deps.send, at, kind)), seen, model_id=TEXT_MODEL)
    assert steps(world)[1:] == [(None, None, "op")]


@pytest.mark.parametrize("how", ["a later version", "nothing but its key"])
def test_of_many_who_replace_one_item_as_they_saw_it_one_does(world: World, how: str) -> None:
    broken(world, how)
    seen = only_as(tag(world, TEXT_MODEL))
    results = at_once(16, lambda n: offer(world, f"2.{n}", seen))
    won = [n for n, result in enumerate(results) if result not in ("precondition_failed", "temporarily_unavailable")]
    assert len(won) == 1
    assert steps(world) == [(None, [f"2.{won[0]}"], "op")]


def test_item_that_is_mended_meanwhile_is_not_replaced_as_broken(world: World) -> None:
    whole = stored(world, f"model#{TEXT_MODEL}")
    broken(world, "no tiers")
    mend = lambda: world.dynamodb.put_item(TableName=world.tables.catalogue, Item=whole)  # noqa: E731
    late = world.with_send(Interleave(world.deps.send, 1, mend))
    assert refusal(lambda: offer(late, "9999"))[0] == "confirmation_required"
    assert stored(world, f"model#{TEXT_MODEL}") == whole


SETTINGS: dict[str, Item] = {
    "a later version": {"v": {"N": "4"}, "zz": {"S": "x"}},
    "no currency": {"currency": None},
    "a currency of another type": {"currency": {"N": "1"}},
    "a currency that is none": {"currency": {"S": "dollars"}},
    "no version": {"v": None},
}


def broken_settings(world: World, how: str) -> None:
    item = {**(stored(world, "settings") or {}), **SETTINGS[how]}
    kept = {name: value for name, value in item.items() if value is not None}
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=kept)


@pytest.mark.parametrize("unchanged", [False, True])
@pytest.mark.parametrize("how", SETTINGS)
def test_settings_that_cannot_be_read_are_replaced_in_the_currency_of_the_models(
    world: World,
    how: str,
    unchanged: bool,  # noqa: FBT001
) -> None:
    offer(world, confirm=True)
    broken_settings(world, how)
    euros = {**priced(), "tiers": [{**t, "price": {**t["price"], "currency": "EUR"}} for t in priced()["tiers"]]}
    assert refusal(lambda: put(world, euros, model_id="m-2")) == ("invalid_request", "tiers[0].price.currency")
    with recorded() as output, telemetry.Line("catalogue", "request-1"):
        offer(world, "1.00" if unchanged else "2.00")
    (line,) = (line for line in output.lines() if line["message"] == "unreadable_item")
    assert line["item"] == "catalogue settings"
    whole = {**schema.primary_key(catalogue_items.settings_key()), "v": {"N": "3"}, "currency": {"S": "USD"}}
    assert stored(world, "settings") == whole
    assert len(told(world)) == (1 if unchanged else 2)
    assert refusal(lambda: put(world, euros, model_id="m-2")) == ("invalid_request", "tiers[0].price.currency")


@pytest.mark.parametrize("how", SETTINGS)
def test_settings_and_all_models_that_cannot_be_read_take_the_currency_of_what_is_put(world: World, how: str) -> None:
    for model_id in (TEXT_MODEL, IMAGE_MODEL, "veo-3"):
        broken(world, "a later version", f"model#{model_id}")
    broken_settings(world, how)
    euros = {**priced(), "tiers": [{**t, "price": {**t["price"], "currency": "EUR"}} for t in priced()["tiers"]]}
    put(world, euros, model_id=TEXT_MODEL)
    assert (stored(world, "settings") or {})["currency"] == {"S": "EUR"}
    assert refusal(lambda: put(world, priced())) == ("invalid_request", "tiers[0].price.currency")


def test_withdrawn_model_says_the_currency_too(world: World) -> None:
    for model_id in (IMAGE_MODEL, "veo-3"):
        broken(world, "a later version", f"model#{model_id}")
    withdraw(world, model_id=TEXT_MODEL)
    broken_settings(world, "no currency")
    euros = {**priced(), "tiers": [{**t, "price": {**t["price"], "currency": "EUR"}} for t in priced()["tiers"]]}
    assert refusal(lambda: put(world, euros)) == ("invalid_request", "tiers[0].price.currency")


@pytest.mark.parametrize("how", SETTINGS)
def test_tiers_are_turned_and_models_withdrawn_whatever_the_settings_say(world: World, how: str) -> None:
    broken_settings(world, how)
    world.take_down(TEXT_MODEL, "stable")
    world.turn_tier(TEXT_MODEL, "stable", available=True)
    withdraw(world, model_id=TEXT_MODEL)
    assert shown(world, TEXT_MODEL)["withdrawn"]


def test_of_many_who_replace_the_settings_in_two_currencies_one_currency_lands(world: World) -> None:
    for model_id in (TEXT_MODEL, IMAGE_MODEL, "veo-3"):
        broken(world, "a later version", f"model#{model_id}")
    broken_settings(world, "no currency")

    def task(number: int) -> Any:
        body = priced()
        body["tiers"][0]["price"] = {**body["tiers"][0]["price"], "currency": ("USD", "EUR")[number % 2]}
        return put(world, body, model_id=f"n-{number}")

    at_once(16, task)
    listed = list_models(world.deps)["models"]
    assert len({tier["price"]["currency"] for m in listed for tier in m["tiers"]}) == 1
