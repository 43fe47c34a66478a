"""`docs/direct.md` tells what a router that decides by itself is given: its settings, and a policy just wide enough."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from local.iam.policies import Permission, asked, of_functions
from local.machine import ROOT
from modelpass.dynamodb.lean_client import LeanClient
from modelpass.embedded.decisions import NEEDED, OPTIONAL
from modelpass_client.direct import NAMES
from tests.support.embedded import in_real_time, routers
from tests.support.world import expanded_template, model, new_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.schema import Request
    from tests.support.world import World

PAGE = (ROOT / "docs" / "direct.md").read_text("utf-8")
FUNCTIONS = ("AuthorizeFunction", "SettleFunction", "DescribeKeyFunction")
"""Those that such a router stands for."""


def policy() -> set[Permission]:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    document = json.loads(text)
    assert set(document) == {"Version", "Statement"}
    assert all(set(s) == {"Effect", "Action", "Resource"} and s["Effect"] == "Allow" for s in document["Statement"])
    return {(s["Resource"].rpartition("/")[2], action) for s in document["Statement"] for action in s["Action"]}


@pytest.fixture
def live(engine: str) -> Iterator[World]:
    made = new_world(engine)
    yield in_real_time(made)
    made.drop_tables()


def test_the_policy_is_that_of_the_functions_that_it_stands_for() -> None:
    every = of_functions(expanded_template())
    assert policy() == {permission for name in FUNCTIONS for permission in every[name]}


def test_what_is_sent_to_the_store_is_in_the_policy(live: World, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, Request]] = []
    before = LeanClient.send

    def noted(self: LeanClient, operation: str, request: Request) -> dict[str, Any]:
        sent.append((operation, request))
        return before(self, operation, request)

    with routers(live, engine) as opens:
        made = live.buy(models=[model(calls=5, cap=100)])
        monkeypatch.setattr(LeanClient, "send", noted)
        router = opens()
        monkeypatch.undo()  # the world has a client of its own
        granted = [router.authorize(made["apiKey"], f"r-{n}", 20, holdSeconds=1) for n in range(5)]
        router.authorize(made["apiKey"], "over", 20)
        router.authorize(made["apiKey"], "none", 1, modelId="nano-banana-2")
        router.settle(granted[0]["authorizationId"], 15)
        router.settle(granted[1]["authorizationId"], 15, servedTier="basic")
        router.decisions.describe_key({"apiKey": made["apiKey"]})
    prefix = live.tables.tiers.removesuffix("TiersTable")
    wanted = {(table.removeprefix(prefix), action) for each in sent for table, action in asked(*each)}
    assert wanted <= policy()
    read = {("TiersTable", "dynamodb:GetItem"), ("EntitlementsTable", "dynamodb:BatchGetItem")}
    assert {*read, ("EventsTable", "dynamodb:PutItem")} <= wanted


def test_every_setting_is_listed_by_its_name_in_the_environment() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `([A-Z_]+)` \|", PAGE, re.MULTILINE))
    assert rows == NAMES
    assert set(rows.values()) == {*NEEDED, *OPTIONAL}
