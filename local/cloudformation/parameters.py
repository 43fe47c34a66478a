"""The template's parameters, set for this run. Rule: what CloudFormation would refuse is refused, in a sentence.

A sentence says what CloudFormation would: a parameter's `ConstraintDescription` where it has one, or an assertion's
`AssertDescription`.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from local.cloudformation import rules
from ops.errors import CommandError

_ENDPOINT: Final = "StoreEndpoint"

Json = dict[str, Any]


def of_text(text: str) -> dict[str, str]:
    """The values of `Name=value Name=value`; raises `CommandError`."""
    values: dict[str, str] = {}
    for word in text.split():
        name, sign, value = word.partition("=")
        if not (name and sign):
            raise CommandError(f'PARAMETERS must be like "Name=value Name=value", not {word!r}.')
        if name in values:
            raise CommandError(f"PARAMETERS sets {name} twice.")
        values[name] = value
    return values


def apply(template: Json, values: dict[str, str]) -> None:
    """Put values in the place of the template's defaults; raises `CommandError` for those it does not allow.

    A value is not allowed by its parameter's own constraints, or by a Rule together with others.
    """
    declared: Json = template.get("Parameters") or {}
    for name, value in values.items():
        if name not in declared:
            has = ", ".join(sorted(declared)) or "none"
            raise CommandError(f"PARAMETERS names {name}; the template's parameters are {has}.")
        wrong = _what_is_wrong(declared[name], value)
        if wrong is not None:
            told = declared[name].get("ConstraintDescription", f"must {wrong}")
            raise CommandError(f"PARAMETERS: {name} {told}, not {value!r}.")
        declared[name]["Default"] = value
    broken = rules.broken(template, set(values))
    if broken is not None:
        raise CommandError(f"PARAMETERS: {broken}.")


def reach(expanded: Json, endpoint: str) -> None:
    """Let the functions of an expanded template find the store there; raises `CommandError` when they cannot."""
    declared = expanded.get("Parameters", {}).get(_ENDPOINT)
    if declared is None:
        raise CommandError(f"The template has no parameter {_ENDPOINT}, which tells functions where their store is.")
    declared["Default"] = endpoint


def _what_is_wrong(declared: Json, value: str) -> str | None:
    allowed = [str(one) for one in declared.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"be one of {', '.join(allowed)}"
    pattern = declared.get("AllowedPattern")
    if pattern is not None and re.fullmatch(pattern, value, re.ASCII) is None:  # as Java reads \d and its like
        return f"match {pattern}"
    match declared["Type"]:
        case "Number":
            return _outside(declared, value, "Value")
        case "String":
            return None if not {"MinLength", "MaxLength"} & set(declared) else _outside(declared, value, "Length")
        case other:
            raise CommandError(f"The template has a parameter of type {other}, which runs on AWS only.")


def _outside(declared: Json, value: str, bound: str) -> str | None:
    try:
        number = Decimal(value) if bound == "Value" else Decimal(len(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        return "be a number"
    what = "be" if bound == "Value" else "have a length of"
    if f"Min{bound}" in declared and number < Decimal(str(declared[f"Min{bound}"])):
        return f"{what} at least {declared[f'Min{bound}']}"
    if f"Max{bound}" in declared and number > Decimal(str(declared[f"Max{bound}"])):
        return f"{what} at most {declared[f'Max{bound}']}"
    return None
