"""`front/template.yaml` for its tests: with its parameters set, as its Rules allow them. Rule: no test is in here."""

from __future__ import annotations

from typing import Final

from local.cloudformation import parameters
from local.cloudformation.intrinsics import Resolver
from tests.template.resources import FRONT, Json

API: Final = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
OPERATORS_API: Final = "operators.example.com"
CERTIFICATE: Final = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"


def made(**values: str) -> Json:
    """The front's template with its parameters set, as its Rules allow them; raises `CommandError`."""
    template = {**FRONT, "Parameters": {name: dict(declared) for name, declared in FRONT["Parameters"].items()}}
    parameters.apply(template, {"CustomersApiDomain": API, **values})
    return template


def resource(name: str, **values: str) -> Json:
    """The properties of a resource under these parameters."""
    template = made(**values)
    properties: Json = Resolver(template, {}, "").structure(template["Resources"][name]["Properties"])
    return properties


def distribution(name: str, **values: str) -> Json:
    config: Json = resource(name, **values)["DistributionConfig"]
    return config
