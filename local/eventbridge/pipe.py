"""The template's pipe, applied here: which records of the stream pass it, and what they are on the bus.

Rule: it understands the patterns and paths that the template uses, and refuses a template that uses others, for what
EventBridge makes of those is not known well enough to be imitated. A path that a record lacks is an error here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from ops.errors import CommandError

_SOURCE_PATH: Final = re.compile(r"\$(?:\.[A-Za-z0-9_-]+)+")
_IN_TEMPLATE: Final = re.compile(r"<([^<>]*)>")
_MARK: Final = "\0"  # JSON cannot hold it unescaped, so that no word of the template is taken for a path
_EXISTS: Final = {"exists": True}

Json = dict[str, Any]


class PipeError(Exception):
    """A record lacks what the pipe takes from it: what would arrive on AWS is not known."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe from the stream of a table to the bus."""

    table: str
    patterns: tuple[Json, ...]
    detail: Json
    detail_type: str
    source: str

    def passes(self, record: Json) -> bool:
        """Whether a record of the stream matches one of the filters; with no filter, every record does."""
        return not self.patterns or any(_matches(pattern, record) for pattern in self.patterns)

    def put(self, record: Json) -> Json:
        """What is put on the bus for a record; raises `PipeError`."""
        return {
            "source": self.source,
            "detail-type": _filled(self.detail_type, record),
            "detail": _filled(self.detail, record),
        }


def of_resources(pipes: list[tuple[str, Json]], prefix: str) -> Pipe | None:
    """The one pipe of a template, None when it has none; raises `CommandError` for what cannot be applied here."""
    if not pipes:
        return None
    if len(pipes) > 1:
        raise CommandError("The template has more than one pipe, which runs on AWS only.")
    ((name, properties),) = pipes
    table, attribute = properties["Source"]["Fn::GetAtt"]
    if attribute != "StreamArn" or "Enrichment" in properties:
        raise CommandError(f"The template's {name} is no plain pipe from a table's stream, and runs on AWS only.")
    filters = properties["SourceParameters"].get("FilterCriteria", {}).get("Filters", [])
    target = properties["TargetParameters"]
    bus = target["EventBridgeEventBusParameters"]
    return Pipe(
        table=prefix + table,
        patterns=tuple(_pattern(name, wanted["Pattern"]) for wanted in filters),
        detail=_detail(name, target["InputTemplate"]),
        detail_type=_mark(name, bus["DetailType"]) if bus["DetailType"].startswith("$") else bus["DetailType"],
        source=bus["Source"],
    )


def _pattern(name: str, text: str) -> Json:
    pattern = _json(name, "filter", text)
    _require_known(name, pattern)
    return pattern


def _require_known(name: str, pattern: object) -> None:
    match pattern:
        case dict():
            for inner in pattern.values():
                _require_known(name, inner)
        case [*alternatives] if alternatives and all(isinstance(a, str) or a == _EXISTS for a in alternatives):
            return
        case _:
            raise CommandError(f"The template's {name} filters by {json.dumps(pattern)}, which runs on AWS only.")


def _detail(name: str, text: str) -> Json:
    """The input template as a JSON value, in which each path stands as a marked text."""
    marked = _IN_TEMPLATE.sub(lambda found: json.dumps(_mark(name, found[1])), text)
    return _json(name, "InputTemplate", marked)


def _mark(name: str, path: str) -> str:
    if _SOURCE_PATH.fullmatch(path) is None:
        raise CommandError(f"The template's {name} takes {path}, which runs on AWS only.")
    return _MARK + path


def _json(name: str, what: str, text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise CommandError(
            f"The template's {name} has a {what} that is no JSON object with paths in the place of values."
        )
    return value


def _matches(pattern: Json, value: object) -> bool:
    return isinstance(value, dict) and all(
        _matches(wanted, value.get(member)) if isinstance(wanted, dict) else _one_of(wanted, value.get(member))
        for member, wanted in pattern.items()
    )


def _one_of(wanted: list[Any], value: object) -> bool:
    """Whether a leaf is there and is one of these; objects are no leaves."""
    if value is None or isinstance(value, dict):
        return False
    return any(one in (value, _EXISTS) for one in wanted)


def _filled(template: Any, record: Json) -> Any:
    if isinstance(template, dict):
        return {member: _filled(inner, record) for member, inner in template.items()}
    if isinstance(template, list):
        return [_filled(inner, record) for inner in template]
    if isinstance(template, str) and template.startswith(_MARK):
        return _at(template.removeprefix(_MARK), record)
    return template


def _at(path: str, record: Json) -> Any:
    value: Any = record
    for step in path.split(".")[1:]:
        if not isinstance(value, dict) or step not in value:
            raise PipeError(f"The record lacks {path}.")
        value = value[step]
    return value
