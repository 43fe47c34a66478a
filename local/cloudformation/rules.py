"""The template's Rules, which tie parameters to each other. Rule: what one asserts is checked before anything starts.

A Rule that names none of the parameters that were set for this run is left out: the template's own defaults are for
this machine, though a deployment may have to change them.
"""

from __future__ import annotations

from typing import Any

from local.cloudformation.intrinsics import Resolver, references

Json = dict[str, Any]


def broken(template: Json, chosen: set[str]) -> str | None:
    """What the first assertion says that does not hold, of the Rules that name one of the chosen parameters."""
    resolver = Resolver(template, secret={}, prefix="")
    for rule in (template.get("Rules") or {}).values():
        if not chosen & references(rule):
            continue
        if "RuleCondition" in rule and not resolver.holds(rule["RuleCondition"]):
            continue
        for assertion in rule["Assertions"]:
            if not resolver.holds(assertion["Assert"]):
                return str(assertion["AssertDescription"])
    return None
