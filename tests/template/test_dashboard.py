"""The dashboard: it is JSON that CloudWatch can show, of metrics that exist, and answers what is asked first."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.template.metrics import NAMESPACE, Metric, of_widget
from tests.template.resources import Json, of_type

((_, DASHBOARD),) = of_type("AWS::CloudWatch::Dashboard").items()
BODY: Json = json.loads(DASHBOARD["DashboardBody"]["Fn::Sub"])
ALARMS, *WIDGETS = BODY["widgets"]
SHOWN: dict[str, list[Metric]] = {w["properties"]["title"]: of_widget(w["properties"]["metrics"]) for w in WIDGETS}


@pytest.mark.parametrize("title", SHOWN)
def test_widget_shows_metrics_that_exist(title: str) -> None:
    assert SHOWN[title]
    for metric in SHOWN[title]:
        metric.check()


def test_every_alarm_of_the_template_is_shown_first() -> None:
    assert (ALARMS["type"], ALARMS["y"]) == ("alarm", 0)
    assert sorted(ALARMS["properties"]["alarms"]) == [f"${{{name}.Arn}}" for name in of_type("AWS::CloudWatch::Alarm")]


def test_widgets_are_of_this_region_and_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in BODY["widgets"]:
        columns = range(widget["x"], widget["x"] + widget["width"])
        cells = set(itertools.product(columns, range(widget["y"], widget["y"] + widget["height"])))
        assert columns.stop <= 24
        assert not cells & taken
        taken |= cells
    assert {w["properties"]["region"] for w in WIDGETS} == {"${AWS::Region}"}
    assert all(w["properties"]["period"] == 60 for w in WIDGETS)


def test_what_is_asked_first_is_answered() -> None:
    answered = {metric.name for metrics in SHOWN.values() for metric in metrics}
    assert answered >= {
        "Decisions",
        "Duration",
        "WriteThrottleEvents",
        "ReadThrottleEvents",
        "TransactionConflict",
        "ResetLagSeconds",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
        "5xx",
        "TierBreaches",
        "UsageFarAboveEstimate",
    }


def test_latency_of_authorize_is_shown_as_half_and_as_all_but_one_in_a_hundred() -> None:
    (widget,) = (w for w in WIDGETS if w["properties"]["title"].startswith("Authorize: duration"))
    assert [row[-1]["stat"] for row in widget["properties"]["metrics"]] == ["p50", "p99"]


def test_every_queue_and_every_table_is_shown() -> None:
    of_sqs = [m for metrics in SHOWN.values() for m in metrics if m.namespace == "AWS/SQS"]
    both = {(m.name, m.dimensions[0][1][0]) for m in of_sqs}
    names = ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")
    assert both == set(itertools.product(names, of_type("AWS::SQS::Queue")))
    conflicts = {m.dimensions[0][1][0] for m in SHOWN["Store: transaction conflicts"]}
    assert conflicts == set(of_type("AWS::DynamoDB::Table"))


def test_own_metrics_are_those_of_this_stage() -> None:
    own = {m.namespace for metrics in SHOWN.values() for m in metrics if not m.namespace.startswith("AWS/")}
    assert own == {NAMESPACE["Fn::Sub"]}
    assert "${Stage}" in NAMESPACE["Fn::Sub"]
