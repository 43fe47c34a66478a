"""A release: what the router calls is an alias, which moves by a canary that alarms judge, and back by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from local.cloudformation.template import load
from local.machine import ROOT
from tests.template.resources import EXPANDED, RESOURCES, SOURCE, Json, of_type, properties_of, under

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTED = ("AuthorizeFunction", "SettleFunction")
ALARMS = of_type("AWS::CloudWatch::Alarm")
STRATEGIES = SOURCE["Parameters"]["ReleaseStrategy"]
ARRIVES_SECONDS = 180
"""How late a minute's figures may be judged: CloudWatch gets them from the log, and CodeDeploy asks now and then."""
READ_BY_OPERATORS_CALLS = {"OperatorClaim", "OperatorValue", "AccountClaim"}
"""In every function's environment, and of no use to authorize and settle."""


def version_of(name: str) -> tuple[str, Json]:
    """The one version of a function, by its logical name."""
    (found,) = (n for n, p in of_type("AWS::Lambda::Version").items() if p["FunctionName"] == {"Ref": name})
    return found, properties_of(found)


def parameters_in(value: Any) -> Iterator[str]:
    """The parameters that a part of the template names, those of its conditions as well."""
    match value:
        case list():
            for inner in value:
                yield from parameters_in(inner)
        case {"Ref": str(name)}:
            yield from [name] if name in SOURCE["Parameters"] else []
        case {"Fn::If": [str(condition), *rest]}:
            yield from parameters_in([SOURCE["Conditions"][condition], *rest])
        case {"Fn::Sub": str(text)}:
            yield from (n for n in re.findall(r"\$\{(\w+)\}", text) if n in SOURCE["Parameters"])
        case {"Fn::Sub": [str(text), dict(variables)]}:
            yield from parameters_in([{"Fn::Sub": text}, *variables.values()])
        case dict():
            yield from parameters_in(list(value.values()))


def judges(**parameters: str) -> list[str]:
    """The alarms that stop the release of both functions, under these parameters."""
    found = []
    for name in ROUTED:
        configured = properties_of(f"{name}DeploymentGroup")["AlarmConfiguration"]
        watched = under(configured, **parameters)
        found.append([alarm["Name"] for alarm in watched.get("Alarms", [])])
        assert watched.get("Enabled", False) is bool(found[-1])
    assert found[0] == found[1]  # a bad release of one takes the other back as well, for they are released together
    return found[0]


@pytest.mark.parametrize("name", ROUTED)
def test_function_on_the_way_of_the_router_is_called_by_an_alias_which_a_deployment_moves(name: str) -> None:
    (alias,) = (n for n, p in of_type("AWS::Lambda::Alias").items() if p["FunctionName"] == {"Ref": name})
    properties = properties_of(alias)
    version, _ = version_of(name)
    assert (properties["Name"], properties["FunctionVersion"]) == ("live", {"Fn::GetAtt": [version, "Version"]})
    moved = EXPANDED[alias]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert moved["DeploymentGroupName"] == {"Ref": f"{name}DeploymentGroup"}
    output = SOURCE["Outputs"][f"{name}Arn"]
    assert output["Value"] == {"Ref": f"{name}.Alias"}
    assert EXPANDED[version]["DeletionPolicy"] == "Retain"  # of earlier releases, to go back to by hand


def test_no_other_function_has_an_alias() -> None:
    assert {p["FunctionName"]["Ref"] for p in of_type("AWS::Lambda::Alias").values()} == set(ROUTED)


def test_settles_of_the_queue_go_to_the_alias() -> None:
    (batches,) = of_type("AWS::Lambda::EventSourceMapping").values()
    assert batches["FunctionName"] == {"Ref": "SettleFunctionAliaslive"}


@pytest.mark.parametrize("name", ROUTED)
def test_release_that_fails_or_rings_is_taken_back_by_itself(name: str) -> None:
    group = properties_of(f"{name}DeploymentGroup")
    rolled_back = group["AutoRollbackConfiguration"]
    assert rolled_back["Enabled"] is True
    assert set(rolled_back["Events"]) >= {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}
    assert group["DeploymentStyle"]["DeploymentOption"] == "WITH_TRAFFIC_CONTROL"


@pytest.mark.parametrize("strategy", STRATEGIES["AllowedValues"])
def test_every_strategy_is_one_that_codedeploy_has(strategy: str) -> None:
    expanded = load(ROOT / "template.yaml", {"ReleaseStrategy": strategy})["Resources"]
    for name in ROUTED:
        configured = expanded[f"{name}DeploymentGroup"]["Properties"]["DeploymentConfigName"]
        assert configured == {"Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": strategy}]}


