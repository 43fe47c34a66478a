"""What whoever deploys decides and gets: parameters, environments, names, tags, outputs, what the linters may skip."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from local.cloudformation import parameters
from local.cloudformation.template import REGION
from local.machine import ROOT
from ops.errors import CommandError
from tests.template.policies import function
from tests.template.resources import EXPANDED, SOURCE, TYPES, Json, of_type, properties_of, under

ENVIRONMENTS: Json = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
del ENVIRONMENTS["version"]
TAGS = {"service": "modelpass", "stage": {"Ref": "Stage"}}
NAMED_BY = ("AlarmName", "DashboardName", "FunctionName", "LogGroupName", "Name", "QueueName", "RoleName", "TableName")


def taggable(kind: str) -> bool:
    """Whether CloudFormation takes tags for a type, by its published schema."""
    schema: Json = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    return bool(schema.get("tagging", {}).get("taggable", "Tags" in schema["properties"]))


def tags_of(name: str) -> Json:
    properties = properties_of(name)
    if TYPES[name] == "AWS::ApiGatewayV2::Api":  # SAM writes them into the document that is imported
        return {tag["name"]: tag["x-amazon-apigateway-tag-value"] for tag in properties["Body"]["tags"]}
    tags: Any = properties.get("Tags", {})
    return {tag["Key"]: tag["Value"] for tag in tags} if isinstance(tags, list) else tags


def made_by_sam(name: str) -> bool:
    """Whether SAM makes a resource by itself and takes no tags for it: it gets those of the stack (samconfig.toml)."""
    return TYPES[name].startswith("AWS::CodeDeploy::") or name == "CodeDeployServiceRole"


@pytest.mark.parametrize("name", [n for n, kind in TYPES.items() if taggable(kind) and not made_by_sam(n)])
def test_whatever_takes_tags_has_those_of_the_service_and_the_stage(name: str) -> None:
    assert tags_of(name).items() >= TAGS.items()


def test_most_types_take_tags() -> None:
    without = {kind for kind in TYPES.values() if not taggable(kind)}
    assert without == {
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::Lambda::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::Logs::MetricFilter",
        "AWS::S3::BucketPolicy",
        "AWS::Scheduler::Schedule",
    }


@pytest.mark.parametrize("name", [n for n in TYPES if set(NAMED_BY) & set(EXPANDED[n].get("Properties", {}))])
def test_second_stack_in_the_account_finds_every_name_free(name: str) -> None:
    if TYPES[name].startswith("AWS::Lambda::") and TYPES[name] != "AWS::Lambda::Function":
        return  # theirs is the name of the function, and an alias is the function's own
    if TYPES[name] == "AWS::Logs::MetricFilter":
        return  # its is the name of the log group that it reads
    for key in set(NAMED_BY) & set(properties_of(name)):
        assert "${AWS::StackName}" in properties_of(name)[key]["Fn::Sub"]


@pytest.mark.parametrize("name", of_type("AWS::Logs::LogGroup"))
def test_log_group_forgets_and_goes_with_its_stack(name: str) -> None:
    assert properties_of(name)["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert EXPANDED[name]["DeletionPolicy"] == "Delete"
    retention = SOURCE["Parameters"]["LogRetentionDays"]
    assert retention["Default"] in retention["AllowedValues"]


def test_metrics_of_two_stages_do_not_mix() -> None:
    for name in of_type("AWS::Lambda::Function"):
        variables = function(name)["Environment"]["Variables"]
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == {"Fn::Sub": "Modelpass/${Stage}"}


@pytest.mark.parametrize("name", ["Authorize", "Settle", "Reset"])
def test_concurrency_is_reserved_as_the_parameter_says_and_by_default_not_at_all(name: str) -> None:
    reserved = function(f"{name}Function")["ReservedConcurrentExecutions"]
    assert under(reserved) is None
    assert under(reserved, **{f"{name}Concurrency": "0"}) == "0"
    assert under(reserved, **{f"{name}Concurrency": "200"}) == "200"
    with pytest.raises(CommandError):
        under(reserved, **{f"{name}Concurrency": "-2"})


def test_only_those_three_have_concurrency_of_their_own() -> None:
    reserved = [n for n in of_type("AWS::Lambda::Function") if "ReservedConcurrentExecutions" in function(n)]
    assert sorted(reserved) == ["AuthorizeFunction", "ResetFunction", "SettleFunction"]


@pytest.mark.parametrize("name", SOURCE["Parameters"])
def test_parameter_is_described_has_a_default_that_is_allowed_and_is_used(name: str) -> None:
    declared = SOURCE["Parameters"][name]
    if name != "LogLevel":
        assert declared["Description"]
    parameters.apply({"Parameters": {name: dict(declared)}}, {name: str(declared["Default"])})
    text = (ROOT / "template.yaml").read_text("utf-8")
    assert re.search(rf"!Ref {name}\b|\$\{{{name}\}}", text)


def test_placeholder_of_the_issuer_is_refused_before_anything_is_made() -> None:
    (assertion,) = SOURCE["Rules"]["IssuerIsNamed"]["Assertions"]
    placeholder = SOURCE["Parameters"]["JwtIssuer"]["Default"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "JwtIssuer"}, placeholder]}]}
    assert "RuleCondition" not in SOURCE["Rules"]["IssuerIsNamed"]


def test_outputs_name_all_that_operators_and_routers_need() -> None:
    assert set(SOURCE["Outputs"]) >= {"ApiUrl", "AuthorizeFunctionArn", "SettleFunctionArn", "ResetFunctionName"}
    assert "DescribeKeyFunctionArn" in SOURCE["Outputs"]
    assert set(SOURCE["Outputs"]) >= {"DashboardUrl", "ApiAccessLogsName", "DeploymentKeyArn"}
    assert {f"{name}Name" for name in of_type("AWS::DynamoDB::Table")} <= set(SOURCE["Outputs"])
    assert all(output["Description"] for output in SOURCE["Outputs"].values())


def test_environments_are_stacks_of_their_own() -> None:
    stacks = [settings["global"]["parameters"]["stack_name"] for settings in ENVIRONMENTS.values()]
    assert set(ENVIRONMENTS) == {"default", "dev", "prod"}
    assert stacks == ["modelpass", "modelpass-dev", "modelpass-prod"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_inherits_nothing_and_has_all_it_needs(name: str) -> None:
    settings = {command: of["parameters"] for command, of in ENVIRONMENTS[name].items()}
    assert settings["validate"]["lint"] is True
    deploy = settings["deploy"]
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert deploy["resolve_s3"] is True
    assert deploy["confirm_changeset"] is (name != "dev")
    overrides = dict(pair.split("=", 1) for pair in deploy.get("parameter_overrides", []))
    parameters.apply({"Parameters": {n: dict(d) for n, d in SOURCE["Parameters"].items()}}, overrides)
    if name != "default":
        assert overrides["Stage"] == name
        assert deploy["tags"] == ["service=modelpass", f"stage={name}"]
        assert {"JwtIssuer", "JwtAudience"} <= set(overrides)


def test_each_check_that_checkov_skips_has_its_reason_above_it() -> None:
    lines = (ROOT / ".checkov.yaml").read_text("utf-8").partition("skip-check:\n")[2].splitlines()
    kinds = "".join("#" if line.startswith("  # ") else "-" for line in lines)
    assert kinds.startswith("#")
    assert all(re.fullmatch(r"  (# .+|- CKV_AWS_\d+)", line) for line in lines)
