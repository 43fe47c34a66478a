"""`GET /v1/pending-orders`: what waits, of all accounts, as it is at the moment of asking, by handlers as deployed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from local.cloudformation.template import read, secret_values
from local.machine import ROOT
from modelpass import schema
from modelpass.encoding import base64url
from modelpass.subscriptions.commands import pending_orders
from tests.support.handlers import Answer, Service, deployed_on, deployed_on_failing_store, http_sample
from tests.support.lines import recorded
from tests.support.world import expanded_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.handlers import Json
    from tests.support.world import Clock

pytestmark = pytest.mark.usefixtures("clock")
NAME = "look-at-pending-orders"
HOUR_MS = 3_600_000


@pytest.fixture
def shop(engine: str) -> Iterator[Service]:
    """A service of its own whose sales wait."""
    expanded = copy.deepcopy(expanded_template())
    expanded["Parameters"]["SaleApproval"]["Default"] = "required"
    with deployed_on(engine) as made:
        made.template = read(expanded, ROOT, secret_values(expanded))
        yield made


def ask(service: Service, **query: str) -> Answer:
    changes: dict[str, Any] = {"queryStringParameters": query} if query else {}
    return service.http(NAME, "anna", **changes)


def buy(service: Service, account: str) -> Json:
    """The order of a purchase that waits, as an operator is to be shown it."""
    answer = service.http("purchase", account)
    assert answer.status == 202
    return {"accountId": account, **answer.json["order"]}


def followed(service: Service, limit: int) -> tuple[list[Json], int]:
    """All pages, and how many there were."""
    found: list[Json] = []
    query = {"limit": str(limit)}
    for number in range(1, 100):
        page = ask(service, **query).json
        assert len(page["orders"]) <= limit
        found += page["orders"]
        if page["next"] is None:
            return found, number
        query["cursor"] = page["next"]
    raise AssertionError(found)


def test_orders_of_all_accounts_are_listed_by_when_they_lapse_and_each_once(shop: Service, clock: Clock) -> None:
    assert ask(shop).json == {"orders": [], "next": None}
    bought = []
    for number in range(5):
        bought.append(buy(shop, f"acct_{number}"))
        clock.advance(60_000)
    assert ask(shop).json == {"orders": bought, "next": None}
    for limit in (1, 2, 5):
        assert followed(shop, limit)[0] == bought


def test_orders_of_one_millisecond_are_listed_once_each(shop: Service) -> None:
    bought = sorted((buy(shop, f"acct_{number}") for number in range(5)), key=lambda order: order["orderId"])
    assert ask(shop).json["orders"] == bought
    assert followed(shop, 2) == (bought, 3)


def test_order_is_gone_from_the_list_the_moment_it_ends(shop: Service, clock: Clock) -> None:
    orders = [buy(shop, name) for name in ("confirmed", "rejected", "withdrawn")]
    clock.advance(1)
    last = buy(shop, "lapsing")
    for name, order in zip(("confirm-order", "reject-order", "withdraw-order"), orders, strict=True):
        assert order in ask(shop).json["orders"]
        who = order["accountId"] if name == "withdraw-order" else "billing"
        assert shop.http(name, who, order["subscriptionId"]).status == 200
        assert order not in ask(shop).json["orders"]
    clock.advance(HOUR_MS - 1)
    assert ask(shop).json == {"orders": [last], "next": None}
    clock.advance(1)
    assert ask(shop).json == {"orders": [], "next": None}  # by the clock alone: no reset has run


def test_order_that_the_index_still_names_is_read_and_left_out(shop: Service) -> None:
    kept, ended = buy(shop, "acct_1"), buy(shop, "acct_2")
    send = shop.module("LookFunction").deps.send
    behind: list[Any] = []

    def lagging(operation: str, request: Any) -> Any:
        if operation == "BatchGetItem" and not behind:  # the index has been read: now the order ends
            behind.append(shop.http("reject-order", "billing", ended["subscriptionId"]))
        return send(operation, request)

    with shop.sending("LookFunction", lagging):
        answer = shop.answer(NAME, http_sample(NAME, "anna"))
    assert [one.status for one in behind] == [200]
    assert answer.json == {"orders": [kept], "next": None}


@pytest.mark.parametrize("most", [1, 2, 3])
def test_shard_with_more_than_is_read_at_once_is_followed_to_its_end(
    shop: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(schema, "DUE_SHARDS", 1)
    monkeypatch.setattr(pending_orders, "_MOST_KEYS", most)
    bought = []
    for number in range(4):
        bought += sorted((buy(shop, f"acct_{number}_{n}") for n in "ab"), key=lambda order: order["orderId"])
        clock.advance(1000)
    found, pages = followed(shop, 100)
    assert found == bought
    assert pages > 1


def test_other_items_that_are_due_soon_are_passed_over(shop: Service, clock: Clock) -> None:
    body = f'{{"planId": "gold", "expiresAt": "{"2026-11-23T00:30:00Z"}"}}'
    assert shop.http("put-plan", "anna", pathParameters={"accountId": "planned"}, body=body).status == 200
    order = buy(shop, "acct_1")
    clock.advance(1)
    assert ask(shop).json == {"orders": [order], "next": None}


def test_order_that_cannot_be_read_spoils_no_other(shop: Service) -> None:
    kept, spoiled = buy(shop, "acct_1"), buy(shop, "acct_2")
    table = shop.module("LookFunction").deps.tables.subscriptions
    key = {"pk": {"S": spoiled["subscriptionId"]}, "sk": {"S": "order#000001"}}
    shop.module("LookFunction").deps.send(
        "UpdateItem",
        {
            "TableName": table,
            "Key": key,
            "UpdateExpression": "SET #v = :v",
            "ExpressionAttributeNames": {"#v": "v"},
            "ExpressionAttributeValues": {":v": {"N": "99"}},
        },
    )
    with recorded() as output:
        answer = ask(shop)
    assert answer.json == {"orders": [kept], "next": None}
    assert [line["message"] for line in output.lines()] == ["unreadable_item", "decided"]


def test_look_costs_a_query_of_each_shard_and_one_read_of_what_is_shown(shop: Service) -> None:
    with recorded() as output:
        ask(shop)
    assert (output.only()["storeRequests"], output.only()["readUnits"]) == (128, 64.0)
    orders = [buy(shop, f"acct_{number}") for number in range(3)]
    with recorded() as output:
        assert len(ask(shop, limit="2").json["orders"]) == 2
    line = output.only()
    assert (line["storeRequests"], line["readUnits"], line["operatorId"]) == (129, 66.0, "anna")
    assert "accountId" not in line
    assert len(orders) == 3


@pytest.mark.parametrize(
    ("query", "param"),
    [
        *(({"limit": value}, "limit") for value in ("0", "101", "x")),
        *(({"cursor": value}, "cursor") for value in ("x", base64url(b"1#"), base64url(b"0" * 15))),
        ({"cursor": base64url(b"0" * 15 + b"#order#000001")}, "cursor"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_page_that_is_none_is_refused_by_name(service: Service, query: dict[str, str], param: str) -> None:
    answer = ask(service, **query)
    assert (answer.status, answer.error) == (400, ("invalid_request", param))


def test_store_that_is_busy_is_told_as_temporary(service: Service) -> None:
    with deployed_on_failing_store(400, "ThrottlingException", service.template) as busy, busy.impatient(NAME):
        answer = ask(busy)
    assert (answer.status, answer.error, answer.headers["Retry-After"]) == (503, ("temporarily_unavailable", None), "1")
