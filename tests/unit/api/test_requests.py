"""Body, headers and query of a request: JSON is read strictly, and the first part at fault is named."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from modelpass.api import requests
from modelpass.errors import ErrorCode, Refused
from tests.support.http_events import event_of

JSON_TYPE = "application/json"
KB_256 = 262_144


def read(body: str, content_type: str = JSON_TYPE) -> Any:
    return requests.json_body_of(event_of(body, content_type=content_type))


def param_of(event: Any) -> str | None:
    """The param of the refusal, which must be sayable in UTF-8."""
    with pytest.raises(Refused) as caught:
        requests.json_body_of(event)
    refusal = caught.value.refusal
    assert refusal.code is ErrorCode.INVALID_REQUEST
    json.dumps(refusal.fields(), ensure_ascii=False).encode()
    return refusal.param


def filled(size: int, letter: str = "a") -> str:
    """A JSON string of just so many bytes."""
    padding = (size - 2) // len(letter.encode())
    return '"' + letter * padding + "a" * (size - 2 - padding * len(letter.encode())) + '"'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' {"a": [1, -2.5, "é", null, true]}\n', {"a": [1, -2.5, "é", None, True]}),
        ('{"a": "\\u00e9 \\ud83d\\ude00"}', {"a": "é 😀"}),
        ("50", 50),
        ("1e2", 100.0),
        (str(10**100), 10**100),
    ],
)
def test_json_is_read_as_it_stands(text: str, value: Any) -> None:
    parsed = read(text)
    assert (parsed, type(parsed)) == (value, type(value))
    encoded = event_of(b64encode(text.encode()).decode(), base64=True, content_type=JSON_TYPE)
    assert requests.json_body_of(encoded) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{}{}",
        "{'a': 1}",
        "{a: 1}",
        "[1,]",
        "01",
        "+1",
        "1.",
        "NaN",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": -Infinity}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"a": "\ud800"}',
        '{"a": "\t"}',
        "\ufeff{}",
        "// no\n{}",
        "[" * 200_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 40_000 + "1" + "}" * 40_000,
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_what_is_no_json_is_refused(text: str) -> None:
    assert param_of(event_of(text, content_type=JSON_TYPE)) is None


def test_body_that_is_no_utf_8_is_refused() -> None:
    for raw in (b'"\xff"', b'{"a": "\xed\xa0\x80"}', '"é"'.encode("latin-1"), "{}".encode("utf-16")):
        event = event_of(b64encode(raw).decode(), base64=True, content_type=JSON_TYPE)
        assert param_of(event) is None


@pytest.mark.parametrize("text", ["{", "e30", "e30=\n=", "e3!0=", "é", "\ud800"])
def test_body_that_is_no_base64_is_refused(text: str) -> None:
    assert param_of(event_of(text, base64=True, content_type=JSON_TYPE)) is None


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ('{"a": 1, "a": 1}', "a"),
        ('{"models": [{"modelId": "x", "modelId": "y"}]}', "models[0].modelId"),
        ('{"models": [{}, {"a": [{"b": 1, "b": 1}], "c": 1}]}', "models[1].a[0].b"),
        ('{"b": 1, "a": 1, "\\u0061": 2}', "a"),
        ('{"\\ud800": 1, "\\ud800": 1}', "\\ud800"),
        (f'{{"{"x" * 99}": 1, "{"x" * 99}": 1}}', "x" * 64),
        ('{"": 1, "": 1}', ""),
    ],
)
def test_member_that_appears_twice_is_named(text: str, param: str) -> None:
    assert param_of(event_of(text, content_type=JSON_TYPE)) == param


def test_numbers_beyond_every_range_are_left_to_the_field_that_holds_them() -> None:
    parsed = read(f'{{"a": 1e400, "b": {"9" * 5000}, "c": -{"9" * 5000}}}')
    assert parsed == {"a": math.inf, "b": math.inf, "c": -math.inf}


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_json_content_types_are_taken(content_type: str) -> None:
    assert read("{}", content_type) == {}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_other_content_types_are_refused(content_type: str) -> None:
    assert param_of(event_of("{}", content_type=content_type)) == "Content-Type"


def test_missing_content_type_is_refused() -> None:
    assert param_of(event_of("{}")) == "Content-Type"


@pytest.mark.parametrize("letter", ["a", "é", "😀"])
@pytest.mark.parametrize("base64", [False, True])
def test_body_is_at_most_256_kb_counted_in_bytes(letter: str, base64: bool) -> None:  # noqa: FBT001 - a column
    def sent(size: int) -> Any:
        text = filled(size, letter)
        body = b64encode(text.encode()).decode() if base64 else text
        return event_of(body, base64=base64, content_type=JSON_TYPE)

    assert len(requests.json_body_of(sent(KB_256)).encode()) == KB_256 - 2  # type: ignore[attr-defined]
    assert param_of(sent(KB_256 + 1)) is None


def test_call_without_a_body_takes_none_or_an_empty_object() -> None:
    for event in (event_of(), event_of(""), event_of(" \n"), event_of(" {} ", content_type=JSON_TYPE)):
        requests.require_empty_body(event)
    for text, param in {"[]": None, "null": None, "0": None, '""': None, '{"months": 1}': "months", "{": None}.items():
        with pytest.raises(Refused) as caught:
            requests.require_empty_body(event_of(text, content_type=JSON_TYPE))
        assert caught.value.refusal.param == param


@pytest.mark.parametrize("value", ["a", "!", "~", "A" * 255, '"quoted"', "8f3c-4b"])
def test_idempotency_key_is_taken_as_it_stands(value: str) -> None:
    assert requests.idempotency_key_of(event_of(idempotency_key=value)) == value


@pytest.mark.parametrize("value", ["", " ", "a b", "a\n", "\x7f", "é", "\ud800", "A" * 256])
def test_idempotency_key_of_other_characters_or_length_is_refused(value: str) -> None:
    with pytest.raises(Refused) as caught:
        requests.idempotency_key_of(event_of(idempotency_key=value))
    assert caught.value.refusal.code is ErrorCode.INVALID_REQUEST
    assert caught.value.refusal.param == "Idempotency-Key"


def test_idempotency_key_may_be_left_out() -> None:
    assert requests.idempotency_key_of(event_of()) is None
    headers = {"Idempotency-Key": "k"}
    assert requests.idempotency_key_of(APIGatewayProxyEventV2({"headers": headers})) == "k"


def test_unknown_parameter_of_a_query_is_named() -> None:
    event = event_of()
    event.raw_event["queryStringParameters"] = {"limit": "1", "cursor": ""}
    assert requests.query_of(event, "limit", "cursor") == {"limit": "1", "cursor": ""}
    with pytest.raises(Refused) as caught:
        requests.query_of(event, "limit")
    assert (caught.value.refusal.code, caught.value.refusal.param) == (ErrorCode.INVALID_REQUEST, "cursor")
