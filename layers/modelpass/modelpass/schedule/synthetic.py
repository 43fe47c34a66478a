"""A synthetic customer: it buys, authorizes and settles, and tells whether a customer could. Rule: by the doors alone.

It knows what a customer and its router know, and touches no table. Its account is named by the deployment. A plan of
one model is bought anew once in a UTC day, so that buying and cancelling are tried daily and no limit is ever reached:
a minute's use fits many times. Its API key is kept in the memory of its process and nowhere else, and a process that
has none makes a new one. So a run that ends anywhere is made good by the next one:

    newest subscription          what is done                       key
    none, or cancelled           buy                                of the purchase
    expired                      renew                              of the renewal
    active since before today    cancel, then buy                   of the purchase
    active since today           nothing, if its key is known       else a new one; where the day has no more, buy anew

Then one unit is authorized and settled, and the figures of both answers must say so. Every run counts one decision,
`ok` or `failed`, whose line names the step and what was answered to it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.encoding import base32
from modelpass.runtime import telemetry
from modelpass.schedule.invoker import InvocationFailedError
from modelpass.times import MS_PER_SECOND, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelpass.runtime.deps import Deps

DAILY_CALLS: Final = 2_000
"""Above the 1,440 minutes of a day, for runs that are made twice."""
MONTHLY_UNITS: Final = 100_000
"""Above the 44,640 minutes of a month, though it is bought anew each day."""
_HOLD_SECONDS: Final = 60
_ID_BYTES: Final = 15
_DATE: Final = len("2026-11-27")
_OK: Final = 400
_LIMIT: Final = 429
_FORGETS: Final = (401, 403, 404)
"""Statuses after which the key in memory is not tried again: it was replaced, or its subscription has ended."""

Json = dict[str, Any]


class Plan(NamedTuple):
    """Who buys what, and the functions that are invoked for it, by the name of their call."""

    account: str
    account_claim: str
    model_id: str
    tier: str
    functions: Mapping[str, str]


class Held(NamedTuple):
    """What this process knows of its subscription: its key, and on which UTC day it was bought."""

    subscription_id: str
    api_key: str
    day: str


class CannotError(Exception):
    """A step was not answered as a customer needs it: with an error's code, and its HTTP status where it has one."""

    def __init__(self, step: str, answered: str, status: int | None = None) -> None:
        super().__init__(step)
        self.step, self.answered, self.status = step, answered, status


def plan_of(environment: Mapping[str, str]) -> Plan:
    """The plan that the function was given; raises `KeyError` for a setting that is missing."""
    names = ("subscriptions", "purchase", "renew", "cancel", "regenerate", "authorize", "settle")
    return Plan(
        account=environment["SYNTHETIC_ACCOUNT"],
        account_claim=environment["ACCOUNT_CLAIM"],
        model_id=environment["SYNTHETIC_MODEL"],
        tier=environment["SYNTHETIC_TIER"],
        functions={name: environment[f"{name.upper()}_FUNCTION"] for name in names},
    )


