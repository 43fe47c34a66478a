"""What every sale to a subscription refuses: each kind of sale meets each refusal, over HTTP, and sells nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from modelpass import schema
from modelpass.catalogue import items as catalogue_items
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.model import MAX_SALES_PER_DAY
from tests.support.handlers import sample
from tests.support.world import DAY_MS, IMAGE_MODEL

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.support.handlers import Answer, Service
    from tests.support.world import Clock

TO_A_RUNNING_TERM: Final = ("change", "extend", "top-up")
SALES: Final = pytest.mark.parametrize("name", [*TO_A_RUNNING_TERM, "renew"])
RUNNING: Final = pytest.mark.parametrize("name", TO_A_RUNNING_TERM)
TOPPED_UP: Final = {"modelId": IMAGE_MODEL, "units": 5}
BODIES: Final = {"top-up": json.dumps(TOPPED_UP)}
"""Where the sample's body is not of the model that is taken from the catalogue below."""
ANOTHER_TIER: Final = [{**m, "channelTier": "stable"} for m in json.loads(sample("purchase")["body"])["models"]]
QUOTED: Final = {"renew": {"renew": {}}, "extend": {"extend": {"months": 1}}, "top-up": {"topUp": TOPPED_UP}}
OF_THE_LIST: Final = ("models[1].modelId", "models[1].channelTier")
NAMED: Final = {
    "renew": (OF_THE_LIST,) * 2,
    "extend": (OF_THE_LIST,) * 2,
    "top-up": (("modelId",) * 2, ("topUp.modelId",) * 2),
}
"""What a sale, and its quote, name where the model is not on sale, and where the tier is not offered."""


def sell(service: Service, name: str, account: str, subscription_id: str, **changes: Any) -> Answer:
    if name in BODIES:
        changes = {"body": BODIES[name], **changes}
    return service.http(name, account, subscription_id, **changes)


def ready(service: Service, clock: Clock, account: str, name: str) -> str:
    """A subscription to which this may be sold: a renewal needs one whose term is over."""
    subscription_id: str = service.buy(account)["subscriptionId"]
    if name == "renew":
        clock.advance(31 * DAY_MS)
    return subscription_id


def slot_of(service: Service, account: str, **changed: Any) -> AbstractContextManager[None]:
    """The account's place with some attributes changed, for a while."""
    key = schema.primary_key(subscription_items.slot_key(account))
    return service.stored("SubscriptionsTable", key, **changed)


def assert_nothing_was_sold(service: Service, account: str) -> None:
    kinds = [order["kind"] for order in service.http("get-orders", account).json["orders"]]
    assert kinds == ["purchase"]


@RUNNING
def test_sale_while_something_else_holds_the_place_is_refused(
    service: Service, clock: Clock, account: str, name: str
) -> None:
    subscription_id = ready(service, clock, account, name)
    with slot_of(service, account, id=schema.text("sub_" + "b" * 24)):
        answer = sell(service, name, account, subscription_id)
    assert (answer.status, answer.error) == (409, ("active_subscription_exists", None))
    assert_nothing_was_sold(service, account)


