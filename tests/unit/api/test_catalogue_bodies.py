"""What operators send: the first field at fault is named by its path, and nothing is bent into shape."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from modelpass.api import catalogue_bodies
from modelpass.catalogue.answers import model_answer
from modelpass.catalogue.model import ANY_CALLS, ANY_UNITS, Bounds
from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, Kind, Tier, TiersDown
from modelpass.errors import Refused

Json = dict[str, Any]

PRICE: Json = {"currency": "USD", "base": "12.00", "perUnit": "0.000003", "perDailyCall": "0.04"}
MODEL: Json = {"kind": "text", "tiers": [{"channelTier": "stable", "price": PRICE}]}
NO_AMOUNTS: list[Any] = [
    *("", "1.", ".5", "-1", "+1", "1e3", "1,5", "01", "00.1", " 1", "1 ", "1\n", "0x1", "NaN", "Infinity", "1_0", "٣"),
    *("1" * 13, "0." + "1" * 13, 1, 1.5, 0, True, None, [], {}),
]
NO_OBJECTS: list[Any] = [[], "all", 1]
NO_CURRENCIES: list[Any] = ["", "usd", "USDX", "US", "US1", "USD\n", None, 1]
NO_TIERS: list[Any] = [[], None, {}, "basic", [{}] * 4]
NO_BOUNDS: list[Any] = [0, -1, 1.0, "1", True]
REFUSED: list[tuple[str, Any]] = [
    *((f"tiers[0].price.{name}", value) for name in ("base", "perUnit", "perDailyCall") for value in NO_AMOUNTS),
    *(("tiers[0].price.currency", value) for value in NO_CURRENCIES),
    *(("kind", value) for value in ("", "audio", "TEXT", None, 1)),
    *(("unit", value) for value in ("", "words", "generations", 1)),
    *(("tiers", value) for value in NO_TIERS),
    *(("tiers[0].channelTier", value) for value in ("", "gold", "STABLE", None, 1)),
    *(("tiers[0].available", value) for value in ("true", 1, 0)),
    *(("limits.dailyCallLimit.min", value) for value in NO_BOUNDS),
    *(("limits.dailyCallLimit.max", value) for value in [*NO_BOUNDS, MAX_CALLS + 1]),
    *(("limits.monthlyTokenCap.min", value) for value in NO_BOUNDS),
    *(("limits.monthlyTokenCap.max", value) for value in [*NO_BOUNDS, MAX_UNITS + 1]),
    *((path, value) for path in ("limits", "limits.dailyCallLimit") for value in NO_OBJECTS),
    *((path, 1) for path in ("colour", "tiers[0].colour", "tiers[0].price.colour", "limits.colour")),
    ("modelId", "another"),
    ("modelId", "a b"),
    ("modelId", 1),
]


def with_value(path: str, value: Any) -> Json:
    """The model with one field changed."""
    body = copy.deepcopy(MODEL)
    *parents, name = path.replace("[0]", ".0").split(".")
    at: Any = body
    for part in parents:
        at = at[int(part)] if part.isdecimal() else at.setdefault(part, {})
    at[name] = value
    return body


def refused(raw: Any) -> str | None:
    """The param of the refusal, which must be sayable in UTF-8."""
    with pytest.raises(Refused) as caught:
        catalogue_bodies.parse_model("m-1", raw)
    refusal = caught.value.refusal
    json.dumps(refusal.fields(), ensure_ascii=False).encode()
    assert refusal.code.code == "invalid_request"
    return refusal.param


@pytest.mark.parametrize(("path", "value"), REFUSED, ids=repr)
def test_field_at_fault_is_named(path: str, value: Any) -> None:
    assert refused(with_value(path, value)) == path


@pytest.mark.parametrize("path", ["kind", "tiers", "tiers[0].channelTier", "tiers[0].price", "tiers[0].price.base"])
def test_what_is_required_is_asked_for(path: str) -> None:
    body = with_value(path, None)
    at = body["tiers"][0] if path.startswith("tiers[0]") else body
    at = at["price"] if path == "tiers[0].price.base" else at
    del at[path.rpartition(".")[2]]
    assert refused(body) == path


@pytest.mark.parametrize("raw", [None, [], "text", 1])
def test_body_that_is_no_object_is_refused(raw: Any) -> None:
    assert refused(raw) is None


@pytest.mark.parametrize("model_id", ["", "a b", "é", "m" * 129, "a#b", "a%2Fb"])
def test_path_that_names_no_possible_model_is_refused(model_id: str) -> None:
    with pytest.raises(Refused) as caught:
        catalogue_bodies.parse_model(model_id, MODEL)
    assert caught.value.refusal.param == "modelId"


@pytest.mark.parametrize("amount", ["0", "0.00", "5", "999999999999.999999999999", "0.000000000001"])
def test_amount_is_kept_as_it_is_written(amount: str) -> None:
    offer = catalogue_bodies.parse_model("m-1", with_value("tiers[0].price.perUnit", amount))
    assert offer.model.tiers[Tier.STABLE].per_unit == amount


def test_least_model_has_the_limits_of_every_purchase() -> None:
    offer = catalogue_bodies.parse_model("m-1", MODEL)
    assert (offer.model.model_id, offer.model.kind, offer.currency) == ("m-1", Kind.TEXT, "USD")
    assert (offer.model.calls, offer.model.cap) == (ANY_CALLS, ANY_UNITS)


@pytest.mark.parametrize("limits", [{}, {"dailyCallLimit": {}}, {"dailyCallLimit": {"min": 5}}])
def test_limits_may_be_said_in_part(limits: Json) -> None:
    offer = catalogue_bodies.parse_model("m-1", {**MODEL, "limits": limits})
    least = limits.get("dailyCallLimit", {}).get("min", 1)
    assert (offer.model.calls, offer.model.cap) == (Bounds(least, MAX_CALLS), ANY_UNITS)


@pytest.mark.parametrize("name", ["dailyCallLimit", "monthlyTokenCap"])
def test_bounds_the_wrong_way_round_are_refused_and_equal_ones_are_not(name: str) -> None:
    assert refused({**MODEL, "limits": {name: {"min": 6, "max": 5}}}) == f"limits.{name}.min"
    offer = catalogue_bodies.parse_model("m-1", {**MODEL, "limits": {name: {"min": 5, "max": 5}}})
    assert Bounds(5, 5) in (offer.model.calls, offer.model.cap)


def test_tier_twice_is_refused() -> None:
    assert refused({**MODEL, "tiers": MODEL["tiers"] * 2}) == "tiers[1].channelTier"


def test_tiers_of_two_currencies_are_refused() -> None:
    other = {"channelTier": "basic", "price": {**PRICE, "currency": "EUR"}}
    assert refused({**MODEL, "tiers": [*MODEL["tiers"], other]}) == "tiers[1].price.currency"


def test_what_is_shown_can_be_sent_back() -> None:
    offer = catalogue_bodies.parse_model("m-1", {**MODEL, "limits": {"dailyCallLimit": {"min": 2, "max": 9}}})
    shown = model_answer(offer.model, TiersDown(frozenset({("m-1", Tier.STABLE)}), 1))
    again = catalogue_bodies.parse_model("m-1", shown)
    assert (again.model, again.currency) == (offer.model, offer.currency)
    assert again.said_available == ((Tier.STABLE, False),)


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        ({}, "available"),
        ({"available": "no", "reason": "x"}, "available"),
        ({"available": 0, "reason": "x"}, "available"),
        ({"available": None, "reason": "x"}, "available"),
        ({"available": False}, "reason"),
        ({"available": False, "reason": None}, "reason"),
        ({"available": False, "reason": ""}, "reason"),
        ({"available": True, "reason": ""}, "reason"),
        ({"available": False, "reason": "x" * 501}, "reason"),
        ({"available": False, "reason": 7}, "reason"),
        ({"available": True, "colour": 1}, "colour"),
        ([], None),
    ],
    ids=repr,
)
def test_availability_names_the_field_at_fault(raw: Any, param: str | None) -> None:
    with pytest.raises(Refused) as caught:
        catalogue_bodies.parse_availability("m-1", "basic", raw)
    assert (caught.value.refusal.code.code, caught.value.refusal.param) == ("invalid_request", param)


@pytest.mark.parametrize("raw", [{"available": True}, {"available": True, "reason": None}])
def test_bringing_back_needs_no_reason(raw: Json) -> None:
    assert catalogue_bodies.parse_availability("m-1", "basic", raw).reason is None
    assert (
        catalogue_bodies.parse_availability("m-1", "basic", {"available": False, "reason": "é" * 500}).reason
        == "é" * 500
    )


def entry(model_id: str, currency: str = "USD") -> Json:
    return {**MODEL, "modelId": model_id, "tiers": [{**MODEL["tiers"][0], "price": {**PRICE, "currency": currency}}]}


@pytest.mark.parametrize(
    ("models", "param"),
    [
        ([MODEL], "models[0].modelId"),
        ([entry("m"), entry("n"), entry("m")], "models[2].modelId"),
        ([entry("m"), entry("n", "EUR")], "models[1].tiers[0].price.currency"),
        ([entry("m"), {**entry("n"), "unit": "generations"}], "models[1].unit"),
        ([entry("m"), {**entry("n"), "kind": "audio"}], "models[1].kind"),
        ([entry("a b")], "models[0].modelId"),
        (None, "models"),
    ],
    ids=str,
)
def test_file_names_the_entry_at_fault(models: Any, param: str) -> None:
    with pytest.raises(Refused) as caught:
        catalogue_bodies.parse_file({"models": models})
    assert caught.value.refusal.param == param
