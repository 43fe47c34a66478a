"""The template's Rules, which tie parameters to each other. Rule: what one asserts is checked before anything starts.

A Rule that names none of the parameters that were set for this run is left out: the template's own defaults are for
this machine, though a deployment may have to change them.
"""

from __future__ import annotations

from typing import Any

from local.cloudformation.intrinsics import PSEUDO, references
from ops.errors import CommandError

Json = dict[str, Any]


def broken(template: Json, chosen: set[str]) -> str | None:
    """What the first assertion says that does not hold, of the Rules that name one of the chosen parameters."""
    declared: Json = template.get("Parameters") or {}
    for rule in (template.get("Rules") or {}).values():
        if not chosen & references(rule) or not _holds(rule.get("RuleCondition", True), declared):
            continue
        for assertion in rule["Assertions"]:
            if not _holds(assertion["Assert"], declared):
                return str(assertion["AssertDescription"])
    return None


def _holds(condition: Any, declared: Json) -> bool:
    match condition:
        case bool():
            return condition
        case {"Fn::Not": [inner]}:
            return not _holds(inner, declared)
        case {"Fn::And": [*inner]}:
            return all(_holds(one, declared) for one in inner)
        case {"Fn::Or": [*inner]}:
            return any(_holds(one, declared) for one in inner)
        case {"Fn::Equals": [one, other]}:
            return _text(one, declared) == _text(other, declared)
        case {"Fn::Contains": [[*values], one]}:
            return _text(one, declared) in {_text(value, declared) for value in values}
        case _:
            raise CommandError(f"The template has a Rule with {condition!r}, which runs on AWS only.")


def _text(value: Any, declared: Json) -> str:
    match value:
        case {"Ref": str(name)} if name in PSEUDO:
            return PSEUDO[name]
        case {"Ref": str(name)} if name in declared:
            return str(declared[name]["Default"])
        case dict() | list():
            raise CommandError(f"The template has a Rule with {value!r}, which runs on AWS only.")
        case _:
            return str(value)