@SALES
def test_sale_beyond_those_of_a_day_is_refused_until_the_next(
    service: Service, clock: Clock, account: str, name: str
) -> None:
    subscription_id = ready(service, clock, account, name)
    today = {"pd": schema.number(clock.now_ms // DAY_MS), "sn": schema.number(MAX_SALES_PER_DAY)}
    with slot_of(service, account, **today):
        answer = sell(service, name, account, subscription_id)
        assert (answer.status, answer.error) == (429, ("too_many_purchases", None))
        assert answer.headers["Retry-After"] == str(answer.json["retryAfter"])
        assert_nothing_was_sold(service, account)
        clock.advance(answer.json["retryAfter"] * 1000)
        assert sell(service, name, account, subscription_id).status < 300


def test_extension_that_would_be_too_long_is_refused_and_quoted_as_such(service: Service, account: str) -> None:
    subscription_id = service.buy(account)["subscriptionId"]
    sold = service.http("extend", account, subscription_id, body='{"months": 12}')
    told = service.http("quote-renewal", account, subscription_id, body='{"extend": {"months": 12}}')
    assert (sold.status, sold.error) == (400, ("term_too_long", "months"))
    assert (told.status, told.error) == (400, ("term_too_long", "extend.months"))
    assert_nothing_was_sold(service, account)


@RUNNING
@pytest.mark.parametrize("ended", ["expired", "cancelled"])
def test_sale_to_a_term_that_has_ended_is_refused(
    service: Service, clock: Clock, account: str, name: str, ended: str
) -> None:
    subscription_id = service.buy(account)["subscriptionId"]
    if ended == "expired":
        clock.advance(31 * DAY_MS)
    else:
        service.http("cancel", account, subscription_id)
    for answer in (
        sell(service, name, account, subscription_id),
        service.http("quote-renewal", account, subscription_id, body='{"extend": {"months": 1}}'),
        service.http("update", account, subscription_id, body='{"autoRenew": true}'),
    ):
        assert (answer.status, answer.error) == (403, (f"subscription_{ended}", None))
    assert_nothing_was_sold(service, account)


@pytest.mark.parametrize("name", QUOTED)
def test_sale_of_a_model_or_tier_no_longer_on_sale_is_refused_and_quoted_as_such(
    service: Service, clock: Clock, account: str, name: str
) -> None:
    subscription_id = ready(service, clock, account, name)
    key = schema.primary_key(catalogue_items.model_key(IMAGE_MODEL))
    item = service.dynamodb.get_item(TableName=service.tables["CatalogueTable"], Key=key)["Item"]
    others = {"M": {tier: price for tier, price in item["tiers"]["M"].items() if tier != "basic"}}
    (sold_model, sold_tier), (told_model, told_tier) = NAMED[name]
    quoted = json.dumps(QUOTED[name])
    with service.stored("CatalogueTable", key, tiers=others):
        sold = sell(service, name, account, subscription_id)
        told = service.http("quote-renewal", account, subscription_id, body=quoted)
        assert (sold.status, sold.error) == (400, ("tier_not_offered", sold_tier))
        assert (told.status, told.error) == (400, ("tier_not_offered", told_tier))
        service.dynamodb.delete_item(TableName=service.tables["CatalogueTable"], Key=key)
        sold = sell(service, name, account, subscription_id)
        told = service.http("quote-renewal", account, subscription_id, body=quoted)
        assert (sold.status, sold.error) == (400, ("unknown_model", sold_model))
        assert (told.status, told.error) == (400, ("unknown_model", told_model))
    assert_nothing_was_sold(service, account)


def test_change_to_a_tier_that_is_not_offered_is_refused_by_its_line(
    service: Service, clock: Clock, account: str
) -> None:
    subscription_id = ready(service, clock, account, "change")
    key = schema.primary_key(catalogue_items.model_key(IMAGE_MODEL))
    item = service.dynamodb.get_item(TableName=service.tables["CatalogueTable"], Key=key)["Item"]
    only = {"M": {"basic": item["tiers"]["M"]["basic"]}}
    with service.stored("CatalogueTable", key, tiers=only):
        answer = sell(service, "change", account, subscription_id, body=json.dumps({"models": ANOTHER_TIER}))
    assert (answer.status, answer.error) == (400, ("tier_not_offered", "models[1].channelTier"))
    assert_nothing_was_sold(service, account)


@SALES
def test_idempotency_key_of_a_sale_is_good_for_one_body(
    service: Service, clock: Clock, account: str, name: str
) -> None:
    subscription_id = ready(service, clock, account, name)
    assert sell(service, name, account, subscription_id).status < 300
    again = json.loads(BODIES.get(name) or sample(name).get("body", "{}"))
    answer = sell(service, name, account, subscription_id, body=json.dumps({**again, "expectedTotal": "7777.00"}))
    assert (answer.status, answer.error) == (422, ("idempotency_key_reused", "Idempotency-Key"))


@SALES
def test_renewal_while_suspended_is_refused_and_every_other_sale_is_made(
    service: Service, clock: Clock, account: str, name: str
) -> None:
    bought = service.buy(account)
    assert service.http("suspend", "operator", bought["subscriptionId"]).status == 200
    assert service.http("regenerate", account, bought["subscriptionId"]).error == ("subscription_suspended", None)
    for asked in ("get-key", "get-key-models"):
        headers = {"authorization": f"Bearer {bought['apiKey']}"}
        told = service.http(asked, "", headers=headers)
        assert (told.status, told.error) == (403, ("subscription_suspended", None))
    if name == "renew":
        clock.advance(31 * DAY_MS)
    answer = sell(service, name, account, bought["subscriptionId"])
    if name == "renew":
        assert (answer.status, answer.error) == (403, ("subscription_suspended", None))
    else:
        assert answer.status < 300
