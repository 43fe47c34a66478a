"""The story of the demo: one account from the price to cancelling. Rule: every figure is checked before it is shown.

The figures are those of the contract's example: a text model with 50 calls a day and 5,000,000 tokens a month, an
image model with 20 calls a day and 200 generations a month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local.demo.performance import (
    IMAGE,
    SUBSCRIPTIONS,
    TEXT,
    UNITS,
    Performance,
    daily,
    error,
    month_later,
    monthly,
    rfc3339,
)

if TYPE_CHECKING:
    from local.demo.performance import Json

BODY: Final = {
    "models": [
        {"modelId": TEXT, "channelTier": "stable", "dailyCallLimit": 50, "monthlyTokenCap": 5_000_000},
        {"modelId": IMAGE, "channelTier": "basic", "dailyCallLimit": 20, "monthlyTokenCap": 200},
    ]
}
QUOTE: Final = {
    "currency": "USD",
    "lines": [
        {"modelId": TEXT, "channelTier": "stable", "monthly": "29.00"},
        {"modelId": IMAGE, "channelTier": "basic", "monthly": "7.20"},
    ],
    "total": "36.20",
}
_ACTIVE_USAGE: Final = {
    "status": "active",
    "models": [{"modelId": TEXT, "daily": {"resetsAt": str}}, {"modelId": IMAGE}],
}


class Story(Performance):
    """One account from the price to cancelling."""

    def tell(self) -> None:
        """Play every chapter; raises `WrongAnswerError` at the first wrong answer."""
        self.stop_clock()
        self._price()
        self._purchase()
        self._grants()
        self._refusals()
        self._new_key()
        self._next_day()
        self._expiry()
        self._renewal()
        self._cancellation()

    def _price(self) -> None:
        self.teller.chapter("A customer asks for the price")
        quote = self.call("Quote", "POST", "/v1/quotes", BODY, 200, QUOTE)
        self.teller.happened(f"POST /v1/quotes → {quote['total']} {quote['currency']} for a month")
        for line in quote["lines"]:
            self.teller.aside(f"{line['modelId']}, {line['channelTier']}: {line['monthly']}")

    def _purchase(self) -> None:
        self.teller.chapter("The customer buys two models")
        bought = self.call("Purchase", "POST", SUBSCRIPTIONS, BODY, 201, self._bought())
        self.check_key(bought)
        self.subscription = bought
        self.teller.happened(f"POST {SUBSCRIPTIONS} → 201, active until {bought['expiresAt']}")
        for model in bought["models"]:
            calls, cap, unit = model["dailyCallLimit"], model["monthlyTokenCap"], model["unit"]
            self.teller.aside(
                f"{model['modelId']}, {model['channelTier']}: {calls} calls a day, {cap:,} {unit} a month"
            )
        self.teller.aside(f"API key {bought['apiKeyMasked']}: shown in full this once, and stored as a hash only")
        refused = error("active_subscription_exists", "conflict_error")
        answer = self.call("Second purchase", "POST", SUBSCRIPTIONS, BODY, 409, {"error": refused})
        self.teller.refused("Buying again → 409 active_subscription_exists")
        self.teller.aside(answer["error"]["message"])

    def _grants(self) -> None:
        self.teller.chapter("The router asks before every request, and reports after it")
        granted = self.grant("First request", TEXT, 4000, daily(50, 1), monthly(5_000_000, 0, 4000))
        again = {"authorizationId": granted["authorizationId"], "daily": daily(50, 1)}
        expected = {**again, "allowed": True, "monthly": monthly(5_000_000, 0, 4000)}
        self.authorize("Repeat", expected, estimatedUsage=4000)
        self.teller.happened("The same attempt once more, its reply was lost → the same grant, counted once")
        refused = {"allowed": False, "statusCode": 409, "error": error("request_in_progress", "conflict_error")}
        self.authorize("Another attempt", refused, estimatedUsage=4000, attempt="another")
        self.teller.refused("Another attempt at the same request → 409 request_in_progress")
        settled = {"settled": True, "late": False, "tierBreached": False}
        figures = {"daily": daily(50, 1), "monthly": monthly(5_000_000, 1234, 0)}
        self.settle("Settle", granted, 1234, {**settled, **figures})
        self.teller.happened("It really used 1,234 tokens → settled, the rest of the hold is free again")
        self.settle("Repeated settle", granted, 999, {"settled": True, "replayed": True})
        self.teller.happened("The report once more, with another figure → the first one stands")
        self.grant("An image", IMAGE, 2, daily(20, 1), monthly(200, 0, 2))

    def _refusals(self) -> None:
        self.teller.chapter("What was not bought is refused, with the reason")
        before = self.usage("Usage before", _ACTIVE_USAGE)
        wrong = self.subscription["apiKey"]
        wrong = wrong[:20] + ("A" if wrong[20] != "A" else "B") + wrong[21:]
        self.refuse("Another tier", 403, error("tier_not_included", "permission_error"), channelTier="enterprise")
        self.refuse("Another model", 403, error("model_not_included", "permission_error"), modelId="some-model")
        self.refuse("A mistyped key", 401, error("invalid_api_key", "authentication_error"), apiKey=wrong)
        too_much = {**error("monthly_cap_reached", "rate_limit_error"), "param": "monthlyTokenCap"}
        self.refuse("More tokens than the month has left", 429, too_much, estimatedUsage=4_998_767)
        self.usage("Usage after the refusals", {"models": before["models"]})
        self.teller.happened("GET …/usage → none of these moved a counter")
        block = self.grant(
            "A block of 49 calls", TEXT, 49_000, daily(50, 50), monthly(5_000_000, 1234, 49_000), calls=49
        )
        full = self.limited("daily_call_limit_reached", "dailyCallLimit", block["daily"]["resetsAt"])
        self.refuse("The 51st call of the day", 429, full)
        self.settle("Settle of the block", block, 40_000, {"settled": True, "monthly": monthly(5_000_000, 41_234, 0)})
        self.teller.happened("The block used 40,000 tokens → settled")

    def _new_key(self) -> None:
        self.teller.chapter("The key leaks, and is replaced")
        old_key = self.subscription["apiKey"]
        path = f"{SUBSCRIPTIONS}/{self.subscription['subscriptionId']}/key"
        kept = {name: self.subscription[name] for name in ("subscriptionId", "term", "startsAt", "expiresAt")}
        renewed = self.call("New key", "POST", path, {}, 200, kept)
        self.check_key(renewed)
        self.subscription = renewed
        self.teller.happened(f"POST {SUBSCRIPTIONS}/…/key → 200, API key {renewed['apiKeyMasked']}")
        self.refuse("The old key", 401, error("invalid_api_key", "authentication_error"), apiKey=old_key)
        self.usage("Usage under the new key", {"models": [{"monthly": monthly(5_000_000, 41_234, 0)}, {}]})
        self.teller.happened("GET …/usage → what was used stays")

    def _next_day(self) -> None:
        self.teller.chapter("The next day")
        usage = self.usage("Usage in the evening", _ACTIVE_USAGE)
        self.move_clock(usage["models"][0]["daily"]["resetsAt"])
        self.grant("First request of the day", TEXT, 4000, daily(50, 1), monthly(5_000_000, 41_234, 4000))
        self.teller.aside("The day's calls are fresh, the month goes on; no job had to run for that.")

    def _expiry(self) -> None:
        self.teller.chapter("The term ends")
        self.move_clock(self.subscription["expiresAt"])
        self.refuse("A request", 403, error("subscription_expired", "permission_error"))
        path = f"{SUBSCRIPTIONS}/{self.subscription['subscriptionId']}"
        self.call("Subscription", "GET", path, None, 200, {"status": "expired", "apiKey": None})
        self.teller.happened(f"GET {SUBSCRIPTIONS}/… → expired")

    def _renewal(self) -> None:
        self.teller.chapter("The customer renews")
        old_key = self.subscription["apiKey"]
        path = f"{SUBSCRIPTIONS}/{self.subscription['subscriptionId']}"
        same = {"subscriptionId": self.subscription["subscriptionId"], "term": 2}
        quote = self.call("Quote of the renewal", "POST", f"{path}/quotes", {"renew": {}}, 200, QUOTE)
        self.teller.happened(f"POST {SUBSCRIPTIONS}/…/quotes → {quote['total']} {quote['currency']} for a month")
        expecting = {"expectedTotal": quote["total"]}
        renewed = self.call("Renewal", "POST", f"{path}/renew", expecting, 200, {**self._bought(), **same})
        self.check_key(renewed)
        self.subscription = renewed
        self.teller.happened(f"POST {SUBSCRIPTIONS}/…/renew → 200, term 2 until {renewed['expiresAt']}")
        self.teller.aside(f"API key {renewed['apiKeyMasked']}")
        self.refuse("The old key", 401, error("invalid_api_key", "authentication_error"), apiKey=old_key)
        self.grant("The new key", TEXT, 4000, daily(50, 1), monthly(5_000_000, 0, 4000))
        text = {"modelId": TEXT, "daily": daily(50, 1), "monthly": monthly(5_000_000, 0, 4000)}
        image = {"modelId": IMAGE, "daily": daily(20, 0), "monthly": monthly(200, 0, 0)}
        self.usage("Usage of the new term", {"status": "active", "models": [text, image]})
        self.teller.happened("GET …/usage → the new term counts from zero")

    def _cancellation(self) -> None:
        self.teller.chapter("The customer cancels")
        path = f"{SUBSCRIPTIONS}/{self.subscription['subscriptionId']}"
        self.call("Cancellation", "POST", f"{path}/cancel", {}, 200, {"status": "cancelled", "apiKey": None})
        self.teller.happened(f"POST {SUBSCRIPTIONS}/…/cancel → 200, the place is free")
        self.refuse("The key", 403, error("subscription_cancelled", "permission_error"))
        answer = self.call("Events", "GET", f"{path}/events", None, 200, {"next": None})
        self.teller.happened(f"GET {SUBSCRIPTIONS}/…/events → the audit trail:")
        for event in reversed(answer["events"]):
            self.teller.aside(f"{event['at']}  {event['type']}")

    def _bought(self) -> Json:
        models = [{**model, "unit": UNITS[str(model["modelId"])]} for model in BODY["models"]]
        starts = self.now.replace(microsecond=0)
        times = {"startsAt": rfc3339(starts), "expiresAt": rfc3339(month_later(starts)), "timezone": "UTC"}
        return {"status": "active", "term": 1, **times, "models": models}
