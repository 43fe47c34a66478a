"""Which metrics exist, and which ones an alarm or a widget asks for. Rule: a metric that nothing writes is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from modelpass.errors import ErrorCode
from tests.template.resources import RESOURCES, SOURCE, TYPES, Json, of_type

NAMESPACE = SOURCE["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
OURS: dict[str, set[str]] = {
    "Decisions": {"command", "decision"},
    "Overruns": set(),
    "SyntheticAuthorizes": set(),
    "TierBreaches": set(),
    "UnauthorizedCalls": set(),
    "UsageFarAboveEstimate": set(),
    "UnreadableItems": set(),
    "TiersUnreadSeconds": set(),
    "ResetLagSeconds": set(),
    "StoreBreakerOpened": {"scope"},
}
COMMANDS = {resource["Properties"].get("CodeUri", "").partition("/")[2] for resource in RESOURCES.values()} - {""}
DECISIONS = {code.code for code in ErrorCode} | {"granted", "settled", "described", "ok", "more", "replayed", "failed"}
# By namespace: the dimension, what its value is of which type of resource, and the metrics.
OF_AWS: dict[str, tuple[str, str, str, set[str]]] = {
    "AWS/ApiGateway": ("ApiId", "Ref", "AWS::ApiGatewayV2::Api", {"Count", "4xx", "5xx", "Latency"}),
    "AWS/DynamoDB": (
        "TableName",
        "Ref",
        "AWS::DynamoDB::Table",
        {"ConsumedWriteCapacityUnits", "ReadThrottleEvents", "TransactionConflict", "WriteThrottleEvents"},
    ),
    "AWS/EventBridge/Pipes": ("PipeName", "Ref", "AWS::Pipes::Pipe", {"EventCount", "ExecutionFailed"}),
    "AWS/Lambda": (
        "FunctionName",
        "Ref",
        "AWS::Lambda::Function",
        {"ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"},
    ),
    "AWS/SQS": (
        "QueueName",
        "QueueName",
        "AWS::SQS::Queue",
        {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
    ),
}
_REFERENCE = re.compile(r"\$\{(\w+)(?:\.(\w+))?\}")
_SEARCH = re.compile(r"""SEARCH\('\{"(.+)",(\w+),(\w+)\} MetricName="(\w+)" (.+)', 'Sum', 60\)""")


@dataclass(frozen=True)
class Metric:
    """One metric, by its dimensions; a value is text, or a resource and what of it."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str | tuple[str, str]], ...]

    def check(self) -> None:
        """Assert that there is such a metric."""
        given = dict(self.dimensions)
        if self.namespace == NAMESPACE["Fn::Sub"]:
            assert set(given) == OURS[self.name]
            assert given.get("command", "authorize") in COMMANDS
            assert given.get("decision", "ok") in DECISIONS
            return
        dimension, attribute, kind, names = OF_AWS[self.namespace]
        assert self.name in names
        index = given.pop("GlobalSecondaryIndexName", None)
        ((found, whose),) = given.items()
        assert isinstance(whose, tuple)
        resource, of = whose
        assert (found, of, TYPES[resource]) == (dimension, attribute, kind)
        if index is not None:
            indexes = of_type(kind)[resource]["GlobalSecondaryIndexes"]
            assert index in [i["IndexName"] for i in indexes]


def of_alarm(properties: Json) -> list[Metric]:
    """What an alarm looks at."""
    if "Metrics" not in properties:
        return [_of_stat(properties)]
    return [_of_stat(m["MetricStat"]["Metric"]) for m in properties["Metrics"] if "MetricStat" in m]


def _of_stat(stat: Json) -> Metric:
    namespace = stat["Namespace"]
    dimensions = tuple((d["Name"], _value(d["Value"])) for d in stat.get("Dimensions", []))
    return Metric(namespace if isinstance(namespace, str) else namespace["Fn::Sub"], stat["MetricName"], dimensions)


def _value(value: Any) -> str | tuple[str, str]:
    match value:
        case {"Ref": str(name)}:
            return (name, "Ref")
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return (name, attribute)
    assert isinstance(value, str)
    return value


def of_widget(rows: list[Any]) -> list[Metric]:
    """What a widget shows; `.` stands for the part above it, `...` for all parts but those that follow."""
    shown, above = [], list[str]()
    for row in rows:
        parts = [part for part in row if isinstance(part, str)]
        if not parts:
            shown.append(_searched(row[0]["expression"]))
            continue
        if parts[0] == "...":
            parts = above[: len(above) - len(parts) + 1] + parts[1:]
        above = [above[at] if part == "." else part for at, part in enumerate(parts)]
        pairs = zip(above[2::2], above[3::2], strict=True)
        shown.append(Metric(above[0], above[1], tuple((name, _written(value)) for name, value in pairs)))
    return shown


def _written(value: str) -> str | tuple[str, str]:
    match = _REFERENCE.fullmatch(value)
    return value if match is None else (match[1], match[2] or "Ref")


def _searched(expression: str) -> Metric:
    match = _SEARCH.fullmatch(expression)
    assert match is not None, expression
    namespace, *names, name, terms = match.groups()
    sought = dict(re.findall(r'(\w+)="(\w+)"', terms))
    assert set(sought) <= set(names)
    return Metric(namespace, name, tuple((n, sought.get(n, "authorize" if n == "command" else "ok")) for n in names))
