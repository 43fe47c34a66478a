"""The second story of the demo: a subscription that lives. Rule: every figure is checked before it is shown.

One account's subscription is extended, changed, topped up, suspended, corrected, and goes on by itself; what it pays is
kept as orders. A month of 50 calls a day and 5,000,000 tokens costs 29.00, one with 8,000,000 tokens 38.00.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local.demo.narrator import check
from local.demo.performance import (
    IMAGE,
    SUBSCRIPTIONS,
    TEXT,
    Performance,
    daily,
    error,
    month_later,
    monthly,
    rfc3339,
    time_of,
)
from ops.api_client import Http

if TYPE_CHECKING:
    from local.demo.performance import Json

_TEXT_LINE: Final = {"modelId": TEXT, "channelTier": "stable", "dailyCallLimit": 50, "monthlyTokenCap": 5_000_000}
_MORE_TEXT: Final = {**_TEXT_LINE, "monthlyTokenCap": 8_000_000}
_IMAGE_LINE: Final = {"modelId": IMAGE, "channelTier": "basic", "dailyCallLimit": 20, "monthlyTokenCap": 200}
_BODY: Final = {"models": [_TEXT_LINE, _IMAGE_LINE], "autoRenew": True, "label": "research"}


@dataclass(slots=True, kw_only=True)
class Life(Performance):
    """What becomes of an account's subscription in two months; `operators` sends what operators ask for."""

    account: str
    operators: Http

    def tell(self) -> None:
        """Play every chapter; raises `WrongAnswerError` at the first wrong answer."""
        self.stop_clock()
        self._buy()
        self._look_with_the_key()
        self._extend()
        self._change()
        self._top_up()
        self._suspend()
        self._give_back()
        self._revoke()
        self._go_on()
        self._orders()

    @property
    def _path(self) -> str:
        return f"{SUBSCRIPTIONS}/{self.subscription['subscriptionId']}"

    def _buy(self) -> None:
        self.teller.chapter("Another customer buys a month that renews itself")
        expected = {"status": "active", "autoRenew": True, "label": "research", "price": {"total": "36.20"}}
        bought = self.call("Purchase", "POST", SUBSCRIPTIONS, _BODY, 201, {**expected, "order": {"kind": "purchase"}})
        self.check_key(bought)
        self.subscription = bought
        self.teller.happened(f"POST {SUBSCRIPTIONS} → 201, until {bought['expiresAt']}, and then on by itself")
        self.teller.aside(f"Order {bought['order']['orderId'][:12]}…: {bought['price']['total']} USD")

    def _look_with_the_key(self) -> None:
        self.teller.chapter("A team mate has nothing but the key")
        mate = Http(self.http.url, self.subscription["apiKey"])
        status, shown = mate.call("GET", "/v1/key")
        models = [{"modelId": TEXT, "monthly": monthly(5_000_000, 0, 0)}, {"modelId": IMAGE}]
        expected = {"status": 200, "body": {"status": "active", "term": 1, "models": models}}
        check("What the key is good for", expected, {"status": status, "body": shown})
        self.teller.happened("GET /v1/key → what it is good for, and what is left of it")
        status, shown = mate.call("GET", "/v1/key/models")
        listed = {"object": "list", "data": [{"id": TEXT, "object": "model"}, {"id": IMAGE, "object": "model"}]}
        check("Models of the key", {"status": 200, "body": listed}, {"status": status, "body": shown})
        self.teller.happened("GET /v1/key/models → its models, as AI clients list them")

    def _extend(self) -> None:
        self.teller.chapter("The customer extends the term")
        self.grant("A request", TEXT, 4000, daily(50, 1), monthly(5_000_000, 0, 4000))
        old_end = time_of("The end of the term", self.subscription["expiresAt"])
        quote = self.call("Quote", "POST", f"{self._path}/quotes", {"extend": {"months": 1}}, 200, {"total": "36.20"})
        body = {"months": 1, "expectedTotal": quote["total"]}
        expected = {"term": 1, "apiKeyMasked": self.subscription["apiKeyMasked"], "order": {"kind": "extension"}}
        longer = self.call("Extension", "POST", f"{self._path}/extend", body, 200, expected)
        check("The new end", _further(self.subscription["startsAt"], 2), longer["expiresAt"])
        self.teller.happened(f"POST …/extend → 200, until {longer['expiresAt']}, for {quote['total']} USD")
        self.move_clock(rfc3339(old_end))
        self.grant("The same key", TEXT, 4000, daily(50, 1), monthly(5_000_000, 0, 4000))
        self.teller.aside("In the first second after the old end: a new month, and nothing was refused in between.")

    def _change(self) -> None:
        self.teller.chapter("It needs more tokens, and no images any more")
        wanted = {"models": [_MORE_TEXT]}
        quote = self.call("Quote", "POST", f"{self._path}/quotes", {"change": wanted}, 200, {"total": "9.00"})
        ends = rfc3339(time_of("The end", _further(self.subscription["startsAt"], 2)))
        in_force = [{"modelId": TEXT, "monthlyTokenCap": 8_000_000}, {"modelId": IMAGE}]
        waits = {"bindsAt": ends, "models": [{"modelId": TEXT}]}
        expected = {"models": in_force, "pendingChange": waits, "order": {"kind": "change"}}
        body = {**wanted, "expectedTotal": quote["total"]}
        self.call("Change", "POST", f"{self._path}/change", body, 200, expected)
        self.teller.happened(f"POST …/change → 200, 8,000,000 tokens at once, for {quote['total']} USD more this month")
        self.teller.aside(f"The images go with the next month window, at {ends}: they are paid for.")
        granted = self.grant("A large request", TEXT, 7_990_000, daily(50, 2), monthly(8_000_000, 0, 7_994_000))
        self.settle("Its report", granted, 7_900_000, {"settled": True, "monthly": monthly(8_000_000, 7_900_000, 4000)})
        self.teller.happened("It really used 7,900,000 tokens → settled")

    def _top_up(self) -> None:
        self.teller.chapter("The month runs out, and is topped up")
        full = {**error("monthly_cap_reached", "rate_limit_error"), "param": "monthlyTokenCap"}
        self.refuse("Another 200,000 tokens", 429, full, estimatedUsage=200_000)
        body = {"modelId": TEXT, "units": 1_000_000}
        bought = {"price": {"total": "3.00"}, "order": {"kind": "top_up"}}
        self.call("Top-up", "POST", f"{self._path}/top-ups", body, 201, bought)
        self.teller.happened("POST …/top-ups → 201, 1,000,000 tokens for this month, for 3.00 USD")
        figures = {**monthly(9_000_000, 7_900_000, 204_000), "limit": 8_000_000, "topUp": 1_000_000}
        self.grant("The same request", TEXT, 200_000, daily(50, 3), figures)

    def _suspend(self) -> None:
        self.teller.chapter("An operator suspends it")
        path, reason = f"{self._path}/suspension", {"reason": "the card was reported stolen"}
        suspended = self._operate("Suspension", "PUT", path, reason, {"status": "suspended", "suspension": reason})
        self.teller.happened(f"PUT …/suspension → 200, by {suspended['suspension']['operatorId']}")
        self.refuse("A request", 403, error("subscription_suspended", "permission_error"))
        self._operate("Resumption", "DELETE", path, None, {"status": "active", "suspension": None})
        self.teller.happened("DELETE …/suspension → 200")

    def _give_back(self) -> None:
        self.teller.chapter("An upstream has failed, and the customer gets calls and tokens back")
        found = self._operate("Lookup", "POST", "/v1/keys/lookup", {"apiKey": self.subscription["apiKey"]}, {})
        check("Whose key it is", self.subscription["subscriptionId"], found["subscriptionId"])
        self.teller.happened("POST /v1/keys/lookup → whose key it is")
        holds = self._operate("Open holds", "GET", f"{self._path}/holds", None, {})
        check("Open holds", [2, 0], [model["openHolds"] for model in holds["models"]])
        self.teller.happened("GET …/holds → two requests are under way")
        body = {"modelId": TEXT, "calls": -1, "units": -900_000, "reason": "the upstream failed"}
        figures = {**monthly(9_000_000, 7_000_000, 204_000), "limit": 8_000_000, "topUp": 1_000_000}
        expected = {"daily": daily(50, 2), "monthly": figures}
        key = f"ticket-{self.subscription['subscriptionId']}"
        status, answer = self.operators.call("POST", f"{self._path}/corrections", body, {"Idempotency-Key": key})
        check("Correction", {"status": 200, "body": expected}, {"status": status, "body": answer})
        self.teller.happened("POST …/corrections → 200, one call and 900,000 tokens are given back")

    def _revoke(self) -> None:
        self.teller.chapter("The key is found in a public repository")
        status, _ = self.http.call("DELETE", f"{self._path}/key")
        check("Revocation", 204, status)
        self.teller.happened("DELETE …/key → 204, before anybody has a new one")
        self.refuse("The key", 401, error("invalid_api_key", "authentication_error"))
        renewed = self.call("New key", "POST", f"{self._path}/key", {}, 200, {"status": "active"})
        self.check_key(renewed)
        self.subscription = {**self.subscription, **renewed}
        self.teller.happened(f"POST …/key → 200, API key {renewed['apiKeyMasked']}; what was used stays")

    def _go_on(self) -> None:
        self.teller.chapter("The term ends, and goes on by itself")
        self.move_clock(self.subscription["expiresAt"])
        self.grant("The same key", TEXT, 4000, daily(50, 1), monthly(8_000_000, 0, 4000))
        shown = self.call("Subscription", "GET", self._path, None, 200, {"status": "active", "term": 1})
        check("The new end", _further(self.subscription["startsAt"], 3), shown["expiresAt"])
        self.teller.happened(f"GET {SUBSCRIPTIONS}/… → active until {shown['expiresAt']}; no job had to run for that")
        self.refuse("An image", 403, error("model_not_included", "permission_error"), modelId=IMAGE)
        self.call("Settings", "PATCH", self._path, {"autoRenew": False}, 200, {"autoRenew": False})
        self.teller.happened(f"PATCH {SUBSCRIPTIONS}/… → it ends with this month")

    def _orders(self) -> None:
        self.teller.chapter("What all this has cost")
        answer = self.call("Orders", "GET", "/v1/orders", None, 200, {"next": None})
        sold = [(order["kind"], order["price"]["total"]) for order in answer["orders"]]
        check("Orders", [("renewal", "38.00"), ("top_up", "3.00"), ("change", "9.00"), *_FIRST], sold)
        self.teller.happened("GET /v1/orders → every sale, with its price:")
        for order in answer["orders"]:
            self.teller.aside(f"{order['at']}  {order['kind']:10} {order['price']['total']:>6} USD, by {order['by']}")
        path = f"/v1/accounts/{self.account}/subscriptions"
        listed = self._operate("The account", "GET", path, None, {"next": None})
        ids = [found["subscriptionId"] for found in listed["subscriptions"]]
        check("Its subscriptions", [self.subscription["subscriptionId"]], ids)
        self.teller.happened("GET /v1/accounts/…/subscriptions → an operator sees the same, and the look is logged")

    def _operate(self, what: str, method: str, path: str, body: object, expected: Json) -> Json:
        status, answer = self.operators.call(method, path, body)
        check(what, {"status": 200, "body": expected}, {"status": status, "body": answer})
        return dict(answer)


_FIRST: Final = (("extension", "36.20"), ("purchase", "36.20"))


def _further(starts: str, months: int) -> str:
    """So many months after a start, as answers have it."""
    instant = first = time_of("The start", starts)
    for _ in range(months):
        instant = month_later(instant)
    last_day = (month_later(instant.replace(day=1)) - instant.replace(day=1)).days
    return rfc3339(instant.replace(day=min(first.day, last_day)))
