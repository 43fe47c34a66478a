"""The story of the demo: one account from the price to cancelling. Rule: every figure is checked before it is shown.

The figures are those of the contract's example: a text model with 50 calls a day and 5,000,000 tokens a month, an
image model with 20 calls a day and 200 generations a month.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from local.demo.narrator import WrongAnswerError, check

if TYPE_CHECKING:
    from local.demo.narrator import Narrator
    from local.demo.router import Router
    from ops.api_client import Http

Json = dict[str, Any]

TEXT: Final = "claude-opus-4-6"
IMAGE: Final = "nano-banana-2"
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
UNITS: Final = {TEXT: "tokens", IMAGE: "generations"}
_SUBSCRIPTIONS: Final = "/v1/subscriptions"
_KEY_PREFIX: Final = "sk-custom-"
_ACTIVE_USAGE: Final = {
    "status": "active",
    "models": [{"modelId": TEXT, "daily": {"resetsAt": str}}, {"modelId": IMAGE}],
}


@dataclass(slots=True)
class Story:
    """One performance; the clock stands still between the steps, so that every figure is known beforehand."""

    http: Http
    router: Router
    teller: Narrator
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    subscription: Json = field(default_factory=dict)
    requests: int = 0

    def tell(self) -> None:
        """Play every chapter; raises `WrongAnswerError` at the first wrong answer."""
        self._stop_clock()
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
        quote = self._call("Quote", "POST", "/v1/quotes", BODY, 200, QUOTE)
        self.teller.happened(f"POST /v1/quotes → {quote['total']} {quote['currency']} for a month")
        for line in quote["lines"]:
            self.teller.aside(f"{line['modelId']}, {line['channelTier']}: {line['monthly']}")

    def _purchase(self) -> None:
        self.teller.chapter("The customer buys two models")
        bought = self._call("Purchase", "POST", _SUBSCRIPTIONS, BODY, 201, self._bought())
        self._check_key(bought)
        self.subscription = bought
        self.teller.happened(f"POST {_SUBSCRIPTIONS} → 201, active until {bought['expiresAt']}")
        for model in bought["models"]:
            calls, cap, unit = model["dailyCallLimit"], model["monthlyTokenCap"], model["unit"]
            self.teller.aside(
                f"{model['modelId']}, {model['channelTier']}: {calls} calls a day, {cap:,} {unit} a month"
            )
        self.teller.aside(f"API key {bought['apiKeyMasked']}: shown in full this once, and stored as a hash only")
        refused = _error("active_subscription_exists", "conflict_error")
        answer = self._call("Second purchase", "POST", _SUBSCRIPTIONS, BODY, 409, {"error": refused})
        self.teller.refused("Buying again → 409 active_subscription_exists")
        self.teller.aside(answer["error"]["message"])

    def _grants(self) -> None:
        self.teller.chapter("The router asks before every request, and reports after it")
        granted = self._grant("First request", TEXT, 4000, _daily(50, 1), _monthly(5_000_000, 0, 4000))
        again = {"authorizationId": granted["authorizationId"], "daily": _daily(50, 1)}
        expected = {**again, "allowed": True, "monthly": _monthly(5_000_000, 0, 4000)}
        self._authorize("Repeat", expected, estimatedUsage=4000)
        self.teller.happened("The same attempt once more, its reply was lost → the same grant, counted once")
        refused = {"allowed": False, "statusCode": 409, "error": _error("request_in_progress", "conflict_error")}
        self._authorize("Another attempt", refused, estimatedUsage=4000, attempt="another")
        self.teller.refused("Another attempt at the same request → 409 request_in_progress")
        settled = {"settled": True, "late": False, "tierBreached": False}
        figures = {"daily": _daily(50, 1), "monthly": _monthly(5_000_000, 1234, 0)}
        self._settle("Settle", granted, 1234, {**settled, **figures})
        self.teller.happened("It really used 1,234 tokens → settled, the rest of the hold is free again")
        self._settle("Repeated settle", granted, 999, {"settled": True, "replayed": True})
        self.teller.happened("The report once more, with another figure → the first one stands")
        self._grant("An image", IMAGE, 2, _daily(20, 1), _monthly(200, 0, 2))

    def _refusals(self) -> None:
        self.teller.chapter("What was not bought is refused, with the reason")
        before = self._usage("Usage before", _ACTIVE_USAGE)
        wrong = self.subscription["apiKey"]
        wrong = wrong[:20] + ("A" if wrong[20] != "A" else "B") + wrong[21:]
        self._refuse("Another tier", 403, _error("tier_not_included", "permission_error"), channelTier="enterprise")
        self._refuse("Another model", 403, _error("model_not_included", "permission_error"), modelId="some-model")
        self._refuse("A mistyped key", 401, _error("invalid_api_key", "authentication_error"), apiKey=wrong)
        too_much = {**_error("monthly_cap_reached", "rate_limit_error"), "param": "monthlyTokenCap"}
        self._refuse("More tokens than the month has left", 429, too_much, estimatedUsage=4_998_767)
        self._usage("Usage after the refusals", {"models": before["models"]})
        self.teller.happened("GET …/usage → none of these moved a counter")
        block = self._grant(
            "A block of 49 calls", TEXT, 49_000, _daily(50, 50), _monthly(5_000_000, 1234, 49_000), calls=49
        )
        full = self._limited("daily_call_limit_reached", "dailyCallLimit", block["daily"]["resetsAt"])
        self._refuse("The 51st call of the day", 429, full)
        self._settle("Settle of the block", block, 40_000, {"settled": True, "monthly": _monthly(5_000_000, 41_234, 0)})
        self.teller.happened("The block used 40,000 tokens → settled")

    def _new_key(self) -> None:
        self.teller.chapter("The key leaks, and is replaced")
        old_key = self.subscription["apiKey"]
        path = f"{_SUBSCRIPTIONS}/{self.subscription['subscriptionId']}/key"
        kept = {name: self.subscription[name] for name in ("subscriptionId", "term", "startsAt", "expiresAt")}
        renewed = self._call("New key", "POST", path, {}, 200, kept)
        self._check_key(renewed)
        self.subscription = renewed
        self.teller.happened(f"POST {_SUBSCRIPTIONS}/…/key → 200, API key {renewed['apiKeyMasked']}")
        self._refuse("The old key", 401, _error("invalid_api_key", "authentication_error"), apiKey=old_key)
        self._usage("Usage under the new key", {"models": [{"monthly": _monthly(5_000_000, 41_234, 0)}, {}]})
        self.teller.happened("GET …/usage → what was used stays")

    def _next_day(self) -> None:
        self.teller.chapter("The next day")
        usage = self._usage("Usage in the evening", _ACTIVE_USAGE)
        self._move_clock(usage["models"][0]["daily"]["resetsAt"])
        self._grant("First request of the day", TEXT, 4000, _daily(50, 1), _monthly(5_000_000, 41_234, 4000))
        self.teller.aside("The day's calls are fresh, the month goes on; no job had to run for that.")

    def _expiry(self) -> None:
        self.teller.chapter("The term ends")
        self._move_clock(self.subscription["expiresAt"])
        self._refuse("A request", 403, _error("subscription_expired", "permission_error"))
        path = f"{_SUBSCRIPTIONS}/{self.subscription['subscriptionId']}"
        self._call("Subscription", "GET", path, None, 200, {"status": "expired", "apiKey": None})
        self.teller.happened(f"GET {_SUBSCRIPTIONS}/… → expired")

    def _renewal(self) -> None:
        self.teller.chapter("The customer renews")
        old_key = self.subscription["apiKey"]
        path = f"{_SUBSCRIPTIONS}/{self.subscription['subscriptionId']}"
        same = {"subscriptionId": self.subscription["subscriptionId"], "term": 2}
        quote = self._call("Quote of the renewal", "POST", f"{path}/quotes", {"renew": {}}, 200, QUOTE)
        self.teller.happened(f"POST {_SUBSCRIPTIONS}/…/quotes → {quote['total']} {quote['currency']} for a month")
        expecting = {"expectedTotal": quote["total"]}
        renewed = self._call("Renewal", "POST", f"{path}/renew", expecting, 200, {**self._bought(), **same})
        self._check_key(renewed)
        self.subscription = renewed
        self.teller.happened(f"POST {_SUBSCRIPTIONS}/…/renew → 200, term 2 until {renewed['expiresAt']}")
        self.teller.aside(f"API key {renewed['apiKeyMasked']}")
        self._refuse("The old key", 401, _error("invalid_api_key", "authentication_error"), apiKey=old_key)
        self._grant("The new key", TEXT, 4000, _daily(50, 1), _monthly(5_000_000, 0, 4000))
        text = {"modelId": TEXT, "daily": _daily(50, 1), "monthly": _monthly(5_000_000, 0, 4000)}
        image = {"modelId": IMAGE, "daily": _daily(20, 0), "monthly": _monthly(200, 0, 0)}
        self._usage("Usage of the new term", {"status": "active", "models": [text, image]})
        self.teller.happened("GET …/usage → the new term counts from zero")

    def _cancellation(self) -> None:
        self.teller.chapter("The customer cancels")
        path = f"{_SUBSCRIPTIONS}/{self.subscription['subscriptionId']}"
        self._call("Cancellation", "POST", f"{path}/cancel", {}, 200, {"status": "cancelled", "apiKey": None})
        self.teller.happened(f"POST {_SUBSCRIPTIONS}/…/cancel → 200, the place is free")
        self._refuse("The key", 403, _error("subscription_cancelled", "permission_error"))
        answer = self._call("Events", "GET", f"{path}/events", None, 200, {"next": None})
        self.teller.happened(f"GET {_SUBSCRIPTIONS}/…/events → the audit trail:")
        for event in reversed(answer["events"]):
            self.teller.aside(f"{event['at']}  {event['type']}")

    def _grant(self, what: str, model_id: str, estimate: int, daily: Json, monthly: Json, calls: int = 1) -> Json:
        self.requests += 1
        figures = {"daily": daily, "monthly": monthly}
        expected = {"allowed": True, "modelId": model_id, "unit": UNITS[model_id], "heldUsage": estimate, **figures}
        expected["authorizationId"] = str
        more = {"calls": calls} if calls != 1 else {}
        answer = self._authorize(what, expected, modelId=model_id, estimatedUsage=estimate, **more)
        self.teller.happened(f"{what}: {model_id}, up to {estimate:,} {UNITS[model_id]} → granted")
        left = f"{daily['used']} of {daily['limit']} calls today; this month {monthly['used']:,} used"
        self.teller.aside(f"{left}, {monthly['held']:,} held, {monthly['remaining']:,} remaining")
        return answer

    def _refuse(self, what: str, status: int, expected: Json, **payload: Any) -> None:
        self.requests += 1
        retry = {name: expected.pop(name) for name in ("retryAfter",) if name in expected}
        answer = self._authorize(what, {"allowed": False, "statusCode": status, "error": expected, **retry}, **payload)
        after = f", try again in {retry['retryAfter']:,} seconds" if retry else ""
        self.teller.refused(f"{what} → {status} {expected['code']}{after}")
        self.teller.aside(answer["error"]["message"])

    def _authorize(self, what: str, expected: Json, **payload: Any) -> Json:
        key = self.subscription["apiKey"]
        base = {"apiKey": key, "modelId": TEXT, "requestId": self._last_request(), "estimatedUsage": 10}
        base["attempt"] = f"of-{self._last_request()}"
        answer = self.router.invoke("AuthorizeFunction", {**base, **payload})
        check(what, expected, answer)
        return dict(answer)

    def _settle(self, what: str, granted: Json, used: int, expected: Json) -> None:
        payload = {"authorizationId": granted["authorizationId"], "actualUsage": used}
        check(what, expected, self.router.invoke("SettleFunction", payload))

    def _usage(self, what: str, expected: Json) -> Json:
        path = f"{_SUBSCRIPTIONS}/{self.subscription['subscriptionId']}/usage"
        return self._call(what, "GET", path, None, 200, expected)

    def _call(self, what: str, method: str, path: str, body: object, status: int, expected: Json) -> Json:
        came_status, answer = self.http.call(method, path, body)
        check(what, {"status": status, "body": expected}, {"status": came_status, "body": answer})
        return dict(answer)

    def _stop_clock(self) -> None:
        answer = self._call("Clock", "PUT", "/_local/clock", {"advanceSeconds": 0}, 200, {"now": str})
        self.now = _instant("The stack's clock", answer["now"])

    def _move_clock(self, to: str) -> None:
        self._call("Clock", "PUT", "/_local/clock", {"now": to}, 200, {"now": to})
        self.now = _instant("The stack's clock", to)
        self.teller.happened(f"The clock moves to {to}")

    def _bought(self) -> Json:
        models = [{**model, "unit": UNITS[str(model["modelId"])]} for model in BODY["models"]]
        starts = self.now.replace(microsecond=0)
        times = {"startsAt": _text(starts), "expiresAt": _text(_month_later(starts)), "timezone": "UTC"}
        return {"status": "active", "term": 1, **times, "models": models}

    def _check_key(self, shown: Json) -> None:
        key = shown.get("apiKey")
        if not isinstance(key, str) or not key.startswith(_KEY_PREFIX) or key == self.subscription.get("apiKey"):
            raise WrongAnswerError(f"The answer holds no new API key that starts with {_KEY_PREFIX}")
        check("Masked key", f"{_KEY_PREFIX}…{key[-4:]}", shown.get("apiKeyMasked"))

    def _limited(self, code: str, param: str, until: str) -> Json:
        seconds = -(-(_instant(code, until) - self.now) // timedelta(seconds=1))
        return {**_error(code, "rate_limit_error"), "param": param, "retryAfter": seconds}

    def _last_request(self) -> str:
        return f"demo-{self.requests}"


def _daily(limit: int, used: int) -> Json:
    return {"limit": limit, "used": used, "remaining": limit - used, "resetsAt": str}


def _monthly(limit: int, used: int, held: int) -> Json:
    return {"limit": limit, "used": used, "held": held, "remaining": limit - used - held, "overrun": 0, "resetsAt": str}


def _error(code: str, kind: str) -> Json:
    return {"code": code, "type": kind, "message": str}


def _instant(what: str, text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise WrongAnswerError(f"{what}: {text} is no time") from None


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _month_later(instant: datetime) -> datetime:
    """The same time a month later, the day cut to the month's length."""
    first = (instant.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_day = ((first + timedelta(days=32)).replace(day=1) - timedelta(days=1)).day
    return first.replace(day=min(instant.day, last_day))
