"""Requests become the same JSON, and replies the same values, as botocore's serializer and parser make of them."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from typing import Any

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpass.dynamodb import wire_json
from tests.support.builders import PROPERTY

TEXTS = st.text(max_size=12)
NAMES = st.one_of(TEXTS, st.sampled_from(["B", "BS", "S", "M", "L", "NULL"]))  # names that look like types as well
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False).map(str)
PLAIN = st.one_of(
    st.fixed_dictionaries({"S": TEXTS}),
    st.fixed_dictionaries({"N": NUMBERS}),
    st.fixed_dictionaries({"B": st.binary(max_size=40)}),
    st.fixed_dictionaries({"BOOL": st.booleans()}),
    st.fixed_dictionaries({"NULL": st.just(True)}),  # noqa: FBT003 - the value
    st.fixed_dictionaries({"SS": st.lists(TEXTS, max_size=4)}),
    st.fixed_dictionaries({"NS": st.lists(NUMBERS, max_size=4)}),
    st.fixed_dictionaries({"BS": st.lists(st.binary(max_size=20), max_size=4)}),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"L": st.lists(inner, max_size=4)}),
        st.fixed_dictionaries({"M": st.dictionaries(NAMES, inner, max_size=4)}),
    ),
    max_leaves=12,
)
ITEMS = st.dictionaries(NAMES, VALUES, max_size=6)
NO_REPLY = [b"", b"null", b"[]", b'"text"', b"1", b"{", b'{"Item": {"a": {"S": "b"', b"<html></html>", b"\xff\xfe{}"]


@cache
def operation(name: str) -> Any:
    """An operation of DynamoDB as botocore has it described."""
    described = botocore.loaders.Loader().load_service_model("dynamodb", "service-2")
    return botocore.model.ServiceModel(described).operation_model(name)


@cache
def serializer() -> Any:
    return botocore.serialize.create_serializer("json")


def as_it_parses(name: str, raw: bytes) -> Any:
    parser = botocore.parsers.create_parser("json")
    parsed = parser.parse({"body": raw, "headers": {}, "status_code": 200}, operation(name).output_shape)
    parsed.pop("ResponseMetadata")
    return parsed


def wire(value: Any) -> Any:
    """A value as it stands on the wire, written down independently: binaries in base64."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {name: wire(inner) for name, inner in value.items()}
    return [wire(inner) for inner in value] if isinstance(value, list) else value


@PROPERTY
@given(ITEMS, ITEMS)
def test_request_holds_what_botocore_would_send(key: Any, values: Any) -> None:
    request = {
        "TableName": "a-table",
        "Key": key,
        "UpdateExpression": "SET a = :a",
        "ExpressionAttributeValues": values,
        "ReturnConsumedCapacity": "TOTAL",
    }
    ours = wire_json.encoded(request)
    theirs = serializer().serialize_to_request(request, operation("UpdateItem"))["body"]
    assert json.loads(ours) == json.loads(theirs)
    assert ours.isascii()


@PROPERTY
@given(ITEMS)
def test_reply_is_read_as_botocore_reads_it(item: Any) -> None:
    raw = json.dumps({"Item": wire(item), "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.5}}).encode()
    assert wire_json.decoded(raw) == as_it_parses("GetItem", raw)
    assert wire_json.decoded(raw)["Item"] == item


@given(st.lists(ITEMS, max_size=3))
@settings(PROPERTY, max_examples=30)
def test_replies_with_many_items_are_read_as_botocore_reads_them(items: list[Any]) -> None:
    queried = json.dumps({"Items": wire(items), "Count": len(items), "ScannedCount": len(items)}).encode()
    assert wire_json.decoded(queried) == as_it_parses("Query", queried)
    batch = json.dumps({"Responses": {"t": wire(items)}, "UnprocessedKeys": {"t": {"Keys": wire(items)}}}).encode()
    assert wire_json.decoded(batch) == as_it_parses("BatchGetItem", batch)


@PROPERTY
@given(ITEMS)
def test_what_is_sent_comes_back_as_it_was(item: Any) -> None:
    assert wire_json.decoded(wire_json.encoded({"Item": item})) == {"Item": item}


@pytest.mark.parametrize("raw", [*NO_REPLY, b'{"Item": {"a": {"B": "abc"}}}', b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_object_is_no_reply(raw: bytes) -> None:
    with pytest.raises(ValueError):
        wire_json.decoded(raw)


@pytest.mark.parametrize("value", [object(), {1, 2}, bytearray(b"a"), 1j])
def test_what_json_cannot_carry_is_not_sent(value: object) -> None:
    with pytest.raises(TypeError) as caught:
        wire_json.encoded({"Item": {"a": {"B": value}}})
    assert str(caught.value) == type(value).__name__
