"""What every part of the demo does: calls, requests of a router, the clock. Rule: every answer is checked at once."""

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
UNITS: Final = {TEXT: "tokens", IMAGE: "generations"}
SUBSCRIPTIONS: Final = "/v1/subscriptions"
_KEY_PREFIX: Final = "sk-custom-"


@dataclass(slots=True)
class Performance:
    """One performance; the clock stands still between the steps, so that every figure is known beforehand."""

    http: Http
    router: Router
    teller: Narrator
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    subscription: Json = field(default_factory=dict)
    requests: int = 0

    def grant(self, what: str, model_id: str, estimate: int, daily: Json, monthly: Json, calls: int = 1) -> Json:
        """Let the router ask for a new request, which must be granted and show these figures."""
        self.requests += 1
        figures = {"daily": daily, "monthly": monthly}
        expected = {"allowed": True, "modelId": model_id, "unit": UNITS[model_id], "heldUsage": estimate, **figures}
        expected["authorizationId"] = str
        more = {"calls": calls} if calls != 1 else {}
        answer = self.authorize(what, expected, modelId=model_id, estimatedUsage=estimate, **more)
        self.teller.happened(f"{what}: {model_id}, up to {estimate:,} {UNITS[model_id]} → granted")
        left = f"{daily['used']} of {daily['limit']} calls today; this month {monthly['used']:,} used"
        self.teller.aside(f"{left}, {monthly['held']:,} held, {monthly['remaining']:,} remaining")
        return answer

    def refuse(self, what: str, status: int, expected: Json, **payload: Any) -> None:
        """Let the router ask for a new request, which must be refused like this."""
        self.requests += 1
        retry = {name: expected.pop(name) for name in ("retryAfter",) if name in expected}
        answer = self.authorize(what, {"allowed": False, "statusCode": status, "error": expected, **retry}, **payload)
        after = f", try again in {retry['retryAfter']:,} seconds" if retry else ""
        self.teller.refused(f"{what} → {status} {expected['code']}{after}")
        self.teller.aside(answer["error"]["message"])

    def authorize(self, what: str, expected: Json, **payload: Any) -> Json:
        """Let the router ask for the newest request; the answer must hold what is expected."""
        key = self.subscription["apiKey"]
        base = {"apiKey": key, "modelId": TEXT, "requestId": self._last_request(), "estimatedUsage": 10}
        base["attempt"] = f"of-{self._last_request()}"
        answer = self.router.invoke("AuthorizeFunction", {**base, **payload})
        check(what, expected, answer)
        return dict(answer)

    def settle(self, what: str, granted: Json, used: int, expected: Json) -> None:
        """Let the router report what a request has used."""
        payload = {"authorizationId": granted["authorizationId"], "actualUsage": used}
        check(what, expected, self.router.invoke("SettleFunction", payload))

    def usage(self, what: str, expected: Json) -> Json:
        """See the subscription's counters as its customer does."""
        path = f"{SUBSCRIPTIONS}/{self.subscription['subscriptionId']}/usage"
        return self.call(what, "GET", path, None, 200, expected)

    def call(self, what: str, method: str, path: str, body: object, status: int, expected: Json) -> Json:
        """Send a customer's request, which must be answered like this."""
        came_status, answer = self.http.call(method, path, body)
        check(what, {"status": status, "body": expected}, {"status": came_status, "body": answer})
        return dict(answer)

    def stop_clock(self) -> None:
        """Let the stack's clock stand still where it is."""
        answer = self.call("Clock", "PUT", "/_local/clock", {"advanceSeconds": 0}, 200, {"now": str})
        self.now = time_of("The stack's clock", answer["now"])

    def move_clock(self, to: str) -> None:
        """Move the stack's clock to an instant."""
        self.call("Clock", "PUT", "/_local/clock", {"now": to}, 200, {"now": to})
        self.now = time_of("The stack's clock", to)
        self.teller.happened(f"The clock moves to {to}")

    def check_key(self, shown: Json) -> None:
        """See that an answer holds a new API key."""
        key = shown.get("apiKey")
        if not isinstance(key, str) or not key.startswith(_KEY_PREFIX) or key == self.subscription.get("apiKey"):
            raise WrongAnswerError(f"The answer holds no new API key that starts with {_KEY_PREFIX}")
        check("Masked key", f"{_KEY_PREFIX}…{key[-4:]}", shown.get("apiKeyMasked"))

    def limited(self, code: str, param: str, until: str) -> Json:
        """The error of a limit whose window is over at an instant."""
        seconds = -(-(time_of(code, until) - self.now) // timedelta(seconds=1))
        return {**error(code, "rate_limit_error"), "param": param, "retryAfter": seconds}

    def _last_request(self) -> str:
        return f"demo-{self.requests}"


def daily(limit: int, used: int) -> Json:
    """The counters of a day."""
    return {"limit": limit, "used": used, "remaining": limit - used, "resetsAt": str}


def monthly(limit: int, used: int, held: int) -> Json:
    """The counters of a month."""
    return {"limit": limit, "used": used, "held": held, "remaining": limit - used - held, "overrun": 0, "resetsAt": str}


def error(code: str, kind: str) -> Json:
    """An error with this code and type, whatever its message."""
    return {"code": code, "type": kind, "message": str}


def time_of(what: str, text: object) -> datetime:
    """The instant that an answer tells; raises `WrongAnswerError`."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise WrongAnswerError(f"{what}: {text} is no time") from None


def rfc3339(instant: datetime) -> str:
    """An instant, to the second, as answers have it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def month_later(instant: datetime) -> datetime:
    """The same time a month later, the day cut to the month's length."""
    first = (instant.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_day = ((first + timedelta(days=32)).replace(day=1) - timedelta(days=1)).day
    return first.replace(day=min(instant.day, last_day))
