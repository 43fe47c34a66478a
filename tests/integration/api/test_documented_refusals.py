"""Refusals that the OpenAPI document lists and no other test of the handlers meets, each by the event of a caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from modelpass import schema
from modelpass.catalogue import items as catalogue_items
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.model import MAX_NEW_KEYS_PER_DAY, MAX_PURCHASES_PER_DAY
from tests.support.handlers import http_sample
from tests.support.stack import IMAGE_MODEL
from tests.support.world import DAY_MS

if TYPE_CHECKING:
    from tests.support.handlers import Service
    from tests.support.world import Clock


RENEWALS = pytest.mark.parametrize("name", ["renew", "quote-renewal"])


def expired(service: Service, clock: Clock, account: str) -> str:
    """A subscription whose term is over."""
    subscription_id: str = service.buy(account)["subscriptionId"]
    clock.now_ms += 31 * DAY_MS
    return subscription_id


@RENEWALS
def test_renewal_of_a_model_no_longer_on_sale_is_refused(
    service: Service, clock: Clock, account: str, name: str
) -> None:
    subscription_id = expired(service, clock, account)
    key = schema.primary_key(catalogue_items.model_key(IMAGE_MODEL))
    with service.stored("CatalogueTable", key):
        service.dynamodb.delete_item(TableName=service.tables["CatalogueTable"], Key=key)
        answer = service.http(name, account, subscription_id)
    assert (answer.status, answer.error) == (400, ("unknown_model", "models[1].modelId"))


@RENEWALS
def test_renewal_in_a_tier_no_longer_on_sale_is_refused(
    service: Service, clock: Clock, account: str, name: str
) -> None:
    subscription_id = expired(service, clock, account)
    key = schema.primary_key(catalogue_items.model_key(IMAGE_MODEL))
    item = service.dynamodb.get_item(TableName=service.tables["CatalogueTable"], Key=key)["Item"]
    others = {"M": {tier: price for tier, price in item["tiers"]["M"].items() if tier != "basic"}}
    with service.stored("CatalogueTable", key, tiers=others):
        answer = service.http(name, account, subscription_id)
    assert (answer.status, answer.error) == (400, ("tier_not_offered", "models[1].channelTier"))


def test_renewal_beside_another_active_subscription_is_refused(service: Service, clock: Clock, account: str) -> None:
    subscription_id = expired(service, clock, account)
    assert service.http("purchase", account, headers={"idempotency-key": "another"}).status == 201
    answer = service.http("renew", account, subscription_id)
    assert (answer.status, answer.error) == (409, ("active_subscription_exists", None))


@pytest.mark.parametrize("hours", [0, 23])
def test_eleventh_purchase_of_a_day_is_refused_until_the_next(
    service: Service, clock: Clock, account: str, hours: int
) -> None:
    expired(service, clock, account)
    clock.now_ms += hours * DAY_MS // 24
    bought = {
        "pd": schema.number(clock.now_ms // DAY_MS),
        "pn": schema.number(MAX_PURCHASES_PER_DAY),
    }
    with service.stored("SubscriptionsTable", schema.primary_key(subscription_items.slot_key(account)), **bought):
        answer = service.http("purchase", account, headers={"idempotency-key": "another"})
        assert (answer.status, answer.error) == (429, ("too_many_purchases", None))
        assert answer.json["retryAfter"] == (24 - hours) * 3600
        clock.now_ms += answer.json["retryAfter"] * 1000
        assert service.http("purchase", account, headers={"idempotency-key": "another"}).status == 201


@pytest.mark.parametrize("hours", [0, 23])
def test_new_key_beyond_those_of_a_day_is_refused_until_the_next(
    service: Service, clock: Clock, account: str, hours: int
) -> None:
    subscription_id = service.buy(account)["subscriptionId"]
    clock.now_ms += hours * DAY_MS // 24
    made = {"nd": schema.number(clock.now_ms // DAY_MS), "nn": schema.number(MAX_NEW_KEYS_PER_DAY)}
    with service.stored(
        "SubscriptionsTable", schema.primary_key(subscription_items.subscription_key(subscription_id)), **made
    ):
        answer = service.http("regenerate", account, subscription_id)
        assert (answer.status, answer.error) == (429, ("too_many_new_keys", None))
        assert answer.json["retryAfter"] == (24 - hours) * 3600
        assert answer.headers["Retry-After"] == str((24 - hours) * 3600)
        clock.now_ms += answer.json["retryAfter"] * 1000
        assert service.http("regenerate", account, subscription_id).status == 200


@pytest.mark.parametrize("ended", ["expired", "cancelled"])
def test_a_key_is_made_for_an_active_subscription_only(
    service: Service, clock: Clock, account: str, ended: str
) -> None:
    if ended == "expired":
        subscription_id = expired(service, clock, account)
    else:
        subscription_id = service.buy(account)["subscriptionId"]
        assert service.http("cancel", account, subscription_id).json["status"] == "cancelled"
    answer = service.http("regenerate", account, subscription_id)
    assert (answer.status, answer.error) == (403, (f"subscription_{ended}", None))


def test_plan_beside_an_active_subscription_is_refused(service: Service, account: str) -> None:
    service.buy(account)
    event = http_sample("put-plan", "acct_operator", pathParameters={"accountId": account})
    answer = service.answer("put-plan", event)
    assert (answer.status, answer.error) == (409, ("active_subscription_exists", None))


def test_correction_is_booked_once_and_its_key_is_good_for_one_body(service: Service, account: str) -> None:
    subscription_id = service.buy(account)["subscriptionId"]
    told = {"modelId": IMAGE_MODEL, "units": 5, "reason": "Counted twice."}
    operators = ("acct_operator", "acct_operator", "acct_another_operator")
    first, *again = (service.http("correct", who, subscription_id, body=json.dumps(told)) for who in operators)
    assert {(answer.status, answer.body) for answer in (first, *again)} == {(200, first.body)}
    assert [a.headers.get("Idempotent-Replayed") for a in (first, *again)] == [None, "true", "true"]
    answer = service.http("correct", "acct_operator", subscription_id, body=json.dumps({**told, "units": 6}))
    assert (answer.status, answer.error) == (422, ("idempotency_key_reused", "Idempotency-Key"))
