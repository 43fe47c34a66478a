"""What the router, customers and operators ask of the handlers, and what a line of the log names of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.handlers import INSIDE, Service, http_sample, sample

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request
    from tests.support.handlers import Json

Drive = Callable[[], object]
FORGED = "auth_" + "A" * 120
NAMED = {"accountId", "subscriptionId", "modelId"}
REPORTED = ("actualUsage", "calls")
OF_BEARERS = ("get-key", "get-key-models")
DONE = {"windowsRolled", "subscriptionsExpired", "holdsReleased", "more"}


def surprising(_: str, request: Request) -> Response:
    """A way to the store that breaks and quotes what was sent."""
    raise LookupError(INSIDE, request)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer and its service. A method prepares a call, and gives what makes it, to be recorded alone."""

    service: Service
    account: str
    bought: Json = field(repr=False)

    def authorize(self, **changes: Any) -> Drive:
        return lambda: self.service.authorize(**{"api_key": self.bought["apiKey"], **changes})

    def settle(self, **changes: Any) -> Drive:
        granted = self.service.authorize(self.bought["apiKey"], requestId="of-the-settle")
        return lambda: self.service.settle(granted["authorizationId"], **changes)

    def describe_key(self, **changes: Any) -> Drive:
        return lambda: self.service.describe_key(**{"api_key": self.bought["apiKey"], **changes})

    def again(self, drive: Drive) -> Drive:
        return self.after(drive, drive)

    def after(self, first: Drive, drive: Drive) -> Drive:
        first()
        return drive

    def invoke(self, function: str, event: object) -> Drive:
        return lambda: self.service.invoke(function, event)

    def failing(self, function: str, drive: Drive) -> Drive:
        def fail() -> object:
            with self.service.sending(function, surprising):
                return drive()

        return fail


def of_hold(subscription_id: str, granted: Json) -> Json:
    """The variables of a path that names what was granted."""
    return {"subscriptionId": subscription_id, "authorizationId": granted["authorizationId"]}


def http_call(customer: Customer, name: str, **changes: Any) -> Drive:
    if name in OF_BEARERS:
        changes = {"headers": {"authorization": f"Bearer {customer.bought['apiKey']}"}, **changes}
    if name == "look-up-key":
        changes = {"body": json.dumps({"apiKey": customer.bought["apiKey"]}), **changes}
    if name == "release":
        granted = customer.service.authorize(customer.bought["apiKey"], requestId="of-the-release")
        changes = {"pathParameters": of_hold(customer.bought["subscriptionId"], granted), **changes}
    event = http_sample(name, customer.account, customer.bought["subscriptionId"], **changes)
    return lambda: customer.service.answer(name, event)


ROUTER: dict[str, tuple[Callable[[Customer], Drive], str, str, set[str]]] = {
    # what is asked, the command, the decision, what the line names beside what every line has
    "granted": (lambda c: c.authorize(), "authorize", "granted", NAMED | {"requestId"}),
    "repeated": (lambda c: c.again(c.authorize(attempt=None)), "authorize", "replayed", NAMED | {"requestId"}),
    "the same attempt": (lambda c: c.again(c.authorize(attempt="a")), "authorize", "replayed", NAMED | {"requestId"}),
    "another attempt": (
        lambda c: c.after(c.authorize(attempt="a"), c.authorize(attempt="b")),
        "authorize",
        "request_in_progress",
        NAMED | {"requestId"},
    ),
    "over the limit": (
        lambda c: c.after(c.authorize(requestId="all", calls=50), c.authorize()),
        "authorize",
        "daily_call_limit_reached",
        NAMED | {"requestId"},
    ),
    "of another model": (
        lambda c: c.authorize(modelId="gpt-none"),
        "authorize",
        "model_not_included",
        NAMED | {"requestId"},
    ),
    "malformed": (
        lambda c: c.authorize(estimatedUsage=-1),
        "authorize",
        "invalid_request",
        {"requestId", "modelId"},
    ),
    "malformed id": (lambda c: c.authorize(requestId="no id"), "authorize", "invalid_request", {"modelId"}),
    "malformed model": (lambda c: c.authorize(modelId=["no"]), "authorize", "invalid_request", {"requestId"}),
    "no object": (lambda c: c.invoke("AuthorizeFunction", [1]), "authorize", "invalid_request", set()),
    "of no key": (lambda c: c.authorize(api_key="sk"), "authorize", "invalid_api_key", {"requestId", "modelId"}),
    "failing": (
        lambda c: c.failing("AuthorizeFunction", c.authorize()),
        "authorize",
        "internal_error",
        {"requestId", "modelId", "subscriptionId"},
    ),
    "settled": (lambda c: c.settle(), "settle", "settled", NAMED),
    "settled in another tier": (lambda c: c.settle(servedTier="basic"), "settle", "settled", {*NAMED, "TierBreaches"}),
    "settled far above its estimate": (
        lambda c: c.settle(actualUsage=40_000),
        "settle",
        "settled",
        {*NAMED, "UsageFarAboveEstimate"},
    ),
    "settled again": (lambda c: c.again(c.settle()), "settle", "replayed", NAMED),
    "settled with too many": (lambda c: c.settle(calls=2), "settle", "invalid_request", NAMED | {"param", *REPORTED}),
    "forged": (lambda c: lambda: c.service.settle(FORGED), "settle", "authorization_not_found", {"param", *REPORTED}),
    "settle malformed": (lambda c: c.invoke("SettleFunction", None), "settle", "invalid_request", set()),
    "settle failing": (
        lambda c: c.failing("SettleFunction", c.settle()),
        "settle",
        "internal_error",
        {"subscriptionId", "modelId"},
    ),
    "described": (lambda c: c.describe_key(), "describe_key", "described", {"accountId", "subscriptionId"}),
    "described of no key": (lambda c: c.describe_key(api_key="sk"), "describe_key", "invalid_api_key", set()),
    "described of no object": (lambda c: c.invoke("DescribeKeyFunction", 1), "describe_key", "invalid_request", set()),
    "describing fails": (
        lambda c: c.failing("DescribeKeyFunction", c.describe_key()),
        "describe_key",
        "internal_error",
        {"subscriptionId"},
    ),
    "reset": (
        lambda c: c.invoke("ResetFunction", sample("reset")),
        "reset",
        "ok",
        DONE | {"ResetLagSeconds"},
    ),
    # The last one: it leaves nothing of the month.
    "settled above its month": (
        lambda c: c.settle(actualUsage=5_000_001),
        "settle",
        "settled",
        {*NAMED, "UsageFarAboveEstimate", "Overruns"},
    ),
}
