"""Purchase bodies: the first field at fault is named by its path, and nothing is bent into shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.api.quote_bodies import parse_quote
from modelpass.api.subscription_bodies import (
    parse_extension,
    parse_purchase,
    parse_renewal,
    parse_settings,
    time_zones,
)
from modelpass.catalogue.tiers import Tier
from modelpass.errors import Refused
from modelpass.subscriptions.orders import RenewalOrder, SettingsChange

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

MODEL: Json = {"modelId": "m-1", "channelTier": "stable", "dailyCallLimit": 50, "monthlyTokenCap": 5_000_000}
NOT_WHOLE: list[Any] = [None, True, False, 1.5, 50.0, "50", "", [1], {}, 0, -1, float("nan"), float("inf"), 10**5000]
NOT_OBJECTS: list[Any] = [None, True, 1, 1.5, "text", [], [MODEL]]
MODEL_FIELDS: list[tuple[str, list[Any], list[Any]]] = [
    # field, values that are taken, values that are refused
    (
        "modelId",
        ["m", "M" * 128, "a.b_c:d-e", "openai/gpt-4o", "claude-3-5-sonnet@20240620", "/a@b//", ".."],
        ["", "M" * 129, "a%2Fb", "a b", "a#b", "é", "m\n", "\ud800", None, 1, True, ["m"]],
    ),
    (
        "channelTier",
        ["basic", "stable", "enterprise"],
        ["", "gold", "STABLE", "stable ", None, 1, True, ["stable"], {}],
    ),
    ("dailyCallLimit", [1, 10**9], [*NOT_WHOLE, 10**9 + 1]),
    ("monthlyTokenCap", [1, 10**15], [*NOT_WHOLE, 10**15 + 1]),
]
REFUSED = [(field, value) for field, _, values in MODEL_FIELDS for value in values]
NO_TOTALS: list[Any] = [
    *("", " ", "1.", ".5", "01", "00", "-1", "+1", "1e2", "1,00", "1 ", " 1", "1\n", "NaN", "Infinity", "0x1", "1.2.3"),
    *("\u0661", "1_0", "\ud800", 1, 1.5, 0, True, False, [], {}, ["1"]),
]
ZONES = ["", "utc", "Mars/Olympus", "UTC+1", "../UTC", "/etc/localtime", "Factory", "Europe/Berlin ", "\ud800", "UTC\0"]


def body(*models: Any, **more: Any) -> Json:
    return {"models": list(models or (MODEL,)), **more}


def refused(raw: Any) -> tuple[str, str | None]:
    """The code and param of the refusal, which must be sayable in UTF-8 and show nothing of the input."""
    with pytest.raises(Refused) as caught:
        parse_purchase(raw)
    refusal = caught.value.refusal
    json.dumps(refusal.fields(), ensure_ascii=False).encode()
    assert refusal.code.status == 400
    return refusal.code.code, refusal.param


def shown(value: Any) -> str:
    return repr(value) if not isinstance(value, int) or value < 10**18 else "5,001 digits"


def test_the_example_of_the_contract_is_taken_with_its_defaults() -> None:
    second = {**MODEL, "modelId": "nano-banana-2", "channelTier": "basic", "dailyCallLimit": 20, "monthlyTokenCap": 200}
    made = parse_purchase(body(MODEL, second))
    assert (made.months, made.time_zone, made.raw) == (1, "UTC", body(MODEL, second))
    figures = [(m.model_id, m.tier, m.daily_call_limit, m.monthly_cap) for m in made.lines]
    assert figures == [("m-1", Tier.STABLE, 50, 5_000_000), ("nano-banana-2", Tier.BASIC, 20, 200)]


@pytest.mark.parametrize("raw", NOT_OBJECTS)
def test_body_that_is_no_object_is_refused_without_a_field(raw: Any) -> None:
    assert refused(raw) == ("invalid_request", None)


def test_models_are_required_and_a_list() -> None:
    assert refused({}) == ("invalid_request", "models")
    for value in (None, True, 1, "m-1", {}, {"0": MODEL}):
        assert refused({"models": value}) == ("invalid_request", "models")


@pytest.mark.parametrize("value", [None, True, 1, "m-1", [], [MODEL]])
def test_model_that_is_no_object_is_named_by_its_place(value: Any) -> None:
    assert refused(body(MODEL, value)) == ("invalid_request", "models[1]")


def test_one_to_forty_models_are_taken() -> None:
    many = [{**MODEL, "modelId": f"m-{n}"} for n in range(41)]
    assert len(parse_purchase(body(*many[:40])).lines) == 40
    assert refused(body(*many)) == ("invalid_request", "models")
    assert refused({"models": []}) == ("invalid_request", "models")


@pytest.mark.parametrize(("field", "values"), [(field, values) for field, values, _ in MODEL_FIELDS])
def test_values_of_a_model_are_taken_from_the_least_to_the_most(field: str, values: list[Any]) -> None:
    for value in values:
        parse_purchase(body({**MODEL, field: value}))


@pytest.mark.parametrize(("field", "value"), REFUSED, ids=shown)
def test_field_of_a_model_at_fault_is_named_by_its_path(field: str, value: Any) -> None:
    other = {**MODEL, "modelId": "m-0"}
    assert refused(body(other, {**MODEL, field: value})) == ("invalid_request", f"models[1].{field}")


@pytest.mark.parametrize("field", list(MODEL))
def test_missing_field_of_a_model_is_named_by_its_path(field: str) -> None:
    cut = {name: value for name, value in MODEL.items() if name != field}
    assert refused(body(cut)) == ("invalid_request", f"models[0].{field}")


def test_model_bought_twice_is_named_at_its_second_place() -> None:
    other = {**MODEL, "modelId": "m-2"}
    again = {**MODEL, "channelTier": "basic"}
    assert refused(body(MODEL, other, again)) == ("duplicate_model", "models[2].modelId")
    assert len(parse_purchase(body(MODEL, {**MODEL, "modelId": "M-1"})).lines) == 2


@pytest.mark.parametrize("months", [*(value for value in NOT_WHOLE if value is not None), 13], ids=shown)
def test_months_outside_one_to_twelve_are_refused(months: Any) -> None:
    assert refused(body(months=months)) == ("invalid_request", "months")


def test_one_to_twelve_months_are_taken() -> None:
    assert [parse_purchase(body(months=n)).months for n in (1, 12)] == [1, 12]


@pytest.mark.parametrize("zone", [*ZONES, 1, True, ["UTC"]])
def test_what_is_no_iana_time_zone_is_refused(zone: Any) -> None:
    assert refused(body(timezone=zone)) == ("invalid_request", "timezone")


def test_null_months_and_time_zone_are_those_of_a_purchase_that_names_none() -> None:
    order = parse_purchase(body(months=None, timezone=None))
    assert (order.months, order.time_zone) == (1, "UTC")


def test_every_iana_time_zone_is_taken() -> None:
    for zone in time_zones():
        assert parse_purchase(body(timezone=zone)).time_zone == zone


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (body(extra=1), "extra"),
        (body(Months=1), "Months"),
        (body(accountId="another"), "accountId"),
        (body({**MODEL, "extra": 1}), "models[0].extra"),
        (body({**MODEL, "model_id": "m-1"}), "models[0].model_id"),
        (body(MODEL, {**MODEL, "modelId": "m-2", "unit": "tokens"}), "models[1].unit"),
        (body(é=1), "\\xe9"),
        (body(**{"x" * 5000: 1}), "x" * 64),
    ],
)
def test_unknown_field_is_refused_and_shown_in_part(raw: Any, param: str) -> None:
    assert refused(raw) == ("invalid_request", param)


@pytest.mark.parametrize("total", ["0", "0.00", "99", "99.0", "36.20", "1.000000000000", "9" * 40 + "." + "9" * 20])
def test_expected_total_is_a_decimal_string(total: str) -> None:
    assert parse_purchase(body(expectedTotal=total)).expected_total == total
    order = parse_renewal({"expectedTotal": total})
    assert (order.expected_total, order.raw) == (total, {"expectedTotal": total})


@pytest.mark.parametrize("total", [*NO_TOTALS, "9" * 41, "0." + "0" * 21, "9" * 5000], ids=shown)
def test_what_is_no_decimal_string_is_no_expected_total(total: Any) -> None:
    assert refused(body(expectedTotal=total)) == ("invalid_request", "expectedTotal")
    expected = {"expectedTotal": total}
    cases: list[tuple[Callable[[object], object], object, str]] = [
        (parse_renewal, expected, ""),
        (parse_extension, {"months": 1, **expected}, ""),
        (parse_quote, {"renew": expected}, "renew."),
        (parse_quote, {"extend": {"months": 1, **expected}}, "extend."),
    ]
    for parse, raw, at in cases:
        with pytest.raises(Refused) as caught:
            parse(raw)
        assert caught.value.refusal.param == f"{at}expectedTotal"


def test_total_that_is_left_out_or_null_is_none() -> None:
    for raw in ({}, {"expectedTotal": None}):
        assert parse_purchase(body(**raw)).expected_total is None
        assert parse_renewal(raw) == RenewalOrder(None, {})
        parse_quote({"renew": raw})


@pytest.mark.parametrize("months", ["1", 1.0, 1.5, True, [1], float("inf"), 0, 13, -1], ids=shown)
def test_months_of_an_extension_are_a_whole_number_from_1_to_12(months: Any) -> None:
    assert [parse_extension({"months": n}).months for n in (1, 12)] == [1, 12]
    cases: list[tuple[Callable[[object], object], object, str]] = [
        (parse_extension, {"months": months}, "months"),
        (parse_quote, {"extend": {"months": months}}, "extend.months"),
        (parse_settings, {"autoRenewMonths": months}, "autoRenewMonths"),
        (parse_purchase, body(autoRenewMonths=months), "autoRenewMonths"),
    ]
    for parse, raw, param in cases:
        with pytest.raises(Refused) as caught:
            parse(raw)
        assert caught.value.refusal.param == param


@pytest.mark.parametrize("label", ["x" * 65, "two\nlines", "a\u0000b", "\u202e", 5, True, ["a"]], ids=shown)
def test_what_is_no_line_of_at_most_64_characters_is_no_label(label: Any) -> None:
    cases: list[tuple[Callable[[object], object], object]] = [
        (parse_purchase, body(label=label)),
        (parse_settings, {"label": label}),
    ]
    for parse, raw in cases:
        with pytest.raises(Refused) as caught:
            parse(raw)
        assert (caught.value.refusal.code.code, caught.value.refusal.param) == ("invalid_request", "label")


def test_settings_that_are_left_out_or_null_stay_as_they_are_and_an_empty_label_takes_it_away() -> None:
    nothing = SettingsChange(None, None, None)
    assert parse_settings({}) == nothing
    assert parse_settings({"autoRenew": None, "autoRenewMonths": None, "label": None}) == nothing
    everything = {"autoRenew": False, "autoRenewMonths": 12, "label": " für alle "}
    assert parse_settings(everything) == SettingsChange(auto_renew=False, auto_renew_months=12, label="für alle")
    assert parse_settings({"label": ""}).label == ""
    bought = parse_purchase(body(**everything))
    assert (bought.auto_renew, bought.auto_renew_months, bought.label) == (False, 12, "für alle")
    assert parse_purchase(body(label="x" * 64)).label == "x" * 64


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        ({}, "renew"),
        ({"renew": None}, "renew"),
        ({"renew": {}, "extend": {"months": 1}}, "extend"),
        ({"extend": {}}, "extend.months"),
        ({"extend": {"months": 1, "colour": 1}}, "extend.colour"),
        ({"topUp": {"modelId": "m-1", "units": 0}}, "topUp.units"),
        ({"sell": {}}, "sell"),
        ([], None),
    ],
)
def test_one_sale_is_priced_at_a_time(raw: Any, param: str | None) -> None:
    with pytest.raises(Refused) as caught:
        parse_quote(raw)
    assert (caught.value.refusal.code.code, caught.value.refusal.param) == ("invalid_request", param)


def test_model_that_is_twice_in_a_change_to_price_is_named_by_its_path() -> None:
    with pytest.raises(Refused) as caught:
        parse_quote({"change": {"models": [MODEL, MODEL]}})
    refusal = caught.value.refusal
    assert (refusal.code.code, refusal.param) == ("duplicate_model", "change.models[1].modelId")


def test_price_is_asked_for_by_the_body_of_the_sale() -> None:
    assert parse_quote({"renew": {}}) == parse_renewal({})
    extension = {"months": 3, "expectedTotal": "1.00"}
    assert parse_quote({"extend": extension, "renew": None}) == parse_extension(extension)


def test_message_of_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(Refused) as caught:
        parse_purchase(body({**MODEL, "channelTier": "sk-custom-secret"}))
    assert "sk-custom" not in json.dumps(caught.value.refusal.fields())
