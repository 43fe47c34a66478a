"""Tracing is one parameter: by default nothing is traced, and no function has the policy and layer for it."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from local.cloudformation.template import load, read, secret_values
from local.machine import ROOT
from tests.template.policies import expanded
from tests.template.resources import RESOURCES, SOURCE, Json

FUNCTIONS: Final = sorted(expanded("AWS::Lambda::Function"))
OF_THE_API: Final = sorted(
    name
    for name in FUNCTIONS
    if any(event["Type"] == "HttpApi" for event in RESOURCES[name]["Properties"].get("Events", {}).values())
)
LETS_TRACE: Final = "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"


@cache
def under_tracing(value: str) -> Json:
    on = {"SyntheticCustomer": "Enabled", "SyntheticModel": "probe"}  # for all functions that there can be
    return load(ROOT / "template.yaml", {"Tracing": value, **on})


def layers_of(expanded_so: Json, function: str) -> list[str]:
    given = read(expanded_so, ROOT, secret_values(expanded_so)).functions[function].layers
    return [layer.name for layer in given]


def test_nothing_is_traced_unless_somebody_says_so() -> None:
    assert SOURCE["Parameters"]["Tracing"]["Default"] == "Disabled"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_that_is_not_traced_has_neither_tracing_nor_its_policy_nor_its_layer(name: str) -> None:
    resources = under_tracing("Disabled")["Resources"]
    assert "TracingConfig" not in resources[name]["Properties"]
    assert LETS_TRACE not in resources[f"{name}Role"]["Properties"]["ManagedPolicyArns"]
    assert "tracer" not in layers_of(under_tracing("Disabled"), name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_that_is_traced_has_all_it_takes_and_only_those_of_the_api_the_layer(name: str) -> None:
    resources = under_tracing("Active")["Resources"]
    assert resources[name]["Properties"]["TracingConfig"] == {"Mode": {"Ref": "Tracing"}}
    assert LETS_TRACE in resources[f"{name}Role"]["Properties"]["ManagedPolicyArns"]
    assert ("tracer" in layers_of(under_tracing("Active"), name)) == (name in OF_THE_API)


def test_functions_of_the_api_are_all_but_five() -> None:
    others = {"AuthorizeFunction", "SettleFunction", "DescribeKeyFunction", "ResetFunction", "SyntheticFunction"}
    assert set(FUNCTIONS) - set(OF_THE_API) == others


def test_layer_is_made_only_while_requests_are_traced() -> None:
    layers = {name: layer.get("Condition") for name, layer in expanded("AWS::Lambda::LayerVersion").items()}
    conditions = {name[:-10]: condition for name, condition in layers.items()}
    assert conditions.pop("TracerLayer") == "RequestsAreTraced"
    assert set(conditions.values()) == {None}
    assert SOURCE["Conditions"]["RequestsAreTraced"] == {"Fn::Equals": [{"Ref": "Tracing"}, "Active"]}
