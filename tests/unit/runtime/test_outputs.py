"""Where lines go: to standard output in a function, and in another's process where that says, and nowhere else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from modelpass.dynamodb.circuit_breaker import Change, Place
from modelpass.dynamodb.transport import Cause
from modelpass.runtime import telemetry
from modelpass.runtime.telemetry import Output
from tests.support.lines import recorded

TABLE = Place("entitlements", None)


def leave_every_line() -> None:
    with telemetry.Line("authorize", "r-1", modelId="m"):
        telemetry.decided("granted")
        telemetry.count_overrun()
        telemetry.report_unreadable("entitlements", "sub_a m")
        telemetry.store_breaker(Change(TABLE, Cause.FAILED))
        telemetry.store_breaker(Change(TABLE, None))
    telemetry.report_unexpected(ValueError("secret"))


def test_lines_go_where_it_is_said_and_not_to_standard_output() -> None:
    lines: list[str] = []
    with recorded() as output, telemetry.written_to(Output(lines.append)):
        leave_every_line()
    assert output.getvalue() == ""
    messages = [json.loads(line)["message"] for line in lines]
    opened, closed = "store_breaker_opened", "store_breaker_closed"
    assert messages == ["unreadable_item", opened, closed, "decided", "internal_error"]


def test_nothing_is_written_where_that_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    with telemetry.written_to(Output(None)):
        leave_every_line()
    assert capfd.readouterr() == ("", "")


def test_lines_of_others_go_where_they_went() -> None:
    lines: list[str] = []
    with recorded() as output, telemetry.written_to(Output(lines.append)), ThreadPoolExecutor(1) as pool:
        pool.submit(leave_every_line).result()
    assert lines == []
    assert output.only()["decision"] == "granted"


def test_after_an_error_lines_go_where_they_went_before() -> None:
    lines: list[str] = []
    with recorded() as output:
        with pytest.raises(ValueError, match="x"), telemetry.written_to(Output(lines.append)):
            raise ValueError("x")
        leave_every_line()
    assert lines == []
    assert output.only()["decision"] == "granted"


def test_without_a_namespace_lines_tell_no_metrics_but_all_facts() -> None:
    lines: list[str] = []
    with telemetry.written_to(Output(lines.append, service="router")):
        leave_every_line()
    shown = [json.loads(line) for line in lines]
    assert [line for line in shown if "_aws" in line] == []
    assert {line["service"] for line in shown} == {"router"}
    assert (shown[3]["Overruns"], shown[3]["UnreadableItems"], shown[3]["modelId"]) == (1, 1, "m")


def test_with_a_namespace_lines_tell_the_metrics_of_it() -> None:
    lines: list[str] = []
    with telemetry.written_to(Output(lines.append, namespace="Router")):
        leave_every_line()
    directives = [d for line in lines for d in json.loads(line).get("_aws", {}).get("CloudWatchMetrics", [])]
    assert {directive["Namespace"] for directive in directives} == {"Router"}
    names = [directive["Metrics"][0]["Name"] for directive in directives]
    assert names == ["StoreBreakerOpened", "Decisions", "Overruns", "UnreadableItems"]


@pytest.mark.parametrize(
    ("level", "messages"),
    [
        ("WARNING", ["unreadable_item", "store_breaker_opened", "internal_error"]),
        ("ERROR", ["unreadable_item", "store_breaker_opened", "internal_error"]),
    ],
)
def test_without_metrics_a_higher_level_leaves_only_what_has_it(level: str, messages: list[str]) -> None:
    lines: list[str] = []
    with telemetry.written_to(Output(lines.append, level)):
        leave_every_line()
    assert [json.loads(line)["message"] for line in lines] == messages
