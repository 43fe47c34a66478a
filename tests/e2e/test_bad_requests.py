"""Every bad request over HTTP, as tables: status, code and `param`. Rule: none of them leaves anything in the store."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from local.machine import HOST
from tests.support.stack import PURCHASE_BODY, TEXT_MODEL, jwt_of
from tests.support.world import client_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Answer, Stack

    NewAccount = Callable[[], str]

TABLES = ("SubscriptionsTable", "EntitlementsTable", "EventsTable", "HistoryTable")
BIG, DEEP, DIGITS = 256 * 1024, 200_000, 5_000
VALID = json.dumps(PURCHASE_BODY)
ONE: dict[str, Any] = {"modelId": TEXT_MODEL, "channelTier": "stable", "dailyCallLimit": 50, "monthlyTokenCap": 1000}


def body(**fields: Any) -> str:
    """A valid purchase of one model with other fields at the top."""
    return json.dumps({"models": [ONE], **fields})


def with_model(**fields: Any) -> str:
    """A valid purchase of one model with other fields in the model."""
    return json.dumps({"models": [{**ONE, **fields}]})


def without(field: str) -> str:
    return json.dumps({"models": [{name: value for name, value in ONE.items() if name != field}]})


def literal(field: str, text: str) -> str:
    """A valid purchase whose model holds a literal as it stands, valid JSON or not."""
    return with_model(**{field: "HERE"}).replace('"HERE"', text)


CALLS, CAP, TIER, MODEL = (
    "models[0].dailyCallLimit",
    "models[0].monthlyTokenCap",
    "models[0].channelTier",
    "models[0].modelId",
)
NO_CALLS: tuple[Any, ...] = (True, 1.5, 1.0, "50", 0, -1, None)
NO_UNITS: tuple[Any, ...] = (False, 2.5, "5", 0, -7, [], {})
UNREADABLE: dict[str, str | bytes] = {
    "nothing": "",
    "broken": '{"models": [',
    "a trailing comma": '{"models": [],}',
    "two values": VALID + VALID,
    "not UTF-8": b'{"models": "\xff\xfe"}',
    "a byte order mark": b"\xef\xbb\xbf" + VALID.encode(),
    "NaN": literal("dailyCallLimit", "NaN"),
    "Infinity": literal("dailyCallLimit", "-Infinity"),
    "a lone surrogate": literal("modelId", r'"\ud800"'),
    "a lone surrogate as a name": '{"\\udfff": 1}',
    "200,000 brackets": "[" * DEEP,
    "200,000 closed brackets": "[" * (DEEP // 2) + "]" * (DEEP // 2),
    "200,000 braces": '{"a":' * (DEEP // 5),
    "more than 256 KB": VALID + " " * BIG,
}
SHAPES: dict[str, tuple[str, str | None]] = {
    "null": ("null", None),
    "an array": ("[]", None),
    "a string": ('"models"', None),
    "no models": ("{}", "models"),
    "models null": (body(models=None), "models"),
    "models an object": (body(models={}), "models"),
    "0 models": (body(models=[]), "models"),
    "41 models": (body(models=[{**ONE, "modelId": f"m-{n}"} for n in range(41)]), "models"),
    "a model null": (body(models=[None]), "models[0]"),
    "an unknown field": (body(coupon="x"), "coupon"),
    "an unknown field in a model": (with_model(note="x"), "models[0].note"),
    "a field in snake case": (with_model(model_id="x"), "models[0].model_id"),
    "a member twice": ('{"months": 1, "months": 1, "models": []}', "months"),
    "a member twice in a model": (
        VALID.replace('"modelId"', '"channelTier": "basic", "modelId"', 1),
        "models[0].channelTier",
    ),
    **{f"no {name}": (without(name), f"models[0].{name}") for name in ONE},
    **{f"{value!r} calls": (with_model(dailyCallLimit=value), CALLS) for value in NO_CALLS},
    **{f"{value!r} units": (with_model(monthlyTokenCap=value), CAP) for value in NO_UNITS},
    "too many calls": (with_model(dailyCallLimit=10**9 + 1), CALLS),
    "too many units": (with_model(monthlyTokenCap=10**15 + 1), CAP),
    "1e400 calls": (literal("dailyCallLimit", "1e400"), CALLS),
    "1e3 units": (literal("monthlyTokenCap", "1e3"), CAP),
    "a number of 5,000 digits": (literal("monthlyTokenCap", "9" * DIGITS), CAP),
    "a negative number of 5,000 digits": (literal("dailyCallLimit", "-" + "9" * DIGITS), CALLS),
    "another tier": (with_model(channelTier="gold"), TIER),
    "a tier in capitals": (with_model(channelTier="Stable"), TIER),
    "a tier that is a number": (with_model(channelTier=1), TIER),
    "an empty model id": (with_model(modelId=""), MODEL),
    "a long model id": (with_model(modelId="m" * 129), MODEL),
    "a model id with a blank": (with_model(modelId="a b"), MODEL),
    "a model id with a line end": (with_model(modelId=TEXT_MODEL + "\n"), MODEL),
    "a model id with #": (with_model(modelId="a#b"), MODEL),
    **{f"{value!r} months": (body(months=value), "months") for value in (0, 13, -1, 1.5, "1", True)},
    **{
        f"time zone {value!r}": (body(timezone=value), "timezone")
        for value in ("", "Mars/Phobos", "utc", "UTC\x00", "../UTC", "Europe/", "x" * 1000, "Ümlaut/Ö", 1)
    },
}
CATALOGUE: dict[str, tuple[str, str, str]] = {
    "a model twice": (body(models=[ONE, ONE]), "duplicate_model", "models[1].modelId"),
    "a model twice in two tiers": (
        body(models=[ONE, {**ONE, "channelTier": "basic"}]),
        "duplicate_model",
        "models[1].modelId",
    ),
    "an unknown model": (body(models=[ONE, {**ONE, "modelId": "none"}]), "unknown_model", "models[1].modelId"),
    "a tier not offered": (with_model(modelId="only-basic"), "tier_not_offered", TIER),
}


@pytest.fixture(scope="module", autouse=True)
def a_model_in_one_tier(stack: Stack, engine: str) -> Iterator[None]:
    """Offer a model in one tier alone, beside the catalogue's models that are offered in all."""
    dynamodb = client_of(engine)
    listed = dynamodb.query(
        TableName="CatalogueTable",
        KeyConditionExpression="pk = :pk AND begins_with(sk, :model)",
        ExpressionAttributeValues={":pk": {"S": "catalogue"}, ":model": {"S": f"model#{TEXT_MODEL}"}},
    )
    (item,) = listed["Items"]
    basic = {"basic": item["tiers"]["M"]["basic"]}
    changed = {"sk": {"S": "model#only-basic"}, "id": {"S": "only-basic"}, "tiers": {"M": basic}}
    dynamodb.put_item(TableName="CatalogueTable", Item={**item, **changed})
    yield
    assert stack.port
    dynamodb.delete_item(TableName="CatalogueTable", Key={"pk": item["pk"], "sk": changed["sk"]})