@pytest.mark.parametrize("name", ROUTED)
def test_whatever_parameter_changes_a_function_publishes_a_version_of_it(name: str) -> None:
    # A version is never updated: another description makes another one. SAM alone sees no changed value of a parameter.
    _, version = version_of(name)
    told = set(parameters_in(version["Description"]))
    function = {k: v for k, v in properties_of(name).items() if k not in ("ReservedConcurrentExecutions", "Tags")}
    needed = set(parameters_in(function)) - READ_BY_OPERATORS_CALLS
    assert {"DeploymentKeyRevision", "SchemaVersionWritten", "StoreClient", "LogLevel", "Tracing"} <= needed
    # What only another number of the function's own environments changes, or its tags, needs no version.
    assert needed - {"LogRetentionDays"} == told


@pytest.mark.parametrize("name", ROUTED)
def test_whatever_layer_changes_publishes_a_version_of_the_functions_that_have_it(name: str) -> None:
    described = str(version_of(name)[1]["Description"])
    layers = re.findall(r"'Ref': '(\w+Layer\w*)'", str(properties_of(name)["Layers"]))
    assert len(layers) == 2
    assert all(f"'Ref': '{layer}'" in described for layer in layers)


@pytest.mark.parametrize("layer", ["ModelpassLayer", "SdkLayer"])
def test_number_of_a_layer_by_which_a_version_tells_it_grows_with_each_build(layer: str) -> None:
    # SAM makes a resource of another name for each build of a layer; Lambda numbers what is published under one name.
    (properties,) = (p for n, p in of_type("AWS::Lambda::LayerVersion").items() if n.startswith(layer))
    assert properties["LayerName"] == layer


@pytest.mark.parametrize("name", ROUTED)
def test_whatever_else_changes_a_function_publishes_a_version_of_it(name: str) -> None:
    assert RESOURCES[name]["Properties"]["AutoPublishAliasAllProperties"] is True


@pytest.mark.parametrize("name", ROUTED)
def test_description_of_a_version_is_no_longer_than_lambda_takes(name: str) -> None:
    sub, variables = version_of(name)[1]["Description"]["Fn::Sub"]
    longest = {"StoreEndpoint": "https://vpce-0123456789abcdef0-abcdefgh.dynamodb.ap-southeast-1.vpce.amazonaws.com"}
    for parameter, declared in SOURCE["Parameters"].items():
        longest.setdefault(parameter, max(declared.get("AllowedValues", ["9" * 16]), key=len))
    longest |= dict.fromkeys(variables, "9" * 6)
    assert len(re.sub(r"\$\{(\w+)\}", lambda m: longest[m[1]], sub)) <= 256


def test_judges_can_ring_before_the_canary_gets_all_requests() -> None:
    minutes = re.fullmatch(r"Canary10Percent(\d+)Minutes", STRATEGIES["Default"])
    assert minutes is not None
    assert judges()
    for alarm in judges():
        properties = ALARMS[alarm]
        periods = {m["MetricStat"]["Period"] for m in properties.get("Metrics", []) if "MetricStat" in m}
        (period,) = periods or {properties["Period"]}
        needed = period * properties.get("DatapointsToAlarm", properties["EvaluationPeriods"])
        assert needed + period + ARRIVES_SECONDS <= int(minutes[1]) * 60, alarm


def test_judges_are_all_alarms_of_authorize_and_settle_that_ring_in_time_and_no_more_than_codedeploy_takes() -> None:
    assert set(judges()) == {
        "AuthorizeFailsClosedAlarm",
        "AuthorizeErrorsAlarm",
        "SettleFailsAlarm",
        "SettleErrorsAlarm",
        "FunctionThrottlesAlarm",
        "StoreThrottlesAlarm",
        "InvalidKeysAlarm",
        "AuthorizationsNotFoundAlarm",
    }
    assert len(judges()) <= 10


def test_judges_look_at_all_versions_of_a_function() -> None:
    # The dimension FunctionName alone is of all versions and aliases together, the canary's among them.
    for alarm in judges():
        stats = [m["MetricStat"]["Metric"] for m in ALARMS[alarm].get("Metrics", []) if "MetricStat" in m]
        for metric in stats or [ALARMS[alarm]]:
            if metric["Namespace"] == "AWS/Lambda":
                assert [d["Name"] for d in metric["Dimensions"]] == ["FunctionName"]


def test_release_all_at_once_has_no_judge_so_that_a_fix_gets_out_while_an_alarm_rings() -> None:
    assert judges(ReleaseStrategy="AllAtOnce") == []
    for strategy in set(STRATEGIES["AllowedValues"]) - {"AllAtOnce"}:
        assert judges(ReleaseStrategy=strategy) == judges()
