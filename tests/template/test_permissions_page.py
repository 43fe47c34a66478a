"""`docs/permissions.md` and the template tell the same, both ways; and no policy of ours is wider than its words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local.iam import policies
from local.iam.policies import DYNAMODB, Permission, granted
from local.machine import ROOT
from ops.errors import CommandError
from tests.support.world import expanded_template
from tests.template.policies import expanded, permissions

Json = dict[str, Any]
PAGE = (ROOT / "docs" / "permissions.md").read_text("utf-8")
MATRIX, REASONS = PAGE.partition("## Functions and their reasons")[::2]
OF_FUNCTIONS, _, ELSE = REASONS.partition("## Other roles")
OTHERS, _, MANAGED = ELSE.partition("## Policies of AWS's own")
OF_CODEDEPLOY = {"CodeDeployServiceRole": "AWSCodeDeployRoleForLambda"}
"""A role that SAM makes, with a policy of AWS's own."""
CELL = r" `([\w:/]+)` \|"


def reasons_of(function: str) -> list[tuple[str, str, str]]:
    section = OF_FUNCTIONS.partition(f"### `{function}`\n")[2].partition("###")[0]
    return re.findall(rf"^\|{CELL}{CELL} (.*) \|$", section, re.MULTILINE)


def full(action: str) -> str:
    return action if ":" in action else DYNAMODB + action


@pytest.mark.parametrize("function", policies.roles(expanded_template()))
def test_what_a_function_may_do_is_told_once_with_its_reason(function: str) -> None:
    told = [(resource, full(action)) for resource, action, _ in reasons_of(function)]
    assert sorted(told) == sorted(permissions(policies.roles(expanded_template())[function]))
    assert [why for *_, why in reasons_of(function) if not why.strip()] == []


def test_functions_have_a_section_each() -> None:
    sections = re.findall(r"^### `(\w+)`$", OF_FUNCTIONS, re.MULTILINE)
    assert sorted(sections) == sorted(expanded("AWS::Lambda::Function"))


def test_matrix_shows_all_that_functions_may_do() -> None:
    head, *rows = re.findall(r"^\| (.*) \|$", MATRIX, re.MULTILINE)
    resources = re.findall(r"`([\w/]+)`", head)
    told: dict[str, set[Permission]] = {}
    for row in rows:
        name, *cells = row.split("|")
        actions = [(resource, cell) for resource, cell in zip(resources, cells, strict=True)]
        told[name.strip().strip("`")] = {(r, DYNAMODB + _long(a)) for r, cell in actions for a in _listed(cell)}
    every = policies.of_functions(expanded_template()).items()
    assert told == {name: {p for p in had if p[1].startswith(DYNAMODB)} for name, had in every}


def _listed(cell: str) -> list[str]:
    return [action.strip() for action in cell.split(",") if action.strip()]


def _long(action: str) -> str:
    return action if action == "Query" else f"{action}Item"


def test_other_roles_are_told_with_their_reasons() -> None:
    of_functions = set(policies.roles(expanded_template()).values())
    others = [role for role in expanded("AWS::IAM::Role") if role not in of_functions]
    granted_to_others = sorted((role, *permission) for role in others for permission in permissions(role))
    told = re.findall(rf"^\|{CELL}{CELL}{CELL} (.*\S.*) \|$", OTHERS, re.MULTILINE)
    assert sorted((role, resource, action) for role, resource, action, _ in told) == granted_to_others


def test_policies_of_aws_are_told_with_who_has_them() -> None:
    had: dict[str, set[str]] = {}
    for function, role in policies.roles(expanded_template()).items():
        for name in expanded("AWS::IAM::Role")[role]["Properties"]["ManagedPolicyArns"]:
            had.setdefault(name.rpartition("/")[2], set()).add(function)
    had |= {policy: {role} for role, policy in OF_CODEDEPLOY.items()}
    told = {}
    for name, who in re.findall(r"^\| `(AWS\w+)` \| (.+?) \| .+ \|$", MANAGED, re.MULTILINE):
        told[name] = set(had[name]) if who == "every function" else set(re.findall(r"`(\w+)`", who))
        assert who != "every function" or had[name] == set(expanded("AWS::Lambda::Function"))
    assert told == had