def traces_of(engine: str, *marks: str) -> list[Any]:
    """What any table holds with one of these texts in it."""
    pages = [p for t in TABLES for p in client_of(engine).get_paginator("scan").paginate(TableName=t)]
    return [item for page in pages for item in page["Items"] if any(mark in repr(item) for mark in marks)]


def refuse(answer: Answer, status: int, code: str, param: str | None) -> None:
    """Check the whole envelope of a refusal."""
    assert answer.headers["content-type"] == "application/json", answer
    error = answer.error
    assert (answer.status, error["code"], error["param"]) == (status, code, param), answer.body[:400]
    assert set(error) == {"message", "type", "code", "param"}
    assert error["type"] == "invalid_request_error"
    assert isinstance(error["message"], str)
    assert error["message"]


def post(stack: Stack, account: str, sent: str | bytes, **headers: str) -> Answer:
    raw = sent if isinstance(sent, bytes) else sent.encode()
    named = {"Authorization": f"Bearer {jwt_of(account)}", "Content-Type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return stack.send("POST", "/v1/subscriptions", raw, named)


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused(stack: Stack, engine: str, new_account: NewAccount, case: str) -> None:
    account = new_account()
    refuse(post(stack, account, UNREADABLE[case]), 400, "invalid_request", None)
    assert not traces_of(engine, f"'{account}'", f"#{account}'")


@pytest.mark.parametrize("case", SHAPES)
def test_a_body_of_another_shape_is_refused(stack: Stack, engine: str, new_account: NewAccount, case: str) -> None:
    account = new_account()
    sent, param = SHAPES[case]
    refuse(post(stack, account, sent), 400, "invalid_request", param)
    assert not traces_of(engine, f"'{account}'", f"#{account}'")


@pytest.mark.parametrize("case", CATALOGUE)
def test_what_is_not_sold_is_refused(stack: Stack, engine: str, new_account: NewAccount, case: str) -> None:
    account = new_account()
    sent, code, param = CATALOGUE[case]
    refuse(post(stack, account, sent), 400, code, param)
    assert not traces_of(engine, f"'{account}'", f"#{account}'")


def test_what_a_purchase_leaves_is_seen_by_the_check_for_traces(
    stack: Stack, engine: str, new_account: NewAccount
) -> None:
    account = new_account()
    stack.buy(account)
    assert len(traces_of(engine, f"'{account}'", f"#{account}'")) >= 4


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "ключ", "é", "tab\there"])
def test_a_bad_idempotency_key_is_refused(stack: Stack, engine: str, new_account: NewAccount, key: str) -> None:
    account = new_account()
    refuse(post(stack, account, VALID, Idempotency_Key=key), 400, "invalid_request", "Idempotency-Key")
    assert not traces_of(engine, f"'{account}'", f"#{account}'")


@pytest.mark.parametrize("key", ["k" * 255, "!~", '"quoted"', "a,b"])
def test_any_visible_ascii_is_an_idempotency_key(stack: Stack, new_account: NewAccount, key: str) -> None:
    assert post(stack, new_account(), VALID, Idempotency_Key=key).status == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/jsonp", "", "application/x-ndjson"])
