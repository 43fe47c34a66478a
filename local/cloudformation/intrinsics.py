"""Resolves the template's functions (Ref, Sub, If, …). Rule: what can be known on AWS only raises `CommandError`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from ops.errors import CommandError

REGION: Final = "eu-west-1"
ACCOUNT: Final = "123456789012"
_DYNAMIC = re.compile(r"\{\{resolve:secretsmanager:([^:}]+):SecretString:([^:}]+)\}\}")
_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")
_STACK_ID: Final = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/modelpass/00000000-0000-0000-0000-000000000000"
_PSEUDO: Final = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::StackId": _STACK_ID,
    "AWS::StackName": "modelpass",
    "AWS::URLSuffix": "amazonaws.com",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves values of an expanded template, with these secrets; names of tables get `prefix`."""

    expanded: Json
    secret: dict[str, Json]
    prefix: str

    def value(self, value: Any) -> str:
        """The text of a literal, Ref, Sub or Join, with dynamic references filled in."""
        if isinstance(value, dict):
            ((function, argument),) = value.items()
            match function:
                case "Ref":
                    value = self._ref(argument)
                case "Fn::Sub":
                    value = self._sub(argument)
                case "Fn::Join":
                    separator, parts = argument
                    value = separator.join(self.value(part) for part in self.structure(parts))
                case _:
                    raise CommandError(f"The template uses {function}, which runs on AWS only.")
        return _DYNAMIC.sub(lambda m: str(self.secret[m[1]][m[2]]), str(value))

    def structure(self, value: Any) -> Any:
        """A value that may hang on conditions, as it is under this template's parameters; None for no value."""
        if isinstance(value, list):
            return [made for inner in value if (made := self.structure(inner)) is not None]
        if not isinstance(value, dict):
            return value
        match value:
            case {"Fn::If": [str(condition), then, otherwise]}:
                made = self.structure(then if self.holds({"Condition": condition}) else otherwise)
            case {"Fn::Split": [str(separator), text]}:
                made = self.value(text).split(separator)
            case {"Fn::Select": [index, values]}:
                made = self.structure(values)[int(index)]
            case {"Ref": "AWS::NoValue"}:
                made = None
            case {"Ref": _} | {"Fn::Sub": _} | {"Fn::Join": _}:
                made = self.value(value)
            case _:
                made = {name: made for name, inner in value.items() if (made := self.structure(inner)) is not None}
        return made

    def _sub(self, argument: Any) -> str:
        text, variables = _parts_of_sub(argument)
        given = {name: str(self.structure(value)) for name, value in variables.items()}
        return _PLACEHOLDER.sub(lambda m: given[m[1]] if m[1] in given else self._ref(m[1]), text).replace("${!", "${")

    def holds(self, condition: Json) -> bool:
        """Whether a condition of the template, or of one of its Rules, is true."""
        match condition:
            case {"Condition": str(name)}:
                return self.holds(self.expanded["Conditions"][name])
            case {"Fn::Not": [inner]}:
                return not self.holds(inner)
            case {"Fn::And": [*inner]}:
                return all(self.holds(one) for one in inner)
            case {"Fn::Or": [*inner]}:
                return any(self.holds(one) for one in inner)
            case {"Fn::Equals": [one, other]}:
                return self.value(one) == self.value(other)
            case {"Fn::Contains": [[*values], one]}:
                return self.value(one) in {self.value(value) for value in values}
            case _:
                raise CommandError(f"The template uses the condition {next(iter(condition))}, which runs on AWS only.")

    def _ref(self, name: str) -> str:
        if name in _PSEUDO:
            return _PSEUDO[name]
        parameters = self.expanded.get("Parameters", {})
        if name in parameters:
            return str(parameters[name]["Default"])
        resource = self.expanded["Resources"][name]
        if resource["Type"] == "AWS::Lambda::Alias":
            return f"{self.value(resource['Properties']['FunctionName'])}:{resource['Properties']['Name']}"
        return self.prefix + name if resource["Type"] == "AWS::DynamoDB::Table" else name


def check_references(value: Any, known: set[str]) -> None:
    """Refuse a Ref, GetAtt or Sub that names nothing: CloudFormation would."""
    for target in sorted(references(value) - known):
        if not target.startswith("AWS::"):
            raise CommandError(f"The template refers to {target}, which it does not have.")


def references(value: Any) -> set[str]:
    """Whatever a part of the template refers to, by Ref, GetAtt or Sub."""
    if isinstance(value, list):
        return {target for inner in value for target in references(inner)}
    if not isinstance(value, dict):
        return set()
    return {target for name, inner in value.items() for target in (*_targets(name, inner), *references(inner))}


def _targets(function: str, argument: Any) -> list[str]:
    match function, argument:
        case "Ref", str():
            return [argument]
        case "Fn::GetAtt", [str(), *_]:
            return [argument[0]]
        case "Fn::Sub", str() | [str(), dict()]:
            text, variables = _parts_of_sub(argument)
            named = [name.partition(".")[0] for name in _PLACEHOLDER.findall(text)]
            return [name for name in named if name not in variables]
        case _:
            return []


def _parts_of_sub(argument: Any) -> tuple[str, Json]:
    """The text of an Fn::Sub, and the variables it brings along, of which there may be none."""
    return (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
