"""What a role allows, by the template, and what IAM asks about a request. Rule: a policy with a wildcard is refused.

A permission is a resource and an action. Resources have the template's names: a table, `table/index/name`, or
`name/attribute` where the template uses another attribute of a resource than its `Arn`, such as a stream's, and an
alias is `function:alias`. As in IAM, a transaction is asked about by its parts, and a query of an index about the
index.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
Permission = tuple[str, str]

DYNAMODB: Final = "dynamodb:"
UNKNOWN: Final = "*"
"""The resource of a request that names no table."""
_INDEX = re.compile(r"\$\{(\w+)\.Arn\}(/index/\w+)")
_ALIAS = re.compile(r"(\w+Function)Alias(\w+)")
"""How SAM calls the alias of a function, which is known by its ARN; the name of anything else would be no ARN."""
_ACTION = re.compile(r"[a-z]+:[A-Za-z]+")
_PARTS: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "ConditionCheck": "ConditionCheckItem",
}


def asked(operation: str, request: Json) -> Iterator[Permission]:
    """The permissions that IAM asks for before a request to DynamoDB; tables have the names of the request."""
    match operation:
        case "TransactWriteItems" | "TransactGetItems":
            for part in request["TransactItems"]:
                ((kind, body),) = part.items()
                yield body["TableName"], DYNAMODB + _PARTS[kind]
        case "BatchGetItem" | "BatchWriteItem":
            for table in request["RequestItems"]:
                yield table, DYNAMODB + operation
        case "Query" | "Scan" if "IndexName" in request:
            yield f"{request['TableName']}/index/{request['IndexName']}", DYNAMODB + operation
        case _:
            yield request.get("TableName", UNKNOWN), DYNAMODB + operation


def roles(expanded: Json) -> dict[str, str]:
    """The role that each function runs as."""
    functions = {n: r["Properties"] for n, r in expanded["Resources"].items() if r["Type"] == "AWS::Lambda::Function"}
    return {name: properties["Role"]["Fn::GetAtt"][0] for name, properties in functions.items()}


def granted(expanded: Json, role: str) -> frozenset[Permission]:
    """What a role's own policies allow; raises `CommandError` for what is not understood."""
    policies = expanded["Resources"][role]["Properties"].get("Policies", [])
    try:
        statements = [s for policy in policies for s in _listed(policy["PolicyDocument"]["Statement"])]
        return frozenset(permission for statement in statements for permission in _allowed(statement))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CommandError(f"The template's {role} cannot be read: {error}.") from None


def of_functions(expanded: Json) -> dict[str, frozenset[Permission]]:
    """What each function may ask of the store; raises `CommandError`."""
    return {
        function: frozenset(p for p in granted(expanded, role) if p[1].startswith(DYNAMODB))
        for function, role in roles(expanded).items()
    }


def _allowed(statement: Json) -> Iterator[Permission]:
    if set(statement) - {"Sid"} != {"Effect", "Action", "Resource"} or statement["Effect"] != "Allow":
        raise ValueError(f"a statement has {', '.join(statement)}, and only plain Allow is understood")
    for resource in _listed(statement["Resource"]):
        for action in _listed(statement["Action"]):
            if _ACTION.fullmatch(action) is None:
                raise ValueError(f"the action {action!r} does not name one action")
            yield _resource(resource), action


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resource(resource: object) -> str:
    match resource:
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}/{attribute}"
        case {"Ref": str(alias)} if (parts := _ALIAS.fullmatch(alias)) is not None:
            return f"{parts[1]}:{parts[2]}"
        case {"Fn::Sub": str(text)} if (index := _INDEX.fullmatch(text)) is not None:
            return index[1] + index[2]
        case _:
            raise ValueError(f"the resource {resource!r} does not name one of the template's")