class SyntheticCustomer:
    """The customer of one process. It remembers its key and what it was told last, until it is refused."""

    def __init__(self, plan: Plan, deps: Deps, invoke: Callable[[str, object], Any]) -> None:
        self._plan, self._deps, self._invoke = plan, deps, invoke
        self._held: Held | None = None
        self._last: Json | None = None

    def run(self, function_request_id: str) -> Json:
        """Live through one minute of a customer; it raises nothing, and leaves one line in the log."""
        with telemetry.Line("synthetic", function_request_id, modelId=self._plan.model_id):
            try:
                self._held = self._subscribed()
                self._last = self._used(self._held)
            except CannotError as cannot:
                self._last = None
                if cannot.status in _FORGETS:
                    self._held = None
                told: Json = {"step": cannot.step, "answered": cannot.answered}
            except Exception as error:  # of an answer that is not what the API promises
                self._held = self._last = None
                telemetry.report_unexpected(error)
                told = {"step": "answer", "answered": type(error).__name__}
            else:
                telemetry.decided("ok")
                return {"succeeded": True}
            telemetry.decided("failed", **told)
            return {"succeeded": False, **told}

    def _subscribed(self) -> Held:
        today = rfc3339(self._deps.now_ms() // MS_PER_SECOND * MS_PER_SECOND)[:_DATE]
        if self._held is not None and self._held.day == today:
            return self._held
        listed = self._call("subscriptions", "GET /v1/subscriptions", query="limit=1")["subscriptions"]
        newest: Json | None = listed[0] if listed else None
        match newest:
            case None | {"status": "cancelled"}:
                sold = self._buy(today, newest)
            case {"status": "expired"}:
                sold = self._of(newest, "renew", "POST /v1/subscriptions/{subscriptionId}/renew")
            case {"startsAt": str(since)} if since[:_DATE] == today:
                sold = self._with_new_key(today, newest)
            case _:
                sold = self._anew(today, newest)
        return Held(sold["subscriptionId"], sold["apiKey"], today)

    def _with_new_key(self, today: str, newest: Json) -> Json:
        try:
            return self._of(newest, "regenerate", "POST /v1/subscriptions/{subscriptionId}/key")
        except CannotError as cannot:
            if cannot.status != _LIMIT:
                raise
            return self._anew(today, newest)

    def _anew(self, today: str, newest: Json) -> Json:
        self._of(newest, "cancel", "POST /v1/subscriptions/{subscriptionId}/cancel")
        return self._buy(today, newest)

    def _buy(self, today: str, newest: Json | None) -> Json:
        """Buy after `newest`, so that a purchase whose answer was lost is not made twice; the list finds it then."""
        line = {"modelId": self._plan.model_id, "channelTier": self._plan.tier}
        body = {"models": [{**line, "dailyCallLimit": DAILY_CALLS, "monthlyTokenCap": MONTHLY_UNITS}]}
        key = f"{today}/{newest['subscriptionId'] if newest else 'first'}"
        return self._call("purchase", "POST /v1/subscriptions", body=json.dumps(body), idempotency_key=key)

    def _of(self, subscription: Json, name: str, route: str) -> Json:
        return self._call(name, route, {"subscriptionId": subscription["subscriptionId"]})

    def _call(
        self,
        name: str,
        route: str,
        path: Mapping[str, str] | None = None,
        query: str = "",
        body: str | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        """The answer to an HTTP call of the account, as API Gateway hands it over once it has checked a token."""
        method, _, template = route.partition(" ")
        raw_path = template.format(**path or {})
        claims = {"sub": self._plan.account, self._plan.account_claim: self._plan.account}
        headers = {"content-type": "application/json"}
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        event = {
            "version": "2.0",
            "routeKey": route,
            "rawPath": raw_path,
            "rawQueryString": query,
            "queryStringParameters": dict([query.split("=")]) if query else None,
            "headers": headers,
            "pathParameters": path,
            "requestContext": {
                "authorizer": {"jwt": {"claims": claims, "scopes": None}},
                "http": {"method": method, "path": raw_path, "sourceIp": "127.0.0.1", "userAgent": "synthetic"},
                "requestId": base32(self._deps.entropy(_ID_BYTES)),
                "routeKey": route,
                "stage": "$default",
            },
            "body": body,
            "isBase64Encoded": False,
        }
        answer = self._asked(name, event)
        told: Json = json.loads(answer["body"])
        if answer["statusCode"] >= _OK:
            raise CannotError(name, told["error"]["code"], answer["statusCode"])
        return told

    def _used(self, held: Held) -> Json:
        """Use one unit; what settle answered. Raises `CannotError` where the figures do not say so."""
        telemetry.note(subscriptionId=held.subscription_id)
        telemetry.count_synthetic_authorize()
        granted = self._asked(
            "authorize",
            {
                "apiKey": held.api_key,
                "modelId": self._plan.model_id,
                "requestId": base32(self._deps.entropy(_ID_BYTES)),
                "estimatedUsage": 1,
                "channelTier": self._plan.tier,
                "holdSeconds": _HOLD_SECONDS,
            },
        )
        if not granted["allowed"]:
            raise CannotError("authorize", granted["error"]["code"], granted["statusCode"])
        report = {"authorizationId": granted["authorizationId"], "actualUsage": 1, "servedTier": self._plan.tier}
        settled = self._asked("settle", report)
        if not settled["settled"]:
            raise CannotError("settle", settled["error"]["code"], settled["statusCode"])
        if not (granted["heldUsage"] == 1 and _follows(granted, self._last, held) and _books(granted, settled)):
            raise CannotError("figures", "wrong")
        return {**settled, "subscriptionId": held.subscription_id}

    def _asked(self, name: str, event: object) -> Json:
        try:
            answer: Json = self._invoke(self._plan.functions[name], event)
        except InvocationFailedError as failure:
            raise CannotError(name, failure.kind) from None
        return answer


def _follows(granted: Json, last: Json | None, held: Held) -> bool:
    """Whether an authorize counted one call after the settle of the run before, in the same day."""
    if last is None or last["subscriptionId"] != held.subscription_id or not _same("daily", last, granted):
        return True
    return bool(granted["daily"]["used"] == last["daily"]["used"] + 1)


def _books(granted: Json, settled: Json) -> bool:
    """Whether a settle that was not made before booked one unit of what was held, and nothing else."""
    if settled.get("replayed") or settled["late"] or settled["tierBreached"]:
        return False
    day, month = (granted["daily"], settled["daily"]), (granted["monthly"], settled["monthly"])
    if _same("daily", granted, settled) and any(day[0][name] != day[1][name] for name in ("used", "remaining")):
        return False
    if not _same("monthly", granted, settled):
        return True
    moved = {name: month[1][name] - month[0][name] for name in ("used", "held", "remaining")}
    return moved == {"used": 1, "held": -1, "remaining": 0}


def _same(window: str, one: Json, other: Json) -> bool:
    return bool(one[window]["resetsAt"] == other[window]["resetsAt"])
