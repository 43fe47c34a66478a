"""A stack whose tokens are an identity provider's: roles in a namespaced list, and organisations as accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local import settings
from local.apigateway import jwts
from local.dynamodb.provisioning import client
from local.machine import ROOT
from tests.support import leaks
from tests.support import stack as support
from tests.support.stack import PURCHASE_BODY, TEXT_MODEL, run_to_end

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.stack import Answer, Json, Stack

ROLES, ORGANISATION = "https://example.com/roles", "https://example.com/org_id"
PARAMETERS = f"OperatorClaim={ROLES} OperatorValue=Model.Operator AccountClaim={ORGANISATION} JwtAudience=one,two"
TIER = f"/v1/models/{TEXT_MODEL}/tiers/basic/availability"
UP = {"available": True}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("provider")


@pytest.fixture(scope="module")
def stack(engine: str, data: Path) -> Iterator[Stack]:
    with support.running(AWS_ENDPOINT_URL_DYNAMODB=engine, DATA=str(data), PARAMETERS=PARAMETERS) as running:
        yield running


def bearer(**claims: Any) -> str:
    audiences = ["two", "modelpass-operators"] if ROLES in claims else ["two"]  # by these one address tells two APIs
    token = jwts.issue(jwts.signing_key(settings.key_folder()), claims, "https://issuer.example", audiences)
    leaks.keep_bearer(token)
    return f"Bearer {token}"


def ask(stack: Stack, method: str, path: str, claims: Json, body: object = None) -> Answer:
    return stack.api(method, path, "nobody", body, Authorization=bearer(**claims))


def test_members_of_an_organisation_share_an_account(stack: Stack) -> None:
    bought = ask(stack, "POST", "/v1/subscriptions", {"sub": "ada", ORGANISATION: "org_1"}, PURCHASE_BODY)
    assert bought.status == 201, bought
    path = f"/v1/subscriptions/{bought.json['subscriptionId']}"
    assert ask(stack, "GET", path, {"sub": "bob", ORGANISATION: "org_1"}).status == 200
    assert ask(stack, "GET", path, {"sub": "ada", ORGANISATION: "org_2"}).status == 404
    second = ask(stack, "POST", "/v1/subscriptions", {"sub": "bob", ORGANISATION: "org_1"}, PURCHASE_BODY)
    assert (second.status, second.error["code"]) == (409, "active_subscription_exists")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {ORGANISATION: ["org_1"]},
        {ORGANISATION: ["org_1", "org_2"]},
        {ORGANISATION: {"id": "org_1"}},
        {"org_id": "x"},
    ],
    ids=str,
)
def test_token_without_one_organisation_has_no_account(stack: Stack, claims: Json) -> None:
    answer = ask(stack, "GET", "/v1/subscriptions", {"sub": "ada", **claims})
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_request", ORGANISATION)


def test_operator_is_known_by_the_role_and_needs_no_organisation(stack: Stack) -> None:
    for roles in (["Model.Operator"], ["Model.Read", "Model.Operator"], "Model.Read Model.Operator"):
        assert ask(stack, "PUT", TIER, {"sub": "ops", ROLES: roles}, UP).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "Model.Operator"},
        {"scope": "operator"},
        {ROLES: ["Model.Operators"]},
        {ROLES: ["model.operator"]},
        {ROLES: {"roles": ["a", "Model.Operator", "b"]}},
        {ROLES: [["a", "Model.Operator", "b"]]},
        {ROLES: True},
        {ROLES: None},
    ],
    ids=str,
)
def test_whoever_lacks_the_role_is_no_operator(stack: Stack, claims: Json) -> None:
    answer = ask(stack, "PUT", TIER, {"sub": "ada", ORGANISATION: "org_1", **claims}, UP)
    assert (answer.status, answer.error["code"]) == (403, "forbidden")


def test_line_names_the_organisation_and_of_an_operator_the_subject(stack: Stack, data: Path) -> None:
    ask(stack, "GET", "/v1/subscriptions", {"sub": "zoe", ORGANISATION: "org_lines"})
    ask(stack, "PUT", "/v1/accounts/org_lines/plan-subscription", {"sub": "ops_lines", ROLES: ["Model.Operator"]}, {})
    lines = [json.loads(line) for line in (data / "functions.log").read_text("utf-8").splitlines()]
    named = {(line["command"], line["accountId"], line.get("operatorId")) for line in lines if "org_lines" in str(line)}
    assert named == {("subscriptions", "org_lines", None), ("plan", "org_lines", "ops_lines")}


def test_correction_is_noted_with_the_subject_of_whoever_made_it(stack: Stack, engine: str) -> None:
    bought = ask(stack, "POST", "/v1/subscriptions", {"sub": "ada", ORGANISATION: "org_3"}, PURCHASE_BODY).json
    path = f"/v1/subscriptions/{bought['subscriptionId']}/corrections"
    body = {"modelId": TEXT_MODEL, "units": 5, "at": stack.now(), "reason": "reported twice"}
    operator = bearer(**{"sub": "ops", ROLES: ["Model.Operator"], ORGANISATION: ["org_1", "org_2"]})
    made = stack.api("POST", path, "nobody", body, Authorization=operator, Idempotency_Key="ticket-1")
    assert made.status == 200, made
    history = stack.send("GET", "/_local/store").json["tables"]["history"]
    rows = client(engine).scan(TableName=history, ConsistentRead=True)["Items"]
    mine = [row for row in rows if row["sk"]["S"].startswith("correction#") and path.split("/")[3] in row["pk"]["S"]]
    assert [row["operator"]["S"] for row in mine] == ["ops"]


def test_printed_tokens_fit_the_stack(stack: Stack) -> None:
    def printed(**environment: str) -> str:
        result = run_to_end(ROOT, "local", "token", PARAMETERS=PARAMETERS, **environment)
        assert (result.returncode, result.stderr) == (0, "")
        return f"Bearer {result.stdout.strip()}"

    customer, operator = printed(ACCOUNT="org_5"), printed(ACCOUNT="ops", SCOPE="operator")
    assert stack.api("GET", "/v1/subscriptions", "nobody", Authorization=customer).json["subscriptions"] == []
    assert stack.api("PUT", TIER, "nobody", UP, Authorization=customer).status == 403
    assert stack.api("PUT", TIER, "nobody", UP, Authorization=operator).status == 200
    listed = printed(ACCOUNT="ops", CLAIMS=json.dumps({ROLES: ["a", "Model.Operator"], ORGANISATION: None}))
    assert stack.api("PUT", TIER, "nobody", UP, Authorization=listed).status == 200
