"""Checks DynamoDB requests, and applies updates, without a store. Rule: knows DynamoDB's rules, not the service's."""

from __future__ import annotations

import copy
import re
from typing import Any

Json = dict[str, Any]

_NAME, _VALUE = re.compile(r"#\w+"), re.compile(r":\w+")
_BETWEEN = re.compile(r", (?![^(]*\))")
"""What stands between two clauses, and not inside the brackets of one."""


def assert_well_formed(operation: str, request: Json) -> None:
    """Check every write of a request: guarded, its placeholders all defined and all used, no item twice."""
    if operation == "TransactWriteItems":
        actions = request["TransactItems"]
        assert 1 < len(actions) <= 100
        writes = [write for action in actions for write in action.values()]
        assert len(writes) == len(actions)
    else:
        assert operation == "UpdateItem"
        writes = [request]
    for write in writes:
        _assert_guarded(write)
        _assert_placeholders(write)
    touched = [item_of(write) for write in writes]
    assert len(set(touched)) == len(touched)


def item_of(write: Json) -> tuple[str, ...]:
    """The table and primary key that a write is about."""
    key = write.get("Key") or {name: write["Item"][name] for name in ("pk", "sk") if name in write["Item"]}
    return (write["TableName"], *(key[name]["S"] for name in sorted(key)))


def apply_update(item: Json, update: Json) -> Json:
    """The item after an update of the form `SET path = value, path = path + value, path = path - value REMOVE path`.

    The second `path` may be `if_not_exists(path, value)`.
    """
    after = copy.deepcopy(item)
    names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
    sets, _, removes = update["UpdateExpression"].removeprefix("SET ").partition("REMOVE ")
    for clause in filter(None, _BETWEEN.split(sets.strip())):
        path, _, right = clause.partition(" = ")
        parent, name = _place(after, path, names)
        first = re.match(r"if_not_exists\((.*), (:\w+)\)", right)
        if first is not None:
            assert first[1] == path
            parent.setdefault(name, values[first[2]])
            right = path + right[first.end() :]
        if " " in right:
            old, sign, delta = right.split(" ")
            assert old == path
            parent[name] = {"N": str(int(parent[name]["N"]) + int(f"{sign}1") * int(values[delta]["N"]))}
        else:
            parent[name] = values[right]
    for path in filter(None, removes.split(", ")):
        parent, name = _place(after, path, names)
        parent.pop(name, None)
    return after


def _place(item: Json, path: str, names: dict[str, str]) -> tuple[Json, str]:
    steps = [names[alias] for alias in path.split(".")]
    for step in steps[:-1]:
        item = item[step]["M"]
    return item, steps[-1]


def _assert_guarded(write: Json) -> None:
    assert write["ConditionExpression"]
    assert write["TableName"]


def _assert_placeholders(write: Json) -> None:
    text = f"{write['ConditionExpression']} {write.get('UpdateExpression', '')}"
    names, values = write["ExpressionAttributeNames"], write.get("ExpressionAttributeValues")
    assert set(_NAME.findall(text)) == set(names), text
    assert set(_VALUE.findall(text)) == set(values or {}), text
    assert values != {}, "DynamoDB refuses an empty map"
    assert len(set(names.values())) == len(names), names
    bare = re.sub(r"[#:]\w+|attribute_(not_)?exists|if_not_exists|size|SET|REMOVE|AND|OR|IN", "", text)
    assert not re.search(r"\w", bare), f"an attribute or value stands bare: {bare}"
    targets = re.findall(r"(?:SET |REMOVE |, )(#[\w.#]+)(?= =|,|$| REMOVE)", write.get("UpdateExpression", ""))
    assert len(set(targets)) == len(targets), text


def spelled(write: Json) -> tuple[list[str], list[str], list[str]]:
    """What a write demands, sets and removes, clause by clause, with every name and value in its place."""
    names, values = write["ExpressionAttributeNames"], write.get("ExpressionAttributeValues", {})

    def spell(clause: str) -> str:
        named = _NAME.sub(lambda match: names[match[0]], clause)
        return _VALUE.sub(lambda match: str(next(iter(values[match[0]].values()))), named)

    sets, _, removes = write.get("UpdateExpression", "").partition("REMOVE ")
    demands = [spell(clause) for clause in write["ConditionExpression"].split(" AND ")]
    sets = sets.removeprefix("SET ").strip()
    return demands, [spell(clause) for clause in _BETWEEN.split(sets)], [spell(path) for path in removes.split(", ")]
