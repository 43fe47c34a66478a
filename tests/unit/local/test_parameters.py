"""Parameters of the template, set for a run: what CloudFormation would refuse is refused, in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from local import settings
from local.cloudformation import parameters
from local.cloudformation.template import load, read, secret_values
from local.machine import ROOT
from ops.errors import CommandError

DECLARED: dict[str, Any] = {
    "Number": {"Type": "Number", "Default": 100, "MinValue": 1, "MaxValue": 1000},
    "Choice": {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"]},
    "Days": {"Type": "Number", "Default": 7, "AllowedValues": [7, 14]},
    "Pattern": {"Type": "String", "Default": "", "AllowedPattern": "[a-z]*"},
    "Short": {"Type": "String", "Default": "ab", "MinLength": 2, "MaxLength": 3},
    "Digits": {"Type": "String", "Default": "1", "AllowedPattern": r"\d+", "ConstraintDescription": "must be digits"},
    "Free": {"Type": "String", "Default": "x"},
    "Ami": {"Type": "AWS::EC2::Image::Id", "Default": "x"},
}


FREE, CHOICE = {"Ref": "Free"}, {"Ref": "Choice"}
RULES: dict[str, Any] = {
    "DefaultOfFreeIsForHereAlone": {
        "Assertions": [{"Assert": {"Fn::Not": [{"Fn::Equals": [FREE, "x"]}]}, "AssertDescription": "Free must be set"}]
    },
    "ShortOnesGoWithA": {
        "RuleCondition": {"Fn::Equals": [CHOICE, "b"]},
        "Assertions": [
            {
                "Assert": {
                    "Fn::And": [
                        {"Fn::Or": [{"Fn::Equals": [FREE, "y"]}, {"Fn::Contains": [["z", 7], FREE]}]},
                        {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}]},
                    ]
                },
                "AssertDescription": "Choice b wants Free to be y, z or 7",
            }
        ],
    },
}


def applied(**values: str) -> dict[str, str]:
    template = {"Parameters": {name: dict(declared) for name, declared in DECLARED.items()}, "Rules": RULES}
    parameters.apply(template, values)
    return {name: str(declared["Default"]) for name, declared in template["Parameters"].items()}


def test_values_take_the_place_of_defaults_and_the_others_stay() -> None:
    before = applied()
    values = {"Number": "5", "Choice": "a", "Days": "14", "Pattern": "xyz", "Short": "abc", "Free": "a=b,c"}
    assert applied(**values) == {**before, **values}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Number", "0", "at least 1"),
        ("Number", "1001", "at most 1000"),
        ("Number", "many", "a number"),
        ("Number", "", "a number"),
        ("Number", "nan", "a number"),
        ("Choice", "c", "one of a, b"),
        ("Days", "8", "one of 7, 14"),
        ("Pattern", "ABC", "match"),
        ("Pattern", "abc1", "match"),
        ("Digits", "x", "^PARAMETERS: Digits must be digits, not 'x'.$"),
        ("Digits", "\u0661", "must be digits"),  # Java's \\d is of ASCII alone
        ("Digits", "1\n", "must be digits"),
        ("Short", "a", "length of at least 2"),
        ("Short", "abcd", "length of at most 3"),
        ("Ami", "y", "AWS only"),
        ("Nobody", "1", "Ami, Choice, Days"),
    ],
)
def test_a_value_that_is_not_allowed_is_told_with_its_parameter(name: str, value: str, words: str) -> None:
    with pytest.raises(CommandError, match=words) as told:
        applied(**{name: value})
    assert "\n" not in str(told.value)
    assert name in str(told.value) or name == "Ami"


def test_a_template_without_parameters_has_none_to_set() -> None:
    with pytest.raises(CommandError, match="parameters are none"):
        parameters.apply({}, {"Any": "1"})


def test_settings_are_pairs_separated_by_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARAMETERS", raising=False)
    assert settings.parameters() == {}
    monkeypatch.setenv("PARAMETERS", " A=1,2  B=\n C=x=y ")
    assert settings.parameters() == {"A": "1,2", "B": "", "C": "x=y"}


@pytest.mark.parametrize("text", ["A", "=1", "A=1 B", "A=1 A=2"])
def test_what_is_no_pair_or_comes_twice_is_told(text: str) -> None:
    with pytest.raises(CommandError, match="PARAMETERS"):
        parameters.of_text(text)


def test_functions_get_the_values_that_were_set() -> None:
    expanded = load(ROOT / "template.yaml", {"MaxOpenHolds": "5"})
    functions = read(expanded, ROOT, secret_values(expanded)).functions
    assert functions["AuthorizeFunction"].environment["MAX_OPEN_HOLDS"] == "5"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"Choice": "b"}, "Choice b wants Free to be y, z or 7"),
        ({"Choice": "b", "Free": "w"}, "Choice b wants Free to be y, z or 7"),
        ({"Choice": "b", "Free": "y"}, None),
        ({"Choice": "b", "Free": "7"}, None),
        ({"Choice": "a", "Free": "w"}, None),
        ({"Free": "x"}, "Free must be set"),
        ({"Number": "5"}, None),
        ({}, None),
    ],
)
def test_rule_is_checked_when_one_of_its_parameters_is_set(values: dict[str, str], told: str | None) -> None:
    if told is None:
        applied(**values)
        return
    with pytest.raises(CommandError, match=f"^PARAMETERS: {told}.$"):
        applied(**values)


@pytest.mark.parametrize(
    "assertion", [{"Fn::EachMemberIn": [["a"], ["a"]]}, {"Fn::Equals": [{"Fn::RefAll": "X"}, "a"]}]
)
def test_rule_that_cannot_be_checked_here_is_told(assertion: dict[str, Any]) -> None:
    rule = {"RuleCondition": {"Fn::Equals": [{"Ref": "A"}, "1"]}, "Assertions": [{"Assert": assertion}]}
    template = {"Parameters": {"A": {"Type": "String", "Default": "0"}}, "Rules": {"One": rule}}
    with pytest.raises(CommandError, match="runs on AWS only"):
        parameters.apply(template, {"A": "1"})
