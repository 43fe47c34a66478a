"""Customers of the stack, as the proxy serves them, and what the service counted of them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.stack import jwt_of

if TYPE_CHECKING:
    from tests.litellm.upstream import Plan
    from tests.support.stack import Stack

Json = dict[str, Any]

CHAT, CLAUDE, IMAGES, EMBEDDER = "gpt-chat", "claude-opus-4-6", "nano-banana-2", "embedder"
GROUPS = {
    f"{CHAT}::stable": ["openai/gpt-4o", "openai/gpt-4o"],
    f"{CHAT}::basic": ["openai/gpt-4o-mini"],
    f"{CLAUDE}::stable": ["anthropic/claude-opus-4-5"],
    f"{IMAGES}::stable": ["openai/dall-e-3"],
    f"{EMBEDDER}::stable": ["openai/text-embedding-3-small"],
    "falling::stable": ["openai/gpt-4o"],
    "spare::stable": ["openai/gpt-4.1"],
    "crossing::stable": ["openai/gpt-4o"],
    "limited::stable": ["openai/gpt-4o"],
    "untiered": ["openai/gpt-4o"],
}
SOLD = (CHAT, CLAUDE, IMAGES, EMBEDDER, "falling", "crossing", "limited", "unserved")
UNBOUNDED_OUTPUT = 4_096
SETTLE_SECONDS = 15


def offer_models(service: Stack) -> None:
    """Put the models of these tests on sale that the demo catalogue does not have."""
    price = {"currency": "USD", "base": "1.00", "perUnit": "0.000001", "perDailyCall": "0.01"}
    entry = {"kind": "text", "tiers": [{"channelTier": tier, "price": price} for tier in ("basic", "stable")]}
    headers = {"Authorization": f"Bearer {jwt_of('operator', 'operator')}", "Content-Type": "application/json"}
    for model in set(SOLD) - {CLAUDE, IMAGES}:
        answer = service.send("PUT", f"/v1/models/{model}", json.dumps(entry).encode(), headers)
        assert answer.status == 200, answer


@dataclass(frozen=True)
class Used:
    units: int
    calls: int


@dataclass(frozen=True)
class Customer:
    service: Stack
    account: str
    subscription: str
    key: str

    @staticmethod
    def of(service: Stack, account: str, calls: int, cap: int) -> Customer:
        lines = [
            {"modelId": model, "channelTier": "stable", "dailyCallLimit": calls, "monthlyTokenCap": cap}
            for model in SOLD
        ]
        bought = service.buy(account, {"models": lines})
        return Customer(service, account, bought["subscriptionId"], bought["apiKey"])

    def counters(self, model: str) -> Json:
        models = self.service.usage(self.account, self.subscription)["models"]
        found: Json = next(entry for entry in models if entry["modelId"] == model)
        return found

    def used(self, model: str = CHAT) -> Used:
        """What the service has counted of a model, once nothing of it is held any more."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (counters := self.counters(model))["monthly"]["held"]:
            assert time.monotonic() < deadline, counters
        return Used(counters["monthly"]["used"], counters["daily"]["used"])

    def held(self, model: str = CHAT) -> int:
        held: int = self.counters(model)["monthly"]["held"]
        return held


def says(plan: Plan, more: str = "") -> list[Json]:
    """Messages that choose a plan."""
    return [{"role": "user", "content": plan.word + more}]