def test_no_other_role_has_policies_of_aws_but_that_by_which_codedeploy_moves_an_alias() -> None:
    of_functions = set(policies.roles(expanded_template()).values())
    roles = {name: role["Properties"] for name, role in expanded("AWS::IAM::Role").items() if name not in of_functions}
    given = {
        name: properties["ManagedPolicyArns"] for name, properties in roles.items() if "ManagedPolicyArns" in properties
    }
    service = "arn:aws:iam::aws:policy/service-role/"
    assert given == {role: [service + policy] for role, policy in OF_CODEDEPLOY.items()}
    for role in OF_CODEDEPLOY:
        (trusted,) = roles[role]["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Service": ["codedeploy.amazonaws.com"]}
        assert "Policies" not in roles[role]


def test_policies_stand_in_roles_alone() -> None:
    kinds = {resource["Type"] for resource in expanded_template()["Resources"].values()}
    assert kinds & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"} == set()


def test_functions_are_invoked_by_the_api_alone_and_by_its_own_routes() -> None:
    for name, permission in expanded("AWS::Lambda::Permission").items():
        properties = permission["Properties"]
        assert (properties["Action"], properties["Principal"]) == ("lambda:InvokeFunction", "apigateway.amazonaws.com")
        assert "${__ApiId__}" in str(properties["SourceArn"]), name


@pytest.mark.parametrize("role", expanded("AWS::IAM::Role"))
def test_no_policy_has_a_wildcard(role: str) -> None:
    assert "*" not in str(expanded("AWS::IAM::Role")[role]["Properties"].get("Policies"))
    for resource, action in permissions(role):
        assert re.fullmatch(r"\w+(/index/\w+|/StreamArn|:live)?", resource)
        assert re.fullmatch(r"[a-z]+:[A-Za-z]+", action)


PLAIN: Json = {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": {"Fn::GetAtt": ["T", "Arn"]}}


def template_with(statement: Json) -> Json:
    policy = {"PolicyName": "P", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    return {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}}}}


@pytest.mark.parametrize(
    ("change", "understood"),
    [
        ({}, {("T", "dynamodb:GetItem")}),
        ({"Sid": "Why"}, {("T", "dynamodb:GetItem")}),
        ({"Action": "dynamodb:GetItem"}, {("T", "dynamodb:GetItem")}),
        ({"Resource": [{"Fn::GetAtt": ["T", "StreamArn"]}]}, {("T/StreamArn", "dynamodb:GetItem")}),
        ({"Resource": {"Fn::Sub": "${T.Arn}/index/due"}}, {("T/index/due", "dynamodb:GetItem")}),
        ({"Resource": {"Ref": "TFunctionAliaslive"}}, {("TFunction:live", "dynamodb:GetItem")}),
        ({"Resource": {"Ref": "T"}}, None),
        ({"Action": ["dynamodb:*"]}, None),
        ({"Action": "*"}, None),
        ({"Action": "dynamodb:Get?tem"}, None),
        ({"Resource": "*"}, None),
        ({"Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/T"}, None),
        ({"Resource": {"Fn::Sub": "${T.Arn}/index/*"}}, None),
        ({"Resource": {"Fn::Sub": "${T.Arn}*"}}, None),
        ({"Effect": "Deny"}, None),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}, None),
        ({"NotAction": "dynamodb:PutItem"}, None),
    ],
    ids=str,
)
def test_what_a_statement_allows_is_understood_or_refused(change: Json, understood: set[Permission] | None) -> None:
    template = template_with({**PLAIN, **change})
    if understood is None:
        with pytest.raises(CommandError, match=r"^The template's R cannot be read: "):
            granted(template, "R")
    else:
        assert granted(template, "R") == understood
