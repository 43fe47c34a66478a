"""The history in pages over the running stack: every entry once, by the cursors that pages give, and by no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.stack import IMAGE_MODEL, TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

LIMITS = {"dailyCallLimit": 5, "monthlyTokenCap": 1000}
MODELS = [
    {"modelId": TEXT_MODEL, "channelTier": "stable", **LIMITS},
    {"modelId": IMAGE_MODEL, "channelTier": "basic", **LIMITS},
]


def test_pages_of_one_entry_are_the_whole_history(stack: Stack, new_account: Callable[[], str]) -> None:
    account = new_account()
    made = stack.buy(account, {"models": MODELS})
    granted = stack.authorize(made["apiKey"], "r-1", 9, modelId=IMAGE_MODEL)
    assert stack.settle(granted["authorizationId"], 7)["settled"]
    path = f"/v1/subscriptions/{made['subscriptionId']}/history"
    whole = stack.api("GET", path, account).json
    assert [(d["modelId"], d["units"]) for d in whole["days"][:2]] == [(TEXT_MODEL, 0), (IMAGE_MODEL, 7)]
    assert whole["next"] is None
    shown: list[Any] = []
    cursor = ""
    while True:
        page = stack.api("GET", f"{path}?limit=1{cursor}", account).json
        assert page["terms"] == whole["terms"]
        shown += page["days"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert shown == whole["days"]
    for query, param in ((f"from=2026-01-01{cursor}", "from"), ("cursor=x", "cursor"), ("limit=1001", "limit")):
        answer = stack.api("GET", f"{path}?{query}", account)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_request", param)