def test_another_content_type_is_refused(stack: Stack, engine: str, new_account: NewAccount, kind: str) -> None:
    account = new_account()
    refuse(post(stack, account, VALID, Content_Type=kind), 400, "invalid_request", "Content-Type")
    assert not traces_of(engine, f"'{account}'", f"#{account}'")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_by_any_spelling_is_read(stack: Stack, new_account: NewAccount, kind: str) -> None:
    assert post(stack, new_account(), VALID, Content_Type=kind).status == 201


def test_a_body_of_256_kb_is_read(stack: Stack, new_account: NewAccount) -> None:
    assert post(stack, new_account(), VALID.ljust(BIG)).status == 201


def test_a_body_over_10_mb_is_refused_by_the_gateway(stack: Stack, engine: str, new_account: NewAccount) -> None:
    account = new_account()
    answer = post(stack, account, VALID.ljust(10 * 1024 * 1024 + 1))
    assert (answer.status, list(answer.json)) == (413, ["message"])
    assert not traces_of(engine, f"'{account}'", f"#{account}'")


@pytest.mark.parametrize(
    ("sent", "param"),
    [("[]", None), ("null", None), ('{"months": 2}', "months"), ("{", None), ('"x"', None), ("1", None)],
)
def test_a_renewal_takes_no_body_but_an_empty_object(
    stack: Stack, new_account: NewAccount, sent: str, param: str | None
) -> None:
    account = new_account()
    path = f"/v1/subscriptions/{stack.buy(account)['subscriptionId']}/renew"
    headers = {"Authorization": f"Bearer {jwt_of(account)}", "Content-Type": "application/json"}
    refuse(stack.send("POST", path, sent.encode(), headers), 400, "invalid_request", param)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("GET", "/v1"),
        ("GET", "/v1/subscriptions/"),
        ("DELETE", "/v1/models"),
        ("PATCH", "/v1/subscriptions"),
        ("POST", "/v1/subscriptions/sub_x/usage"),
        ("GET", "/v1/subscriptions/sub_x/renew"),
        ("GET", "/v1/subscriptions/sub_x/usage/more"),
        ("GET", "/v2/models"),
        ("GET", "//v1/models"),
        ("OPTIONS", "/v1/models"),
        ("PUT", "/%00/..%2f"),
        ("GET", "/v1/mod%C3%A8les"),
    ],
)
@pytest.mark.parametrize("token", [True, False])
def test_an_unknown_route_or_method_is_404_in_the_envelope(
    stack: Stack, method: str, path: str, *, token: bool
) -> None:
    headers = {"Authorization": f"Bearer {jwt_of('acct_lost')}"} if token else {}
    answer = stack.send(method, path, None, headers)
    assert (answer.status, answer.error["code"], answer.error["type"]) == (404, "not_found", "not_found_error")
    assert answer.error["param"] is None


def test_path_that_only_a_longer_route_could_have_needs_a_token_before_it_is_404(stack: Stack) -> None:
    """API Gateway matches it to the route for ids with slashes, which it lets nobody use without a token."""
    path = "/v1/accounts/acct_lost/plan-subscription"  # the end of no plan in particular
    operator = stack.send("DELETE", path, None, {"Authorization": f"Bearer {jwt_of('op', scope='operator')}"})
    assert (operator.status, operator.error["code"]) == (404, "not_found")
    customer = stack.send("DELETE", path, None, {"Authorization": f"Bearer {jwt_of('acct_lost')}"})
    assert (customer.status, customer.error["code"]) == (403, "forbidden")
    anonymous = stack.send("DELETE", path, None, {})
    assert (anonymous.status, anonymous.json) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    "name", ["sub_x", "%20", "..", "sub_" + "a" * 24, "sub_" + "A" * 24, "x" * 3000, "%ff", "a%2Fb"]
)
def test_an_id_that_was_never_issued_is_404(stack: Stack, new_account: NewAccount, name: str) -> None:
    account = new_account()
    for method, path in (("GET", ""), ("GET", "/usage"), ("POST", "/renew")):
        answer = stack.api(method, f"/v1/subscriptions/{name}{path}", account)
        assert (answer.status, answer.error["code"]) == (404, "not_found"), (method, path)


@pytest.mark.parametrize("name", ["%ff", "%fe%80", "a%c3"])
def test_account_that_is_no_text_is_not_taken_for_another(stack: Stack, name: str) -> None:
    token = f"Bearer {jwt_of('operator', scope='operator')}"
    headers = {"Authorization": token, "Content-Type": "application/json"}
    plan = json.dumps({"planId": "gold", "expiresAt": "2199-01-01T00:00:00Z"}).encode()
    answer = stack.send("PUT", f"/v1/accounts/{name}/plan-subscription", plan, headers)
    assert (answer.status, answer.error["param"]) == (400, "accountId")


def test_head_is_answered_without_a_body(stack: Stack) -> None:
    with socket.create_connection((HOST, stack.port), timeout=10) as connection:
        connection.sendall(b"HEAD /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404")
    assert body == b""
