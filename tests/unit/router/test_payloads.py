"""Router payloads: what is malformed is refused by the name of its field, what is left out has its default."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements.commands.authorize import AuthorizeRequest
from modelpass.entitlements.commands.settle import SettleRequest, refuse_too_many_calls
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.router import authorize, settle

AUTHORIZE = {"apiKey": "k", "modelId": "m-1", "requestId": "r-1", "estimatedUsage": 4000}
SETTLE = {"authorizationId": "a", "actualUsage": 1234}
NOT_OBJECTS: list[Any] = [None, True, 1, 1.5, "text", [], [AUTHORIZE], b"{}"]
NOT_STRINGS: list[Any] = [None, True, 0, 1.5, ["k"], {"k": 1}]
NOT_WHOLE: list[Any] = [True, False, 1.5, 1.0, "50", "", [1], {}, -1, float("nan"), float("inf"), 10**5000]
WHOLE_NUMBERS = [
    # payload, field, least, most
    ("authorize", "estimatedUsage", 0, 10**15),
    ("authorize", "minimumUsage", 0, 4000),
    ("authorize", "calls", 1, 10**9),
    ("authorize", "holdSeconds", 1, 86_400),
    ("settle", "actualUsage", 0, 10**15),
    ("settle", "calls", 0, 10**9),
]
OPTIONAL = [
    *(("authorize", name) for name in ("minimumUsage", "calls", "channelTier", "holdSeconds", "attempt", "unitFree")),
    *(("settle", name) for name in ("calls", "servedTier", "usageSource", "continue")),  # the last: see its own file
]
REQUIRED = [("authorize", name) for name in AUTHORIZE] + [("settle", name) for name in SETTLE]
VISIBLE_ASCII = ["r", "R" * 128, "0f8fad5b-d9cb_469f", "chatcmpl-a.b:c/d+e=", "!", "~{|}"]
NOT_VISIBLE_ASCII = ["", "R" * 129, "a b", " a", "a\t", "é", "r\n", "\x7f", "\ud800", "٣"]
PATTERNS = [
    # field, what it may be, what it may not be
    (
        "modelId",
        ["m", "M" * 128, "a.b_c:d-e", "openai/gpt-4o", "/a@b//", ".."],
        ["", "M" * 129, "a b", "a%2Fb", "a#b", "é", "m\n", "٣"],
    ),
    ("requestId", VISIBLE_ASCII, NOT_VISIBLE_ASCII),
    ("attempt", VISIBLE_ASCII, NOT_VISIBLE_ASCII),
]
TIERS = [("authorize", "channelTier"), ("settle", "servedTier")]


def parse(name: str, event: Any) -> Any:
    return authorize.request_of(event) if name == "authorize" else settle.request_of(event)


def well_formed(name: str) -> dict[str, Any]:
    return dict(AUTHORIZE if name == "authorize" else SETTLE)


def refused(name: str, event: Any) -> str | None:
    """The param of the refusal, which must be sayable in UTF-8."""
    with pytest.raises(Refused) as caught:
        parse(name, event)
    refusal = caught.value.refusal
    assert refusal.code is ErrorCode.INVALID_REQUEST
    json.dumps(refusal.fields(), ensure_ascii=False).encode()
    return refusal.param


def test_what_is_left_out_has_its_default() -> None:
    assert authorize.request_of(AUTHORIZE) == AuthorizeRequest("k", "m-1", "r-1", 4000, 1, None, 900)
    assert settle.request_of(SETTLE) == SettleRequest("a", 1234, None, None)


@pytest.mark.parametrize(("name", "field"), OPTIONAL)
def test_optional_field_that_is_null_is_one_left_out(name: str, field: str) -> None:
    assert parse(name, {**well_formed(name), field: None}) == parse(name, well_formed(name))
    everything = {**well_formed(name), **dict.fromkeys(f for n, f in OPTIONAL if n == name)}
    assert parse(name, everything) == parse(name, well_formed(name))


@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_required_field_that_is_null_is_refused_by_name(name: str, field: str) -> None:
    assert refused(name, {**well_formed(name), field: None}) == field


@pytest.mark.parametrize("name", ["authorize", "settle"])
def test_unknown_field_that_is_null_is_unknown(name: str) -> None:
    assert refused(name, {**well_formed(name), "extra": None}) == "extra"


def test_what_is_given_is_taken() -> None:
    given = {**AUTHORIZE, "calls": 5, "channelTier": "enterprise", "holdSeconds": 60, "attempt": "a-1"}
    asked = AuthorizeRequest("k", "m-1", "r-1", 4000, 5, Tier.ENTERPRISE, 60, attempt="a-1")
    assert authorize.request_of(given) == asked
    least = authorize.request_of({**AUTHORIZE, "minimumUsage": 1000})
    assert least == AuthorizeRequest("k", "m-1", "r-1", 4000, 1, None, 900, minimum=1000)
    free = {**AUTHORIZE, "estimatedUsage": 0, "unitFree": True}
    assert authorize.request_of(free) == AuthorizeRequest("k", "m-1", "r-1", 0, 1, None, 900, unit_free=True)
    assert authorize.request_of({**AUTHORIZE, "unitFree": False}).unit_free is False
    settled = {**SETTLE, "calls": 0, "servedTier": "basic"}
    assert settle.request_of(settled) == SettleRequest("a", 1234, 0, Tier.BASIC)
    for source in ("reported", "counted", "estimated"):
        assert settle.request_of({**SETTLE, "usageSource": source}).usage_source == source


@pytest.mark.parametrize("name", ["authorize", "settle"])
@pytest.mark.parametrize("event", NOT_OBJECTS)
def test_payload_that_is_no_object_is_refused_without_a_field(name: str, event: Any) -> None:
    with pytest.raises(Refused) as caught:
        parse(name, event)
    assert caught.value.refusal == Refusal(ErrorCode.INVALID_REQUEST, message="The payload must be a JSON object.")


@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_missing_field_is_named(name: str, field: str) -> None:
    event = well_formed(name)
    del event[field]
    assert refused(name, event) == field


@pytest.mark.parametrize("field", ["apiKey", "modelId", "requestId", "authorizationId"])
@pytest.mark.parametrize("value", NOT_STRINGS)
def test_text_of_another_type_is_refused(field: str, value: Any) -> None:
    name = "authorize" if field in AUTHORIZE else "settle"
    assert refused(name, {**well_formed(name), field: value}) == field


@pytest.mark.parametrize(("name", "field", "least", "most"), WHOLE_NUMBERS)
def test_whole_numbers_are_taken_from_the_least_to_the_most(name: str, field: str, least: int, most: int) -> None:
    for value in (least, most):
        parse(name, {**well_formed(name), field: value})
    for value in (least - 1, most + 1, 10**18):
        assert refused(name, {**well_formed(name), field: value}) == field


@pytest.mark.parametrize(("name", "field"), [row[:2] for row in WHOLE_NUMBERS])
@pytest.mark.parametrize("value", NOT_WHOLE, ids=lambda value: repr(value) if value != 10**5000 else "5,001 digits")
def test_what_is_no_whole_number_is_refused(name: str, field: str, value: Any) -> None:
    assert refused(name, {**well_formed(name), field: value}) == field


@pytest.mark.parametrize(("field", "good", "bad"), PATTERNS)
def test_ids_are_of_their_characters_and_length(field: str, good: list[str], bad: list[str]) -> None:
    for value in good:
        authorize.request_of({**AUTHORIZE, field: value})
    for value in bad:
        assert refused("authorize", {**AUTHORIZE, field: value}) == field


@pytest.mark.parametrize(("name", "field"), TIERS)
@pytest.mark.parametrize("value", ["", "gold", "Stable", "stable ", True, 1, ["stable"], {"stable": 1}])
def test_tier_outside_the_three_is_refused(name: str, field: str, value: Any) -> None:
    assert refused(name, {**well_formed(name), field: value}) == field


@pytest.mark.parametrize("value", ["", "Reported", "guessed", True, 1, ["counted"], {"counted": 1}])
def test_source_of_a_figure_outside_the_three_is_refused(value: Any) -> None:
    assert refused("settle", {**SETTLE, "usageSource": value}) == "usageSource"


@pytest.mark.parametrize("name", ["authorize", "settle"])
@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("extra", "extra"),
        ("apikey", "apikey"),
        ("", ""),
        ("\ud800", "\\ud800"),
        ("é", "\\xe9"),
        ("x" * 5000, "x" * 64),
    ],
)
def test_unknown_field_is_refused_and_shown_in_part(name: str, field: str, shown: str) -> None:
    assert refused(name, {**well_formed(name), field: 1}) == shown


def test_any_text_as_key_or_authorization_id_is_well_formed() -> None:
    for text in ("", " ", "\ud800", "x" * 100_000, "Bearer x"):
        assert authorize.request_of({**AUTHORIZE, "apiKey": text}).api_key == text
        assert settle.request_of({**SETTLE, "authorizationId": text}).authorization_id == text


def test_payload_shows_no_key_when_it_is_shown() -> None:
    assert "sk-custom" not in repr(authorize.request_of({**AUTHORIZE, "apiKey": "sk-custom-secret"}))


def test_settle_of_more_calls_than_held_names_its_field() -> None:
    refusal = refuse_too_many_calls(3).refusal
    assert (refusal.code, refusal.param) == (ErrorCode.INVALID_REQUEST, "calls")


TOLD = [
    # payload, what is wrong with it, what is told
    ("authorize", {"calls": 0}, "calls must be a whole number from 1 to 1000000000."),
    ("authorize", {"holdSeconds": 0}, "holdSeconds must be a whole number from 1 to 86400."),
    ("authorize", {"estimatedUsage": -1}, "estimatedUsage must be a whole number from 0 to 1000000000000000."),
    ("settle", {"calls": -1}, "calls must be a whole number from 0 to 1000000000."),
    ("authorize", {"channelTier": "gold"}, "channelTier must be one of basic, stable, enterprise."),
    ("settle", {"servedTier": 1}, "servedTier must be one of basic, stable, enterprise."),
    ("authorize", {"apiKey": 1}, "apiKey must be a string."),
    ("authorize", {"modelId": ""}, "modelId must be 1 to 128 of A-Z a-z 0-9 . _ : / @ -."),
    ("authorize", {"requestId": ""}, "requestId must be 1 to 128 visible ASCII characters."),
    ("authorize", {"attempt": ""}, "attempt must be 1 to 128 visible ASCII characters."),
    ("authorize", {"minimumUsage": "1"}, "minimumUsage must be a whole number from 0 to 1000000000000000."),
    ("authorize", {"minimumUsage": 4001}, "minimumUsage must be at most estimatedUsage."),
    ("authorize", {"unitFree": 1}, "unitFree must be true or false."),
    ("authorize", {"unitFree": True}, "unitFree is for calls whose estimatedUsage is 0."),
    ("settle", {"extra": 1}, "Unknown field."),
    ("settle", {"usageSource": "guessed"}, "usageSource must be one of reported, counted, estimated."),
]


@pytest.mark.parametrize(("name", "wrong", "message"), TOLD)
def test_refusal_tells_what_may_be_given(name: str, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(name, {**well_formed(name), **wrong})
    assert caught.value.refusal.message == message


@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_missing_field_is_told_as_required(name: str, field: str) -> None:
    event = well_formed(name)
    del event[field]
    with pytest.raises(Refused) as caught:
        parse(name, event)
    assert caught.value.refusal.message == f"{field} is required."


def test_settle_of_more_calls_than_held_tells_how_many_are_held() -> None:
    assert refuse_too_many_calls(3).refusal.message == "calls must be at most the 3 held by the authorization."


def test_payload_shows_its_model_and_its_request() -> None:
    assert repr(authorize.request_of(AUTHORIZE)) == "AuthorizeRequest(m-1, r-1)"


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (AUTHORIZE, {"requestId": "r-1", "modelId": "m-1"}),
        ({"requestId": "r 1", "modelId": "m-1"}, {"modelId": "m-1"}),
        ({"requestId": "r-1", "modelId": 1, "extra": 1}, {"requestId": "r-1"}),
        ({"requestId": f"sk-custom-{'k' * 60}", "modelId": f"x/sk-custom-{'k' * 60}"}, {}),
        ({"requestId": f"auth_{'a' * 100}", "modelId": "auth_service"}, {"modelId": "auth_service"}),
        ({"requestId": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"}, {}),
        ({}, {}),
        ([AUTHORIZE], {}),
        (None, {}),
    ],
)
def test_what_a_request_names_well_is_known_whatever_else_is_wrong(event: Any, named: dict[str, str]) -> None:
    assert authorize.line_facts_of(event) == named
