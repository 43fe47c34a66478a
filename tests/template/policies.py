"""What the template lets a function do, read from the role that it gets. Rule: no wildcard is understood."""

from __future__ import annotations

import re
from typing import Any

from tests.support.world import expanded_template

Json = dict[str, Any]
SERVICES = {"dynamodb", "sqs"}
_INDEX = re.compile(r"\$\{(\w+)\.Arn\}(/index/\w+)")


def expanded(kind: str) -> dict[str, Json]:
    """The resources of a kind as CloudFormation gets them."""
    return {name: r for name, r in expanded_template()["Resources"].items() if r["Type"] == kind}


def function(name: str) -> Json:
    """The properties of a function."""
    properties: Json = expanded("AWS::Lambda::Function")[name]["Properties"]
    return properties


def role(name: str) -> Json:
    """The role that a function runs as."""
    properties: Json = expanded("AWS::IAM::Role")[function(name)["Role"]["Fn::GetAtt"][0]]["Properties"]
    return properties


def granted(name: str) -> dict[str, set[str]]:
    """The DynamoDB actions a function may take, by table or `table/index/name`."""
    return _allowed(name, "dynamodb")


def polled(name: str) -> dict[str, set[str]]:
    """What Lambda may do with queues in a function's name, by queue."""
    return _allowed(name, "sqs")


def _allowed(name: str, service: str) -> dict[str, set[str]]:
    allowed: dict[str, set[str]] = {}
    for policy in role(name).get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            assert set(statement) == {"Effect", "Action", "Resource"}
            assert statement["Effect"] == "Allow"
            for action in statement["Action"]:
                asked, _, operation = action.partition(":")
                assert asked in SERVICES
                if asked == service:
                    allowed.setdefault(_resource(statement["Resource"]), set()).add(operation)
    return allowed


def _resource(resource: Json) -> str:
    ((how, argument),) = resource.items()
    if how == "Fn::GetAtt":
        name, attribute = argument
        assert attribute == "Arn"
        return str(name)
    match = _INDEX.fullmatch(argument)
    assert how == "Fn::Sub"
    assert match is not None, argument
    return match[1] + match[2]
