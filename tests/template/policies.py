"""What the template lets a function do, read from the role that it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.iam import policies
from tests.support.world import expanded_template

if TYPE_CHECKING:
    from local.iam.policies import Permission

Json = dict[str, Any]
SERVICES = {"dynamodb", "lambda", "sqs"}


def expanded(kind: str) -> dict[str, Json]:
    """The resources of a kind as CloudFormation gets them."""
    return {name: r for name, r in expanded_template()["Resources"].items() if r["Type"] == kind}


def function(name: str) -> Json:
    """The properties of a function."""
    properties: Json = expanded("AWS::Lambda::Function")[name]["Properties"]
    return properties


def role(name: str) -> Json:
    """The role that a function runs as."""
    properties: Json = expanded("AWS::IAM::Role")[policies.roles(expanded_template())[name]]["Properties"]
    return properties


def permissions(role_name: str) -> frozenset[Permission]:
    """What a role's own policies allow, on resources by their names in the template."""
    return policies.granted(expanded_template(), role_name)


def granted(name: str) -> dict[str, set[str]]:
    """The DynamoDB actions a function may take, by table or `table/index/name`."""
    return _allowed(name, "dynamodb")


def polled(name: str) -> dict[str, set[str]]:
    """What Lambda may do with queues in a function's name, by queue."""
    return _allowed(name, "sqs")


def invoked(name: str) -> dict[str, set[str]]:
    """What a function may do with other functions, by function and alias."""
    return _allowed(name, "lambda")


def _allowed(name: str, service: str) -> dict[str, set[str]]:
    allowed: dict[str, set[str]] = {}
    for resource, action in permissions(policies.roles(expanded_template())[name]):
        asked, _, operation = action.partition(":")
        assert asked in SERVICES
        if asked == service:
            allowed.setdefault(resource, set()).add(operation)
    return allowed
