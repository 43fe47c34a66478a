"""What the tests of built functions ask of them, one function at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.handlers import http_sample
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from tests.runtime.conftest import Running

ACCOUNT = "acct_runtime"
MODEL = {"modelId": TEXT_MODEL, "channelTier": "stable", "dailyCallLimit": 50, "monthlyTokenCap": 1000}


def buy(purchases: Running, key: str | None = None, account: str = ACCOUNT, now_ms: int | None = None) -> Any:
    headers = {"idempotency-key": key} if key else {}
    body = json.dumps({"models": [MODEL]})
    answer = purchases.invoke(http_sample("purchase", account, body=body, headers=headers), now_ms)
    assert answer["statusCode"] == 201, answer
    return json.loads(answer["body"])


def ask(authorize: Running, key: str, request_id: str = "r-1", now_ms: int | None = None) -> Any:
    payload = {"apiKey": key, "modelId": TEXT_MODEL, "requestId": request_id, "estimatedUsage": 10}
    return authorize.invoke(payload, now_ms)
