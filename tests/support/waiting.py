"""A world whose sales wait for approval, and what callers do with orders. Rule: refusals are given as their codes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelpass import schema
from modelpass.api.change_bodies import parse_change, parse_top_up
from modelpass.api.subscription_bodies import parse_extension, parse_purchase, parse_renewal
from modelpass.errors import Refused
from modelpass.subscriptions import answers, order_items
from modelpass.subscriptions.commands import cancel, confirm, key_view, order_ends, queries
from modelpass.subscriptions.commands.change import change
from modelpass.subscriptions.commands.extend import extend
from modelpass.subscriptions.commands.purchase import purchase
from modelpass.subscriptions.commands.renew import renew
from modelpass.subscriptions.commands.top_up import top_up
from tests.support.world import TEXT_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Outcome
    from modelpass.subscriptions.order_records import Order
    from tests.support.world import World

Json = dict[str, Any]
MINUTES = 60
LAPSES_MS = MINUTES * 60_000
BILLING = "billing"


def approving(world: World, minutes: int = MINUTES) -> World:
    """The same service with `SaleApproval=required`."""
    return replace(world, deps=world.deps._replace(sale_approval=True, order_minutes=minutes))


@dataclass(frozen=True, slots=True)
class Till:
    """What customers and the billing system ask of a world; each answer is JSON, or the code of a refusal."""

    world: World
    account: str = "acct"

    @property
    def deps(self) -> Deps:
        return self.world.deps

    def on(self, world: World) -> Till:
        return replace(self, world=world)

    def buy(self, key: str | None = None, **body: Any) -> Any:
        body.setdefault("models", [model()])
        return told(lambda: shown(purchase(self.deps, self.account, parse_purchase(body), key)))

    def renew(self, subscription_id: str, key: str | None = None) -> Any:
        return told(lambda: shown(renew(self.deps, self.account, subscription_id, parse_renewal({}), key)))

    def extend(self, subscription_id: str, months: int = 1, key: str | None = None) -> Any:
        asked = parse_extension({"months": months})
        return told(lambda: shown(extend(self.deps, self.account, subscription_id, asked, key)))

    def change(self, subscription_id: str, *models: Json, key: str | None = None) -> Any:
        asked = parse_change({"models": list(models)})
        return told(lambda: shown(change(self.deps, self.account, subscription_id, asked, key)))

    def top_up(self, subscription_id: str, units: int = 500, key: str | None = None) -> Any:
        asked = parse_top_up({"modelId": TEXT_MODEL, "units": units})
        return told(lambda: shown(top_up(self.deps, self.account, subscription_id, asked, key)))

    def confirm(self, order_id: str, reference: str = "pi_1") -> Any:
        return told(lambda: answers.order(*confirm.confirm(self.deps, order_id, reference)))

    def reject(self, order_id: str, reason: str = "No money.") -> Any:
        return told(lambda: answers.order(*order_ends.reject(self.deps, order_id, reason)))

    def withdraw(self, order_id: str, account: str | None = None) -> Any:
        return told(lambda: answers.order(*order_ends.withdraw(self.deps, account or self.account, order_id)))

    def cancel(self, subscription_id: str) -> Any:
        def ended() -> Json:
            found = cancel.cancel(self.deps, self.account, subscription_id)
            return answers.subscription(found, found.status(self.deps.now_ms()))

        return told(ended)

    def look(self, subscription_id: str) -> Any:
        return told(lambda: queries.get_subscription(self.deps, self.account, subscription_id))

    def uses(self, api_key: str, request_id: str = "r-1") -> str:
        """`allowed`, or the code of the refusal."""
        answer = self.world.authorize(api_key, request_id)
        return "allowed" if answer["allowed"] else str(answer["error"]["code"])

    def shows(self, api_key: str) -> Any:
        """What a key shows to whoever bears it."""
        return told(lambda: key_view.get_key(self.deps, api_key))

    def stored(self, order_id: str) -> Order:
        """An order as it is stored."""
        pair = order_items.key_of_id(order_id)
        assert pair is not None
        found = self.world.dynamodb.get_item(
            TableName=self.world.tables.subscriptions, Key=schema.primary_key(pair), ConsistentRead=True
        )
        return order_items.order_of(found["Item"])

    def status(self, order_id: str) -> str:
        """What has become of an order, at this moment."""
        return self.stored(order_id).status(self.world.clock.now_ms).value

    def told_of(self, order_id: str | None = None) -> list[str]:
        """How orders, or this one, came to where they are: the types of their events, in the order of the alphabet."""
        rows = self.world.all_items(self.world.tables.events)
        told = [row for row in rows if row["type"]["S"].startswith("order.")]
        of = [row for row in told if order_id in {None, json.loads(row["data"]["S"])["orderId"]}]
        return sorted(row["type"]["S"].removeprefix("order.") for row in of)

    def sold(self, subscription_id: str) -> list[str]:
        """What was told of a subscription's terms, without `subscription.`."""
        rows = self.world.all_items(self.world.tables.events)
        types = [row["type"]["S"] for row in rows if row["pk"]["S"] == subscription_id]
        return sorted(kind.removeprefix("subscription.") for kind in types if kind.startswith("subscription."))


def shown(outcome: Outcome) -> Json:
    """What the API shows of a sale, with the status of the HTTP answer left out."""
    return {**answers.outcome(outcome), **({"replayed": True} if outcome.replayed else {})}


def told(call: Callable[[], Json]) -> Any:
    """What a call gives, or the code it is refused with."""
    try:
        return call()
    except Refused as refused:
        return refused.refusal.code.code
