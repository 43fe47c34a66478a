"""`template.yaml` for the tests of this folder, as it is written and as CloudFormation gets it, and the front's."""

from __future__ import annotations

from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.cloudformation.intrinsics import Resolver
from local.cloudformation.parameters import apply
from local.machine import ROOT
from tests.support.world import expanded_template

Json = dict[str, Any]

SOURCE: Json = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
RESOURCES: Json = SOURCE["Resources"]
FRONT: Json = yaml_parse((ROOT / "front" / "template.yaml").read_text("utf-8"))
EXPANDED: Json = expanded_template()["Resources"]
# Sorted, for the translator keeps no order, and processes that share the tests must name them alike.
TYPES: dict[str, str] = {name: resource["Type"] for name, resource in sorted(EXPANDED.items())}


def properties_of(name: str) -> Json:
    """The properties of a resource as CloudFormation gets them."""
    properties: Json = EXPANDED[name]["Properties"]
    return properties


def of_type(kind: str) -> dict[str, Json]:
    """The properties of all resources of a type, by name."""
    return {name: properties_of(name) for name, type_name in TYPES.items() if type_name == kind}


def arn(name: str) -> Json:
    """A reference to the ARN of a resource."""
    return {"Fn::GetAtt": [name, "Arn"]}


def under(value: Any, **parameters: str) -> Any:
    """A value that hangs on conditions, as it is under these parameters; None for no value."""
    declared = {name: dict(declared) for name, declared in SOURCE["Parameters"].items()}
    apply({"Parameters": declared}, parameters)
    return Resolver({**expanded_template(), "Parameters": declared}, {}, "").structure(value)
