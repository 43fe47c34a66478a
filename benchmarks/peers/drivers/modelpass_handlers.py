"""Modelpass: what the handlers of authorize and settle run. Rule: `wiring` builds it, as at a cold start."""

from __future__ import annotations

import threading
from typing import Any, Final

from benchmarks.peers.drivers.protocol import serve
from modelpass.api.subscription_bodies import parse_purchase
from modelpass.entitlements.commands.authorize import Caches
from modelpass.router.authorize import handle_authorize
from modelpass.router.settle import handle_settle
from modelpass.runtime import wiring
from modelpass.subscriptions.commands import purchase

MODEL: Final = "claude-opus-4-6"
HOLD_SECONDS, SHORT_HOLD_SECONDS = 900, 3
SHORT_WINDOW_SECONDS: Final = 60
FOREVER: Final = float("inf")


class Environment(threading.local):
    """What a cold start builds, once for each thread: an execution environment has one request at a time."""

    def __init__(self) -> None:
        self.deps = wiring.deps(signs=True)
        self.caches = Caches.empty(self.deps)


class Modelpass:
    """A grant is an authorization; both limits, the key, the tier and the term are decided in the one check."""

    reports = True

    def __init__(self) -> None:
        self.built = Environment()

    def prepare(self, name: str, calls: int, tokens: int, window_seconds: int) -> Any:
        """Buy a subscription; windows are a day and a month, and a hold is short where the windows of others are."""
        hold = SHORT_HOLD_SECONDS if window_seconds < SHORT_WINDOW_SECONDS else HOLD_SECONDS
        entry = {"modelId": MODEL, "channelTier": "stable", "dailyCallLimit": calls, "monthlyTokenCap": tokens}
        bought = purchase.purchase(self.built.deps, name, parse_purchase({"models": [entry]}), None)
        return {"apiKey": bought.api_key, "modelId": MODEL, "holdSeconds": hold}

    def check(self, key: Any, tokens: int, number: str) -> Any:
        """Authorize one request; None where a limit refuses it."""
        event = {**key, "requestId": number, "estimatedUsage": tokens}
        answer = handle_authorize(self.built.deps, self.built.caches, event, "bench")
        if answer["allowed"]:
            return answer["authorizationId"]
        if answer["statusCode"] != 429:  # any other refusal is a fault of this script
            raise RuntimeError(answer["error"]["code"])
        return None

    def report(self, _: Any, grant: Any, used: int) -> Any:
        """Settle the authorization with what was used."""
        answer = handle_settle(
            self.built.deps, self.built.caches.tiers, {"authorizationId": grant, "actualUsage": used}, "bench", FOREVER
        )
        if not answer["settled"]:
            raise RuntimeError(answer["error"]["code"])

    def left(self, key: Any) -> Any:
        """What a refusal of too much shows as remaining."""
        event = {**key, "requestId": "left", "estimatedUsage": 10**15}
        return handle_authorize(self.built.deps, self.built.caches, event, "bench")["monthly"]["remaining"]


if __name__ == "__main__":
    serve(Modelpass())
