"""Two versions of the service on the same tables: what one of them grants, sells and closes, the other goes on with."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from tests.runtime.requests import ask, buy
from tests.support.handlers import http_sample

if TYPE_CHECKING:
    from tests.runtime.conftest import Deployment, Running

OLD_KEY = "the deployment key that signed before".replace(" ", "-")
NEW_KEY = "the deployment key that signs from now on".replace(" ", "-")
BEFORE = {"SCHEMA_VERSION_WRITTEN": "2", "DEPLOYMENT_KEY": OLD_KEY, "DEPLOYMENT_KEYS_ACCEPTED": NEW_KEY}
NOW = {"SCHEMA_VERSION_WRITTEN": "3", "DEPLOYMENT_KEY": NEW_KEY, "DEPLOYMENT_KEYS_ACCEPTED": OLD_KEY}
DAY_MS = 86_400_000
START_MS = 1_795_392_000_000


def test_what_one_version_granted_the_other_settles_and_both_tell_the_same(deployment: Deployment) -> None:
    versions = {version["SCHEMA_VERSION_WRITTEN"]: version for version in (BEFORE, NOW)}
    functions = {
        (name, number): deployment.start(f"{name}Function", environment=environment)
        for name in ("Purchase", "Authorize", "Settle", "Subscriptions", "Reset")
        for number, environment in versions.items()
    }
    accounts = {number: f"acct_version_{number}" for number in versions}
    bought = {n: buy(functions["Purchase", n], account=accounts[n], now_ms=START_MS) for n in versions}
    used = dict.fromkeys(versions, 0)
    for day, (seller, granter) in enumerate(itertools.product(versions, versions)):
        now_ms = START_MS + day * DAY_MS + 1
        other = "3" if granter == "2" else "2"
        granted = ask(functions["Authorize", granter], bought[seller]["apiKey"], f"r-{day}", now_ms)
        repeated = ask(functions["Authorize", other], bought[seller]["apiKey"], f"r-{day}", now_ms)
        assert repeated == {**granted, "replayed": True}
        report = {"authorizationId": granted["authorizationId"], "actualUsage": day + 1}
        settled = functions["Settle", other].invoke(report, now_ms)
        used[seller] += day + 1
        assert (settled["settled"], settled["monthly"]["used"]) == (True, used[seller])
        assert functions["Settle", granter].invoke(report, now_ms) == {"settled": True, "replayed": True}
        assert not functions["Reset", other].invoke({}, now_ms + DAY_MS)["more"]
        for seen in versions:
            shown = [usage(functions["Subscriptions", n], accounts[seen], bought[seen], now_ms) for n in versions]
            assert shown[0] == shown[1]
            assert shown[0]["monthly"]["used"] == used[seen]
    assert used == {"2": 3, "3": 7}


def usage(subscriptions: Running, account: str, bought: Any, now_ms: int) -> Any:
    event = http_sample("get-usage", account, bought["subscriptionId"])
    (model,) = json.loads(subscriptions.invoke(event, now_ms)["body"])["models"]
    return model
