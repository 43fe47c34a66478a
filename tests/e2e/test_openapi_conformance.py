"""schemathesis, from the document, against the running stack. Rule: every answer is listed, and none is a 5xx.

For each operation it sends the examples, the boundaries of every schema and random values, valid and invalid ones, the
same in every run. Ids that are well-formed are replaced by existing ones, so that calls get past the first check.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import FuzzingPhaseData
from schemathesis.specs.openapi.checks import negative_data_rejection

from contract.openapi.document import FILE
from modelpass.api.claims import DEFAULTS
from modelpass.api.subscription_bodies import TIME_ZONE_FORMAT, time_zones
from modelpass.ids import MODEL_ID_PATTERN, SUBSCRIPTION_ID_PATTERN
from modelpass.order_ids import ORDER_ID_PATTERN, order_id_of
from tests.support import documented
from tests.support import stack as support
from tests.support.stack import IMAGE_MODEL, TEXT_MODEL, jwt_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemathesis import Case, CheckContext, Response

    from tests.support.stack import Stack

EXAMPLES: Final = 25
EXPIRED: Final = 12
OWN_MODEL: Final = "conformance"
"""The model that operators' calls change: no other test uses it."""
CURRENCY: Final = "USD"
WELL_FORMED: Final = {
    "subscriptionId": SUBSCRIPTION_ID_PATTERN,
    "modelId": MODEL_ID_PATTERN,
    "orderId": ORDER_ID_PATTERN,
}
BY_KEY: Final = "apiKey"
"""The scheme of calls that bring an API key and no token."""
MONTH_SECONDS: Final = 32 * 86_400
DOCUMENT: Final[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
NOT_CHECKED: Final = {
    "unsupported_method": "an unknown method is an unknown route here, as API Gateway has it: 404 in the envelope",
    "positive_data_acceptance": "what is not on sale is 400 as well: `well_formed_is_read` asks for the code",
    "negative_data_rejection": "`invalid_is_refused` is this check, less the cases in which nothing is invalid",
    "max_response_time": "a shared machine says nothing of time",
}
OF_EVERY_CALL: Final = {"X-Request-Reason": "characters, not bytes, and those of UTF-8 that can be printed"}
_CURSOR = {"cursor": "only what a page gave is a cursor"}
_LABEL = {"label": "all of it is printable"}
_TAGS = {"If-Match": "the tool makes headers that its pattern does not take", "If-None-Match": "likewise"}
SENSE: Final[dict[str, dict[str, str]]] = {
    "listModels": {**_CURSOR},
    "listOrders": {**_CURSOR},
    "listOrdersOfSubscription": {**_CURSOR},
    "listPendingOrders": {**_CURSOR},
    "listSubscriptionsOfAccount": {**_CURSOR, "accountId": "bytes, not characters"},
    "listOrdersOfAccount": {**_CURSOR, "accountId": "bytes, not characters"},
    "purchase": {**_LABEL},
    "quote": {**_LABEL},
    "updateSubscription": {**_LABEL},
    "quoteSale": {
        **dict.fromkeys(("renew", "extend", "change", "topUp"), "one of them"),
        "modelId": "one that is in force",
        "units": "as many as may be bought",
    },
    "change": {"models": "as many as may be in force, within their limits"},
    "topUp": {"modelId": "one that is in force", "units": "as many as may be bought"},
    "listSubscriptions": {**_CURSOR},
    "listEvents": {**_CURSOR},
    "getHistory": {**_CURSOR, "from": "a range has an order and a length", "to": "a range has an order and a length"},
    "correctUsage": {
        "units": "0 corrects nothing",
        "calls": "0 corrects nothing, and a day has a limit",
        "at": "a time of the subscription",
        "modelId": "one of its models",
    },
    "withdrawModel": {**_TAGS},
    "putModel": {
        **_TAGS,
        "modelId": "that of the path",
        "kind": "a model keeps its kind",
        "unit": "it follows from the kind",
        "tiers": "each once, all in the catalogue's currency, available as they are",
        "limits": "the lower bound is not above the upper one",
    },
    "setAvailability": {"reason": "wanted when a tier is taken down"},
    "putPlanSubscription": {
        "expiresAt": "a time to come",
        "accountId": "bytes, not characters",
        "asOf": "not later than now",
    },
    "getPlanSubscription": {"accountId": "bytes, not characters"},
    "deletePlanSubscription": {"accountId": "bytes, not characters", "asOf": "not later than now"},
}
"""What a schema cannot say of a field: it may be refused as `invalid_request` though it is well-formed."""

schemathesis.openapi.format(TIME_ZONE_FORMAT, st.sampled_from(sorted(time_zones())))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.config.generation.update(with_security_parameters=False)  # a case brings a token, `ignored_auth` takes it away


def answer_is_listed(_: CheckContext, response: Response, __: Case[Any]) -> None:
    """Status, body and each header, by the checks that hold every other test's answers to the document."""
    headers = {name: ", ".join(values) for name, values in response.headers.items()}
    method, path = str(response.request.method), urlsplit(str(response.request.url)).path
    documented.check(documented.kept().route_of(method, path), response.status_code, headers, response.content)


def invalid_is_refused(context: CheckContext, response: Response, case: Case[Any]) -> None:
    """What the document calls invalid is refused. A case that was to be so may just lack its optional body.

    A body of white space alone is none.
    """
    sent = response.request.body
    if isinstance(sent, (bytes, str)) and not sent.strip():
        return
    by_chance = case.meta.phase.data if case.meta is not None else None
    if not isinstance(by_chance, FuzzingPhaseData) or by_chance.mutations:
        negative_data_rejection(context, response, case)


def well_formed_is_read(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """What the document calls valid is never refused for its shape."""
    if is_valid(case) and response.status_code == 400:
        error, sense = response.json()["error"], SENSE.get(case.operation.definition.raw["operationId"], {})
        sense = {**OF_EVERY_CALL, **sense}
        for_its_sense = re.split(r"[.\[]", str(error["param"]))[0] in sense
        assert error["code"] != "invalid_request" or for_its_sense, f"valid data was refused: {error}"


def operators_calls_want_the_scope(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """A customer who calls an operator's operation is refused, whatever else is wrong."""
    (needed,) = case.operation.definition.raw["security"]
    is_call = case.method.upper() == case.operation.method.upper()  # and not one with a method that is not there
    if DEFAULTS.operator_value in needed.get("jwt", ()) and is_call and response.request.headers["X-Who"] == "customer":
        assert response.status_code in (403, 413), f"a customer's call was answered {response.status_code}"


CHECKED: list[Any] = [check for check in CHECKS.get_all() if check.__name__ not in NOT_CHECKED]
CHECKED += [answer_is_listed, invalid_is_refused, well_formed_is_read, operators_calls_want_the_scope]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack and an engine alone: what is sent here offers models, takes tiers down and moves the clock."""
    with support.running(DATA=str(tmp_path_factory.mktemp("conformance"))) as running:
        running.move_clock(advanceSeconds=0)
        yield running


@pytest.fixture(scope="module")
def expired(stack: Stack) -> Iterator[tuple[str, str]]:
    """Accounts with an expired subscription; the last one comes again and again."""
    bought = [(account, stack.buy(account)["subscriptionId"]) for account in (f"acct_old_{n}" for n in range(EXPIRED))]
    stack.move_clock(advanceSeconds=MONTH_SECONDS)
    while stack.send("POST", "/_local/schedule/ResetFunction").json["more"]:
        pass  # every expiry is told now, and none in the middle of another test
    return itertools.chain(bought, itertools.repeat(bought[-1]))


@pytest.fixture(scope="module", autouse=True)
def own_model(stack: Stack) -> Iterator[None]:
    """A model for operators' calls, which is withdrawn in the end."""
    (put,) = DOCUMENT["paths"]["/v1/models/{modelId}"]["put"]["requestBody"]["content"].values()
    body = json.dumps(next(iter(put["examples"].values()))["value"]).encode()
    token = {
        "Authorization": f"Bearer {jwt_of('acct_operator', DEFAULTS.operator_value)}",
        "Content-Type": "application/json",
    }
    assert stack.send("PUT", f"/v1/models/{OWN_MODEL}", body, token).status == 200
    yield
    assert stack.send("DELETE", f"/v1/models/{OWN_MODEL}", None, token).status == 204


@pytest.fixture(scope="module")
def looked_at(stack: Stack, expired: Iterator[tuple[str, str]]) -> tuple[str, Any]:  # noqa: ARG001 - it moves the clock
    """An account, and what it bought, for calls that change nothing: they need no purchase of their own."""
    return "acct_looked_at", stack.buy("acct_looked_at")


@pytest.mark.parametrize("who", ["customer", "operator"])
@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_every_answer_is_one_that_the_document_lists(
    case: Case[Any],
    stack: Stack,
    expired: Iterator[tuple[str, str]],
    looked_at: tuple[str, Any],
    new_account: Callable[[], str],
    who: str,
) -> None:
    # The tool encodes once: API Gateway would cut the path there, and what is left is another call.
    assume(re.search(r"\?|%3F", str((case.path_parameters or {}).values())) is None)
    by_key = BY_KEY in case.operation.definition.raw["security"][0]
    if case.operation.method.upper() == "GET" or case.path.endswith("/quotes"):
        account, bought = looked_at
    elif case.path.endswith("/renew"):
        account, subscription_id = next(expired)
        bought = {"subscriptionId": subscription_id}
    else:
        account = new_account()
        bought = stack.buy(account) if re.search(r"\{(subscription|order)Id}", case.path) else {}
    bears = bought["apiKey"] if by_key else jwt_of(account, DEFAULTS.operator_value if who == "operator" else "")
    if "{orderId}" in case.path:
        name_what_exists(case.path_parameters, "orderId", order_id_of(bought["subscriptionId"], 1))
    if "{subscriptionId}" in case.path:
        name_what_exists(case.path_parameters, "subscriptionId", bought["subscriptionId"])
    name_what_exists(case.path_parameters, "modelId", OWN_MODEL, always=True)
    if isinstance(case.body, dict) and isinstance(case.body.get("models"), list):
        name_models(case.body)
    if is_valid(case):
        case.body = as_whole_numbers(case.body)
        name_currency(case.body)
    headers = {"Authorization": f"Bearer {bears}", "X-Who": who}
    case.call_and_validate(base_url=stack.url, headers=headers, checks=CHECKED)


def is_valid(case: Case[Any]) -> bool:
    """Whether the case is as the document wants it."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def as_whole_numbers(value: Any) -> Any:
    """JSON Schema takes 1.0 for a whole number. The contract does not, and the document says so in words."""
    if isinstance(value, dict):
        return {name: as_whole_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def name_models(body: Any) -> None:
    """Let a purchase name what is on sale; of two that name more, let one go without the rest."""
    for model, known in zip(body["models"], (TEXT_MODEL, IMAGE_MODEL), strict=False):
        name_what_exists(model, "modelId", known)
    if is_chosen(repr(body), 2):
        del body["models"][2:]


def name_currency(body: Any) -> None:
    """Let an offer have the catalogue's currency, or nothing else of it is looked at."""
    for tier in body.get("tiers", ()) if isinstance(body, dict) else ():
        tier["price"]["currency"] = CURRENCY


def name_what_exists(names: Any, field: str, known: str, *, always: bool = False) -> None:
    """Of three well-formed names, let two be one that exists, or all; leave what is not well-formed as it is."""
    name = names.get(field) if isinstance(names, dict) else None
    is_name = isinstance(name, str) and re.fullmatch(WELL_FORMED[field], name) is not None
    if is_name and (always or not is_chosen(str(name), 3)):
        names[field] = known


def is_chosen(text: str, one_in: int) -> bool:
    """One in so many, and always the same ones."""
    return crc32(text.encode("utf-8", "backslashreplace")) % one_in == 0


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
)
@pytest.mark.parametrize("authorization", [None, "Bearer x.y.z"])
def test_no_operation_answers_without_a_token(stack: Stack, method: str, path: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = stack.send(method.upper(), path.replace("{", "").replace("}", ""), None, headers)
    assert answer.status == 401
    if BY_KEY in DOCUMENT["paths"][path][method]["security"][0]:  # whose function asks for the key
        assert answer.json["error"]["code"] == "invalid_api_key"
    else:
        assert answer.json == {"message": "Unauthorized"}
