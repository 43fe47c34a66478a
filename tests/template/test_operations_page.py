"""The operators' page names what the template has: every alarm, every function that writes, parameters, outputs."""

from __future__ import annotations

import re

from local.machine import ROOT
from tests.support.world import permits
from tests.template.resources import FRONT, RESOURCES, SOURCE, of_type
from tests.unit.api.test_claims import PROVIDERS

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


def listed(name: str) -> set[str]:
    """The words of a shell variable of the page."""
    (words,) = re.findall(rf'^{name}="([^"]*)"$', PAGE, re.MULTILINE)
    return set(words.split())


def test_every_alarm_has_its_row() -> None:
    alarms = {name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(re.findall(r"^\| `(\w+Alarm)` \|", PAGE, re.MULTILINE)) == alarms


def test_every_function_that_writes_is_stopped_before_a_restore_and_every_table_restored() -> None:
    writing = {name for name, had in permits().granted.items() if any(action.endswith(WRITES) for _, action in had)}
    assert {f"{name}Function" for name in listed("WRITERS")} == writing
    assert listed("TABLES") == set(of_type("AWS::DynamoDB::Table"))
    assert set(re.findall(r"\$\(id (\w+)\)", PAGE)) <= set(RESOURCES)


def test_parameters_and_outputs_are_there() -> None:
    there = {*SOURCE["Parameters"], *SOURCE["Outputs"], *RESOURCES, *FRONT["Parameters"], *FRONT["Outputs"]}
    kinds = r"Url|Arn|Name|Concurrency|Seconds|Ms|Requests|Written|Revision|Holds|Origins|Issuer|Audience"
    named = set(re.findall(rf"\b([A-Z][A-Za-z]+(?:{kinds}))\b", PAGE))
    assert len(named) > 10
    assert named <= there, named - there


def test_every_parameter_has_its_row_with_its_default_and_what_it_takes() -> None:
    section = PAGE.partition("\n## Parameters\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert [name for name, _, _ in rows] == [*SOURCE["Parameters"]]
    for name, takes, default in rows:
        declared = SOURCE["Parameters"][name]
        told = "`" + declared["Default"] + "`"
        assert default.startswith(told if declared["Default"] and name != "JwtIssuer" else ("empty: ", "a placeholder"))
        assert all(re.search(rf"\b{re.escape(value)}\b", takes) for value in declared.get("AllowedValues", []))


def test_every_provider_whose_tokens_are_tried_has_its_row() -> None:
    section = PAGE.partition("\n## Identity providers\n")[2].partition("\n## ")[0]
    named = set(
        re.findall(r"^\| (?:Amazon |Microsoft )?(Cognito|Entra ID|Auth0|Okta|Keycloak) \|", section, re.MULTILINE)
    )
    assert named == {provider.partition(",")[0] for provider in PROVIDERS}
