"""Locally as on AWS: a function that its policies do not let do something fails, and the stack says what it lacked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from local.machine import ROOT
from tests.support import stack as support

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.stack import Stack

    NewAccount = Callable[[], str]

Json = dict[str, Any]


def template_without(function: str, table: str, action: str) -> Json:
    """The template, where a function lacks one permission."""
    template: Json = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    (policy,) = template["Resources"][function]["Properties"]["Policies"]
    (statement,) = [s for s in policy["Statement"] if s["Resource"] == {"Fn::GetAtt": [table, "Arn"]}]
    statement["Action"].remove(action)
    if not statement["Action"]:
        policy["Statement"].remove(statement)
    return template


def test_a_function_fails_where_a_permission_is_missing_and_the_stack_tells_which(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_text(json.dumps(template_without("AuthorizeFunction", "TiersTable", "dynamodb:GetItem")), "utf-8")
    with support.running(DATA=str(tmp_path), MODELPASS_TEMPLATE=str(template)) as stack:
        bought = stack.buy("acct_without_a_permission")
        refused = stack.authorize(bought["apiKey"], "r-1")
        assert (refused["allowed"], refused["error"]["code"]) == (False, "internal_error")
        rows = stack.send("GET", "/_local/permissions").json["AuthorizeFunction"]
        assert stack.end() == (0, "")
    lacked = {"resource": "TiersTable", "action": "dynamodb:GetItem", "granted": False, "asked": True}
    assert [row for row in rows if not row["granted"]] == [lacked]
    told = [json.loads(line) for line in (tmp_path / "functions.log").read_text("utf-8").splitlines()]
    (problem,) = [line["message"] for line in told if line.get("location") == "local.iam.gate"]
    assert "AuthorizeFunction is not authorized to perform: dynamodb:GetItem on resource: " in problem


def test_the_stack_shows_what_functions_may_do_and_what_they_asked_for(stack: Stack, new_account: NewAccount) -> None:
    stack.buy(new_account())
    answer = stack.send("GET", "/_local/permissions")
    if answer.status == 404:
        pytest.skip("the store that the environment names checks credentials: no gate stands before it")
    shown = answer.json
    assert shown["NotFoundFunction"] == []
    written = {"resource": "EntitlementsTable", "action": "dynamodb:PutItem", "granted": True, "asked": True}
    assert written in shown["PurchaseFunction"]
    assert [(name, row) for name, rows in shown.items() for row in rows if not row["granted"]] == []
