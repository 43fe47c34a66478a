"""Alarms: each looks at a metric that exists, begins when it should, and tells the topic that the parameter names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from local.machine import ROOT
from modelpass.entitlements.commands.tier_cache import STANDS_SECONDS
from ops.errors import CommandError
from tests.support.world import template_of
from tests.template.metrics import Metric, of_alarm
from tests.template.resources import EXPANDED, Json, of_type, under
from tests.template.test_template import BY_KEY

ALARMS = of_type("AWS::CloudWatch::Alarm")
BELOW = {"SilenceAlarm", "SyntheticCustomerAlarm"}
"""Alarms that begin when too little happens; off by default, for then no data is no news."""
TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"
FOUND: dict[str, list[Metric]] = {name: of_alarm(properties) for name, properties in ALARMS.items()}


def looked_at(name: str) -> set[tuple[str, ...]]:
    """Metric and resource, and the index if it is one."""
    return {(m.name, *(v[0] if isinstance(v, tuple) else v for _, v in m.dimensions)) for m in FOUND[name]}


def result(name: str, **figures: float | None) -> float:
    """What an alarm compares, by the formula of its template; None stands for no data."""
    (expression,) = (m["Expression"] for m in ALARMS[name]["Metrics"] if "Expression" in m)
    functions: dict[str, Any] = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, fill: (
            [fill if v is None else v for v in value] if isinstance(value, list) else value or fill
        ),
        "SUM": sum,
        "METRICS": lambda: list(figures.values()),
    }
    compared: float = eval(expression, functions, figures)  # noqa: S307 - the template's own formula
    return compared


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_looks_at_metrics_that_exist(name: str) -> None:
    assert FOUND[name]
    for metric in FOUND[name]:
        metric.check()


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_says_what_it_means_and_what_no_data_means(name: str) -> None:
    assert name.endswith("Alarm")
    assert len(ALARMS[name]["AlarmDescription"].split()) >= 5
    below = name in BELOW
    assert ALARMS[name]["ComparisonOperator"] == ("LessThanThreshold" if below else "GreaterThanThreshold")
    silence = "breaching" if name == "ResetBehindAlarm" else "notBreaching"
    assert under(ALARMS[name]["TreatMissingData"]) == silence


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_that_computes_stays_within_what_cloudwatch_takes(name: str) -> None:
    parts = ALARMS[name].get("Metrics", [])
    shown = [p for p in parts if p.get("ReturnData", True)]
    assert not parts or ["Expression" in p for p in shown] == [True]
    assert len(FOUND[name]) <= 10
    ids = [p["Id"] for p in parts]
    assert len(set(ids)) == len(ids)
    assert all(i[0].islower() and i.isalnum() for i in ids)
    assert len({p["MetricStat"]["Period"] for p in parts if "MetricStat" in p}) <= 1


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_tells_the_topic_of_the_parameter_and_nobody_without_one(name: str) -> None:
    for action in ("AlarmActions", "OKActions"):
        assert under(ALARMS[name][action], AlarmTopicArn=TOPIC) == [TOPIC]
        assert under(ALARMS[name][action]) is None
    assert ALARMS[name].get("ActionsEnabled", True) is True


def test_first_dead_letter_of_each_queue_is_an_alarm() -> None:
    found = {}
    for name, properties in ALARMS.items():
        if properties.get("MetricName") == "ApproximateNumberOfMessagesVisible":
            found[next(iter(looked_at(name)))[1]] = (properties["Threshold"], properties["EvaluationPeriods"])
    (pipe,) = of_type("AWS::Pipes::Pipe").values()
    (schedule,) = (s for s in of_type("AWS::Scheduler::Schedule").values() if "DeadLetterConfig" in s["Target"])
    configs = [
        pipe["SourceParameters"]["DynamoDBStreamParameters"]["DeadLetterConfig"]["Arn"],
        schedule["Target"]["DeadLetterConfig"]["Arn"],
        EXPANDED["SettleQueue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"],
    ]
    assert found == {config["Fn::GetAtt"][0]: (0, 1) for config in configs}


def test_throttles_of_all_tables_and_indexes_that_are_written_and_of_what_decides_are_looked_at() -> None:
    tables = of_type("AWS::DynamoDB::Table")
    written: set[tuple[str, ...]] = {("WriteThrottleEvents", name) for name in tables}
    for name, properties in tables.items():
        for index in properties.get("GlobalSecondaryIndexes", []):
            written |= {("WriteThrottleEvents", name, index["IndexName"])}
    read = {("ReadThrottleEvents", "EntitlementsTable"), ("ReadThrottleEvents", "TiersTable")}
    assert looked_at("StoreThrottlesAlarm") == written | read
    assert result("StoreThrottlesAlarm", a=None, b=11, c=None) > ALARMS["StoreThrottlesAlarm"]["Threshold"]


def test_conflicts_of_all_tables_are_looked_at() -> None:
    tables = of_type("AWS::DynamoDB::Table")
    assert looked_at("TransactionConflictsAlarm") == {("TransactionConflict", name) for name in tables}


def test_authorize_and_settle_that_are_turned_away_crash_or_are_slow_are_noticed() -> None:
    functions = ("AuthorizeFunction", "SettleFunction")
    assert looked_at("FunctionThrottlesAlarm") == {("Throttles", name) for name in functions}
    assert looked_at("AuthorizeErrorsAlarm") == {("Errors", "AuthorizeFunction")}
    assert looked_at("SettleErrorsAlarm") == {("Errors", "SettleFunction")}
    slow = ALARMS["AuthorizeSlowAlarm"]
    assert looked_at("AuthorizeSlowAlarm") == {("Duration", "AuthorizeFunction")}
    assert (slow["ExtendedStatistic"], slow["Threshold"]) == ("p99", {"Ref": "AuthorizeP99AlarmMs"})
    assert slow.get("EvaluateLowSampleCountPercentile", "evaluate") == "evaluate"  # else only from 1,000 requests on


SETTLES = ("malformed", "unknown", "settled", "replayed", "unavailable", "internal")
FAILURES: list[tuple[str, Json, bool]] = [
    ("AuthorizeFailsClosedAlarm", {"unavailable": 3, "internal": 2, "invocations": 5}, True),
    ("AuthorizeFailsClosedAlarm", {"unavailable": None, "internal": 5, "invocations": 499}, True),
    ("AuthorizeFailsClosedAlarm", {"unavailable": 50, "internal": None, "invocations": 5000}, False),
    ("AuthorizeFailsClosedAlarm", {"unavailable": 4, "internal": None, "invocations": 4}, False),
    ("DescribeKeyFailsAlarm", {"unavailable": 2, "internal": 2, "crashed": 1, "invocations": 499}, True),
    ("DescribeKeyFailsAlarm", {"unavailable": None, "internal": None, "crashed": 5, "invocations": 5}, True),
    ("DescribeKeyFailsAlarm", {"unavailable": 5, "internal": 0, "crashed": None, "invocations": 500}, False),
    ("DescribeKeyFailsAlarm", {"unavailable": 4, "internal": None, "crashed": None, "invocations": 4}, False),
    ("SettleFailsAlarm", {"unavailable": 5, "internal": None, "settled": None}, True),
    ("SettleFailsAlarm", {"unavailable": 5, "internal": 1, "settled": 1000}, False),
    ("SettleFailsAlarm", {"unavailable": 2, "internal": 2, "settled": 1}, False),
    ("SettleRefusedAlarm", dict(zip(SETTLES, (5, None, None, None, None, None), strict=True)), True),
    ("SettleRefusedAlarm", dict(zip(SETTLES, (3, 2, 480, 4, 5, 5), strict=True)), True),
    ("SettleRefusedAlarm", dict(zip(SETTLES, (3, 2, 400, 85, 5, 5), strict=True)), False),
    ("SettleRefusedAlarm", dict(zip(SETTLES, (2, 2, 1, 0, 0, 0), strict=True)), False),
    ("ApiServerErrorsAlarm", {"errors": 5, "requests": 6}, True),
    ("ApiServerErrorsAlarm", {"errors": 4, "requests": 4}, False),
    ("ApiServerErrorsAlarm", {"errors": 10, "requests": 1000}, False),
    ("ApiServerErrorsAlarm", {"errors": None, "requests": 1000}, False),
]


@pytest.mark.parametrize(("name", "figures", "begins"), FAILURES)
def test_share_of_failures_counts_from_five_failures_and_above_one_percent(
    name: str, figures: Json, *, begins: bool
) -> None:
    ids = {part["Id"] for part in ALARMS[name]["Metrics"] if "MetricStat" in part}
    assert ids == set(figures)
    assert (result(name, **figures) > ALARMS[name]["Threshold"]) == begins


KNOWN_OR_NOT = ("unknown", "malformed", "settled", "replayed", "unavailable", "internal")
SHARES: list[tuple[str, Json, bool]] = [
    ("InvalidKeysAlarm", {"invalid": 20, "invocations": 399}, True),
    ("InvalidKeysAlarm", {"invalid": 20, "invocations": 400}, False),
    ("InvalidKeysAlarm", {"invalid": 19, "invocations": 19}, False),
    ("InvalidKeysAlarm", {"invalid": None, "invocations": 1000}, False),
    ("InvalidKeysAlarm", {"invalid": 100, "invocations": 1000}, True),  # all that a canary gets
    ("TierUnavailableAlarm", {"down": 20, "invocations": 399}, True),
    ("TierUnavailableAlarm", {"down": 20, "invocations": 400}, False),
    ("TierUnavailableAlarm", {"down": 19, "invocations": 19}, False),
    ("TierUnavailableAlarm", {"down": None, "invocations": 5}, False),
    ("AuthorizationsNotFoundAlarm", dict(zip(KNOWN_OR_NOT, (5, None, None, None, None, None), strict=True)), True),
    ("AuthorizationsNotFoundAlarm", dict(zip(KNOWN_OR_NOT, (5, 3, 486, 2, 2, 1), strict=True)), True),
    ("AuthorizationsNotFoundAlarm", dict(zip(KNOWN_OR_NOT, (5, 3, 487, 2, 2, 1), strict=True)), False),
    ("AuthorizationsNotFoundAlarm", dict(zip(KNOWN_OR_NOT, (4, 0, 0, 0, 0, 0), strict=True)), False),
    ("OverrunsAlarm", {"overruns": 20, "settled": 399}, True),
    ("OverrunsAlarm", {"overruns": 20, "settled": 400}, False),
    ("OverrunsAlarm", {"overruns": 19, "settled": 19}, False),
    ("OverrunsAlarm", {"overruns": None, "settled": None}, False),
    ("ApiUnauthorizedAlarm", {"unauthorized": 20, "requests": 99}, True),
    ("ApiUnauthorizedAlarm", {"unauthorized": 20, "requests": 100}, False),
    ("ApiUnauthorizedAlarm", {"unauthorized": 19, "requests": 19}, False),
    ("ApiUnauthorizedAlarm", {"unauthorized": None, "requests": 100}, False),
]


@pytest.mark.parametrize(("name", "figures", "begins"), SHARES)
def test_unusual_share_of_refusals_is_noticed_and_a_handful_is_not(name: str, figures: Json, *, begins: bool) -> None:
    ids = {part["Id"] for part in ALARMS[name]["Metrics"] if "MetricStat" in part}
    assert ids == set(figures)
    threshold = ALARMS[name]["Threshold"]
    assert (result(name, **figures) > (threshold if isinstance(threshold, int) else int(under(threshold)))) == begins


def test_shares_are_of_the_refusals_that_their_names_say() -> None:
    authorize = ("Invocations", "AuthorizeFunction")
    assert looked_at("InvalidKeysAlarm") == {("Decisions", "authorize", "invalid_api_key"), authorize}
    assert under(ALARMS["InvalidKeysAlarm"]["Threshold"], InvalidKeysAlarmPercent="40") == "40"
    assert looked_at("TierUnavailableAlarm") == {("Decisions", "authorize", "tier_unavailable"), authorize}
    assert looked_at("AuthorizationsNotFoundAlarm") == looked_at("SettleRefusedAlarm")
    assert looked_at("OverrunsAlarm") == {("Overruns",), ("Decisions", "settle", "settled")}
    assert looked_at("ApiUnauthorizedAlarm") == {("UnauthorizedCalls",), ("Count", "Api")}


def test_calls_that_the_authorizer_of_the_api_refuses_are_counted_from_the_access_log() -> None:
    (counted,) = of_type("AWS::Logs::MetricFilter").values()
    assert counted["LogGroupName"] == {"Ref": "ApiAccessLogs"}
    (transformation,) = counted["MetricTransformations"]
    assert (transformation["MetricName"], transformation["MetricValue"]) == ("UnauthorizedCalls", "1")
    assert transformation["MetricNamespace"] == {"Fn::Sub": "Modelpass/${Stage}"}
    (stage,) = (s for s in of_type("AWS::ApiGatewayV2::Stage").values() if s["ApiId"] == {"Ref": "Api"})
    written = stage["AccessLogSettings"]["Format"]["Fn::Sub"][0]
    assert stage["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["ApiAccessLogs", "Arn"]}
    line = json.loads(written.replace("$context.status", "401"))
    pattern = r'\{ \(\$\.(\w+) = "(\d+)"\) && \(\$\.(\w+) != "([^"*]+)\*"\) \}'
    found = re.fullmatch(pattern, counted["FilterPattern"])
    assert found is not None
    assert line[found[1]] == found[2]  # a text, as the line has it: a filter for the number 401 would find none
    # At routes without an authorizer, a function says 401 of an API key.
    assert line[found[3]] == "$context.routeKey"
    assert {r.key for r in template_of("").customers.routes if r.key.startswith(found[4])} == BY_KEY


def test_silence_is_an_alarm_once_minutes_are_named_and_never_by_default() -> None:
    silence = ALARMS["SilenceAlarm"]
    assert looked_at("SilenceAlarm") == {("Invocations", "AuthorizeFunction"), ("SyntheticAuthorizes",)}
    assert under(silence["TreatMissingData"]) == "notBreaching"
    assert under(silence["TreatMissingData"], SilenceAlarmMinutes="15") == "breaching"
    assert under(silence["EvaluationPeriods"], SilenceAlarmMinutes="15") == "15"
    assert {(m["MetricStat"]["Period"], m["MetricStat"]["Stat"]) for m in silence["Metrics"][1:]} == {(60, "Sum")}
    assert silence["Threshold"] == 1
    assert under(silence["Metrics"][0]["Expression"]) == "invocations"
    assert "DatapointsToAlarm" not in silence  # all of them: a single call ends it
    day = 24 * 60
    assert under({"Ref": "SilenceAlarmMinutes"}, SilenceAlarmMinutes=str(day)) == str(day)
    with pytest.raises(CommandError):  # CloudWatch looks back for a day at most
        under({"Ref": "SilenceAlarmMinutes"}, SilenceAlarmMinutes=str(day + 1))


def test_synthetic_customer_is_no_router_that_breaks_the_silence() -> None:
    on = {"SyntheticCustomer": "Enabled", "SyntheticModel": "probe"}
    expression = under(ALARMS["SilenceAlarm"]["Metrics"][0]["Expression"], **on)
    functions: Json = {"FILL": lambda value, fill: fill if value is None else value}
    for invocations, synthetic, silent in ((1, 1, True), (2, 1, False), (1, None, False), (0, 0, True)):
        told = eval(expression, functions, {"invocations": invocations, "synthetic": synthetic})  # noqa: S307
        assert (told < ALARMS["SilenceAlarm"]["Threshold"]) == silent


def test_synthetic_customer_that_is_not_served_or_does_not_run_is_noticed_once_it_is_on() -> None:
    alarm = ALARMS["SyntheticCustomerAlarm"]
    assert looked_at("SyntheticCustomerAlarm") == {("Decisions", "synthetic", "ok")}
    assert (alarm["Statistic"], alarm["Threshold"], alarm["Period"]) == ("Sum", 1, 60)
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (5, 3)  # one minute that fails wakes nobody
    on = {"SyntheticCustomer": "Enabled", "SyntheticModel": "probe"}
    assert under(alarm["TreatMissingData"], **on) == "breaching"
    assert under(alarm["TreatMissingData"]) == "notBreaching"


def test_cost_page_names_how_many_metrics_the_alarms_look_at() -> None:
    page = " ".join((ROOT / "docs" / "cost.md").read_text("utf-8").split())
    assert f" {sum(map(len, FOUND.values()))} metrics of the alarms" in page


def test_refusals_that_are_failures_of_ours_are_counted_by_their_codes() -> None:
    for name, command in (("AuthorizeFailsClosedAlarm", "authorize"), ("SettleFailsAlarm", "settle")):
        failures = {("Decisions", command, code) for code in ("temporarily_unavailable", "internal_error")}
        assert failures <= looked_at(name)


def test_settles_that_are_refused_for_good_are_counted_by_their_codes() -> None:
    codes = ["invalid_request", "authorization_not_found", "settled", "replayed"]
    codes += ["temporarily_unavailable", "internal_error"]
    assert looked_at("SettleRefusedAlarm") == {("Decisions", "settle", code) for code in codes}


def test_reset_that_is_behind_for_a_quarter_of_an_hour_or_does_not_run_is_noticed() -> None:
    behind = ALARMS["ResetBehindAlarm"]
    assert looked_at("ResetBehindAlarm") == {("ResetLagSeconds",)}
    assert (behind["Statistic"], behind["Threshold"]) == ("Maximum", {"Ref": "ResetLagAlarmSeconds"})
    assert behind["Period"] * behind["EvaluationPeriods"] == 900
    assert "DatapointsToAlarm" not in behind  # all of them: a run that comes ends it


def test_single_confirmation_that_came_too_late_is_noticed() -> None:
    late = ALARMS["LateConfirmationsAlarm"]
    assert looked_at("LateConfirmationsAlarm") == {("Decisions", "approve", "order_lapsed")}
    assert (late["Statistic"], late["Threshold"], late["EvaluationPeriods"]) == ("Sum", 0, 1)


def test_single_tier_breach_is_noticed() -> None:
    breaches = ALARMS["TierBreachesAlarm"]
    assert looked_at("TierBreachesAlarm") == {("TierBreaches",)}
    assert (breaches["Statistic"], breaches["Threshold"], breaches["EvaluationPeriods"]) == ("Sum", 0, 1)


def test_single_item_that_cannot_be_read_is_noticed() -> None:
    unreadable = ALARMS["UnreadableItemsAlarm"]
    assert looked_at("UnreadableItemsAlarm") == {("UnreadableItems",)}
    assert (unreadable["Statistic"], unreadable["Threshold"], unreadable["EvaluationPeriods"]) == ("Sum", 0, 1)


def test_tiers_that_cannot_be_read_are_noticed_long_before_requests_are_refused() -> None:
    unread = ALARMS["TiersUnreadAlarm"]
    assert looked_at("TiersUnreadAlarm") == {("TiersUnreadSeconds",)}
    assert unread["Statistic"] == "Maximum"
    assert unread["Threshold"] + unread["DatapointsToAlarm"] * unread["Period"] <= STANDS_SECONDS / 3


def test_settles_that_wait_and_events_that_are_not_carried_are_noticed_before_they_are_dead() -> None:
    assert looked_at("SettleQueueOldAlarm") == {("ApproximateAgeOfOldestMessage", "SettleQueue")}
    assert ALARMS["SettleQueueOldAlarm"]["Threshold"] < 900  # what a hold lasts unless the router says
    assert looked_at("EventsPipeFailsAlarm") == {("ExecutionFailed", "EventsPipe")}
