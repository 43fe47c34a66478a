"""Every bad payload of a router, as tables. Rule: a normal result with status and code, never a Lambda error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.support.stack import IMAGE_MODEL, TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

    NewAccount = Callable[[], str]

TOO_LONG = 129
AUTHORIZE = {"apiKey": "sk-custom-x", "modelId": TEXT_MODEL, "requestId": "r-1", "estimatedUsage": 10}
SETTLE = {"authorizationId": "auth_x", "actualUsage": 1}


def each(field: str, values: tuple[Any, ...]) -> list[tuple[str, Any]]:
    return [(field, value) for value in values]


NOT_WHOLE: tuple[Any, ...] = (True, 1.5, 1.0, "10", [], {}, -1)
TOO_LARGE: tuple[Any, ...] = (*NOT_WHOLE, None, 10**15 + 1)
WRONG_AUTHORIZE: list[tuple[str, Any]] = [
    *each("estimatedUsage", TOO_LARGE),
    *each("minimumUsage", (*NOT_WHOLE, 10**15 + 1)),
    *each("calls", (*NOT_WHOLE, 0, 10**9 + 1)),
    *each("holdSeconds", (*NOT_WHOLE, 0, 86_401)),
    *each("requestId", ("", "r" * 129, "a b", "ü", "r\n", "\x7f", 1, None, True)),
    *each("attempt", ("", "r" * 129, "a b", "ü", "r\n", 1, True, [])),
    *each("unitFree", (1, 0, "true", "", [])),
    *each("modelId", ("", "m" * TOO_LONG, "a b", "a#b", "ü", "m\n", 1, None)),
    *each("apiKey", (1, None, [], True)),
    *each("channelTier", ("gold", "", "Stable", 1, ["stable"])),
    ("coupon", 1),
    ("Calls", 1),
]
WRONG_SETTLE: list[tuple[str, Any]] = [
    *each("actualUsage", TOO_LARGE),
    *each("calls", (*NOT_WHOLE, 10**9 + 1)),
    *each("authorizationId", (1, None, [], True)),
    *each("servedTier", ("gold", "", "Stable", 1, ["stable"])),
    ("coupon", 1),
]
LITERALS = ("1e400", "-1e400", "9" * 5_000, "-" + "9" * 5_000, "1e3", '"\\ud800"')


def is_refused(answer: Any, failure: str | None, code: str, param: str | None) -> None:
    """A refusal of either function, as a normal result."""
    assert failure is None, answer
    assert answer.get("allowed", answer.get("settled")) is False
    assert set(answer["error"]) == {"message", "type", "code", "param"}
    assert (answer["error"]["code"], answer["error"]["param"]) == (code, param), answer
    assert answer["statusCode"] == (401 if code == "invalid_api_key" else 404 if code.endswith("not_found") else 400)


@pytest.mark.parametrize(("field", "value"), WRONG_AUTHORIZE, ids=repr)
def test_a_malformed_authorize_is_a_normal_refusal(stack: Stack, field: str, value: Any) -> None:
    payload = json.dumps({**AUTHORIZE, field: value}).encode()
    is_refused(*stack.invoke_raw("AuthorizeFunction", payload), "invalid_request", field)


def test_a_minimum_above_the_estimate_is_a_normal_refusal(stack: Stack) -> None:
    payload = json.dumps({**AUTHORIZE, "minimumUsage": AUTHORIZE["estimatedUsage"] + 1}).encode()
    is_refused(*stack.invoke_raw("AuthorizeFunction", payload), "invalid_request", "minimumUsage")


@pytest.mark.parametrize("value", [1, None, [], True, {"sk": 1}], ids=repr)
def test_a_malformed_question_about_a_key_is_a_normal_refusal(stack: Stack, value: Any) -> None:
    payload = json.dumps({"apiKey": value}).encode()
    is_refused(*stack.invoke_raw("DescribeKeyFunction", payload), "invalid_request", "apiKey")


@pytest.mark.parametrize(("field", "value"), WRONG_SETTLE, ids=repr)
def test_a_malformed_settle_is_a_normal_refusal(stack: Stack, field: str, value: Any) -> None:
    payload = json.dumps({**SETTLE, field: value}).encode()
    is_refused(*stack.invoke_raw("SettleFunction", payload), "invalid_request", field)


@pytest.mark.parametrize("field", AUTHORIZE)
def test_an_authorize_without_a_required_field_names_it(stack: Stack, field: str) -> None:
    payload = {name: value for name, value in AUTHORIZE.items() if name != field}
    is_refused(*stack.invoke_raw("AuthorizeFunction", json.dumps(payload).encode()), "invalid_request", field)


@pytest.mark.parametrize("field", SETTLE)
def test_a_settle_without_a_required_field_names_it(stack: Stack, field: str) -> None:
    payload = {name: value for name, value in SETTLE.items() if name != field}
    is_refused(*stack.invoke_raw("SettleFunction", json.dumps(payload).encode()), "invalid_request", field)


@pytest.mark.parametrize("literal", LITERALS, ids=lambda text: text[:8])
@pytest.mark.parametrize(
    ("function", "field", "base"),
    [("AuthorizeFunction", "estimatedUsage", AUTHORIZE), ("SettleFunction", "actualUsage", SETTLE)],
)
def test_a_number_beyond_all_bounds_is_a_normal_refusal(
    stack: Stack, function: str, field: str, base: dict[str, Any], literal: str
) -> None:
    payload = json.dumps({**base, field: "HERE"}).replace('"HERE"', literal).encode()
    is_refused(*stack.invoke_raw(function, payload), "invalid_request", field)


@pytest.mark.parametrize("function", ["AuthorizeFunction", "SettleFunction", "DescribeKeyFunction"])
@pytest.mark.parametrize(
    "payload",
    [
        "null",
        "[]",
        '"x"',
        "1",
        "true",
        '{"Records": 1}',
        '{"Records": [], "a": 1}',
        '{"Records": [null]}',
        '{"Records": [{"body": "{}"}]}',
        '{"\\ud800": 1}',
        "",
    ],
)
def test_a_payload_of_another_shape_is_a_normal_refusal(stack: Stack, function: str, payload: str) -> None:
    answer, failure = stack.invoke_raw(function, payload.encode())
    assert failure is None
    assert (answer["statusCode"], answer["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("depth", [100, 900, 960, 970, 980, 990, 995, 1000, 5000, 200_000])
def test_brackets_without_end_are_a_normal_refusal(stack: Stack, depth: int) -> None:
    payload = b'{"a": ' + b"[" * depth + b"]" * depth + b"}"
    answer, failure = stack.invoke_raw("AuthorizeFunction", payload)
    assert failure is None
    assert (answer["statusCode"], answer["error"]["code"]) == (400, "invalid_request")
    assert answer["error"]["param"] in ({"a"} if depth < 900 else {"a", None})


@pytest.mark.parametrize("payload", [b"{", b'{"a": NaN}', b"Infinity", b"\xff", b"{} {}", b"{'a': 1}"])
def test_a_payload_that_is_no_json_is_refused_by_the_invoke_api(stack: Stack, payload: bytes) -> None:
    with pytest.raises(ClientError) as refused:
        stack.invoke_raw("AuthorizeFunction", payload)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("name", ["NoSuchFunction", "authorizefunction", "Authorize-Function", "AuthorizeFunctio"])
def test_an_unknown_function_is_not_found(stack: Stack, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        stack.invoke_raw(name, b"{}")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:SettleFunction"
OTHER_NAMES = ["AuthorizeFunction:$LATEST", "123456789012:function:AuthorizeFunction", "AuthorizeFunction:live"]


@pytest.mark.parametrize("qualified", [*OTHER_NAMES, f"{ARN}:live"])
def test_a_function_is_found_by_its_other_names(stack: Stack, qualified: str) -> None:
    assert stack.invoke(qualified, {})["statusCode"] == 400


@pytest.mark.parametrize(
    ("name", "qualifier", "version"),
    [("SettleFunction", "live", "1"), ("SettleFunction:live", "live", "1"), (ARN, "$LATEST", "$LATEST")],
)
def test_a_function_is_found_by_a_qualifier_beside_its_name(
    stack: Stack, name: str, qualifier: str, version: str
) -> None:
    answer = stack.lambda_client.invoke(FunctionName=name, Qualifier=qualifier, Payload=b"{}")
    assert json.loads(answer["Payload"].read())["statusCode"] == 400
    assert answer["ExecutedVersion"] == version


@pytest.mark.parametrize(
    "name", ["AuthorizeFunction:Live", "AuthorizeFunction:2", "PurchaseFunction:live", f"{ARN}:prod"]
)
def test_an_alias_that_a_function_does_not_have_is_not_found(stack: Stack, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        stack.invoke_raw(name, b"{}")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        stack.lambda_client.invoke(FunctionName="AuthorizeFunction", Qualifier="canary", Payload=b"{}")


def test_two_qualifiers_that_differ_are_refused(stack: Stack) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        stack.lambda_client.invoke(FunctionName="AuthorizeFunction:live", Qualifier="$LATEST", Payload=b"{}")


def mistyped(key: str) -> list[str]:
    """Keys that look like one that works."""
    swapped = key[:30] + key[31] + key[30] + key[32:]
    changed = [key[:at] + ("A" if key[at] != "A" else "B") + key[at + 1 :] for at in (10, 25, 30, 50, 69)]
    other = [key[:-1], key + "A", key + "\n", " " + key, key.upper(), key.replace("sk-custom-", ""), "ü" + key[1:]]
    return [k for k in (swapped, *changed, *other, "", "sk-custom-", "\x00", "x" * 100_000) if k != key]


def test_a_malformed_or_mistyped_key_is_refused_and_counts_nothing(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    before = stack.usage(account, bought["subscriptionId"])
    for number, key in enumerate(mistyped(bought["apiKey"])):
        answer = stack.authorize(key, f"r-{number}")
        is_refused(answer, None, "invalid_api_key", "apiKey")
        assert answer["error"]["type"] == "authentication_error"
    assert stack.usage(account, bought["subscriptionId"]) == before
    assert stack.authorize(bought["apiKey"], "r-1")["allowed"]


def test_an_authorization_that_was_never_issued_is_not_found(stack: Stack, new_account: NewAccount) -> None:
    issued = stack.authorize(stack.buy(new_account())["apiKey"], "r-1")["authorizationId"]
    middle = len(issued) // 2
    changed = issued[:middle] + ("A" if issued[middle] != "A" else "B") + issued[middle + 1 :]
    for forged in (
        "",
        "auth_",
        changed,
        issued + "A",
        issued[:-1],
        issued.upper(),
        "auth_" + "A" * 150,
        "ü",
        "x" * 9999,
    ):
        is_refused(stack.settle(forged, 1), None, "authorization_not_found", "authorizationId")
    assert stack.settle(issued, 1)["settled"]


def test_refusals_of_the_contract_come_with_status_and_reason(stack: Stack, new_account: NewAccount) -> None:
    key = stack.buy(new_account())["apiKey"]
    cases: list[tuple[dict[str, Any], int, str, str | None]] = [
        ({"modelId": "unheard-of"}, 403, "model_not_included", "modelId"),
        ({"channelTier": "basic"}, 403, "tier_not_included", "channelTier"),
        ({"estimatedUsage": 5_000_001}, 400, "request_exceeds_limit", "monthlyTokenCap"),
        ({"modelId": IMAGE_MODEL, "calls": 21}, 400, "request_exceeds_limit", "dailyCallLimit"),
        ({"estimatedUsage": 5_000_001, "calls": 51}, 400, "request_exceeds_limit", "monthlyTokenCap"),
    ]
    for fields, status, code, param in cases:
        answer = stack.invoke("AuthorizeFunction", {**AUTHORIZE, "apiKey": key, **fields})
        assert (answer["allowed"], answer["statusCode"]) == (False, status)
        assert (answer["error"]["code"], answer["error"]["param"]) == (code, param)
        assert "retryAfter" not in answer
