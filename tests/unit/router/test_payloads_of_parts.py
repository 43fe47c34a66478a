"""The payload of a part: a settle with `continue`. What is malformed is refused by the path of its field."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.entitlements.commands.settle_part import PartRequest
from modelpass.errors import ErrorCode, Refused
from modelpass.router.settle_parts import request_of

WISHES = {"apiKey": "k", "estimatedUsage": 4000, "calls": 3, "holdSeconds": 60}
PART = {"authorizationId": "a", "actualUsage": 1234, "calls": 2, "continue": WISHES}
NOT_WHOLE: list[Any] = [True, 1.5, 1.0, "50", [1], {}, -1, 10**5000]


def refused(event: dict[str, Any]) -> str | None:
    with pytest.raises(Refused) as caught:
        request_of(event)
    assert caught.value.refusal.code is ErrorCode.INVALID_REQUEST
    return caught.value.refusal.param


def wishing(**changed: Any) -> dict[str, Any]:
    return {**PART, "continue": {**WISHES, **changed}}


def without(name: str) -> dict[str, Any]:
    return {field: value for field, value in PART.items() if field != name}


def test_what_is_given_is_taken_and_the_hold_lasts_900_seconds_by_default() -> None:
    assert request_of(PART) == PartRequest("a", 1234, 2, "k", 4000, 3, 60)
    for default in ({"holdSeconds": None}, {}):
        wishes = {name: value for name, value in WISHES.items() if name != "holdSeconds"} | default
        assert request_of({**PART, "continue": wishes}).hold_seconds == 900


@pytest.mark.parametrize("name", ["authorizationId", "actualUsage", "calls"])
def test_report_of_a_part_names_what_was_used_and_how_many_calls_were_made(name: str) -> None:
    assert refused(without(name)) == name
    assert refused({**PART, name: None}) == name


@pytest.mark.parametrize("name", ["apiKey", "estimatedUsage", "calls"])
def test_hold_goes_on_only_with_a_key_units_and_calls(name: str) -> None:
    wishes = {field: value for field, value in WISHES.items() if field != name}
    assert refused({**PART, "continue": wishes}) == f"continue.{name}"
    assert refused(wishing(**{name: None})) == f"continue.{name}"


@pytest.mark.parametrize(
    ("name", "least", "most"), [("estimatedUsage", 0, 10**15), ("calls", 0, 10**9), ("holdSeconds", 1, 86_400)]
)
def test_whole_numbers_are_taken_from_the_least_to_the_most(name: str, least: int, most: int) -> None:
    for taken in (least, most):
        request_of(wishing(**{name: taken}))
    for wrong in (least - 1, most + 1, *NOT_WHOLE):
        assert refused(wishing(**{name: wrong})) == f"continue.{name}"


@pytest.mark.parametrize("value", [True, 0, 1.5, ["k"], {"k": 1}])
def test_key_is_text_and_any_text_is_well_formed(value: Any) -> None:
    assert refused(wishing(apiKey=value)) == "continue.apiKey"
    assert request_of(wishing(apiKey="\ud800")).api_key == "\ud800"


@pytest.mark.parametrize("value", [True, False, 0, 1, "yes", [], [WISHES]])
def test_what_is_no_object_does_not_say_how_to_go_on(value: Any) -> None:
    assert refused({**PART, "continue": value}) == "continue"


@pytest.mark.parametrize(
    ("field", "shown"), [("units", "units"), ("requestId", "requestId"), ("", ""), ("\ud800", "\\ud800")]
)
def test_unknown_field_is_refused_by_its_path(field: str, shown: str) -> None:
    assert refused(wishing(**{field: None})) == f"continue.{shown}"


@pytest.mark.parametrize(("name", "value"), [("servedTier", "stable"), ("usageSource", "reported"), ("servedTier", 7)])
def test_what_belongs_to_the_last_settle_is_refused_with_a_part(name: str, value: Any) -> None:
    assert refused({**PART, name: value}) == name
    assert request_of({**PART, name: None}) == request_of(PART)


def test_payload_shows_no_key_when_it_is_shown() -> None:
    assert "sk-custom" not in repr(request_of(wishing(apiKey="sk-custom-secret")))
