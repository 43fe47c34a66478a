"""The queue in front of settle, the schedule of the reset, and where what fails is kept."""

from __future__ import annotations

import pytest

from modelpass.dynamodb.retries import DEADLINE_SECONDS
from tests.template.policies import function, polled
from tests.template.resources import EXPANDED, SOURCE, TYPES, arn, of_type, properties_of

DAY_SECONDS = 86_400
QUEUES = sorted(of_type("AWS::SQS::Queue"))
DEAD_LETTERS = ["ScheduleDeadLetters", "SettleDeadLetters", "UndeliveredEvents"]
QUEUE = properties_of("SettleQueue")
BATCHES = properties_of("SettleQueueBatches")
TIMEOUT_SECONDS = function("SettleFunction")["Timeout"]
SCHEDULES = {p["Target"]["Arn"]["Fn::GetAtt"][0]: p for p in of_type("AWS::Scheduler::Schedule").values()}
SCHEDULE = SCHEDULES["ResetFunction"]


def test_queues_are_these() -> None:
    assert sorted([*DEAD_LETTERS, "SettleQueue"]) == QUEUES


@pytest.mark.parametrize("name", QUEUES)
def test_queue_is_encrypted(name: str) -> None:
    assert properties_of(name)["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("name", DEAD_LETTERS)
def test_what_failed_is_kept_for_14_days(name: str) -> None:
    assert properties_of(name)["MessageRetentionPeriod"] == 14 * DAY_SECONDS


@pytest.mark.parametrize("name", ["SettleQueue", "SettleDeadLetters", "UndeliveredEvents"])
def test_queue_that_holds_what_must_not_be_lost_outlives_the_stack(name: str) -> None:
    assert EXPANDED[name]["DeletionPolicy"] == EXPANDED[name]["UpdateReplacePolicy"] == "Retain"


def test_message_is_hidden_for_six_timeouts_so_that_no_two_batches_have_it() -> None:
    assert QUEUE["VisibilityTimeout"] >= 6 * TIMEOUT_SECONDS


def test_settle_is_tried_for_half_an_hour_and_then_set_aside_with_days_to_look_at_it() -> None:
    redrive = QUEUE["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == arn("SettleDeadLetters")
    assert redrive["maxReceiveCount"] * QUEUE["VisibilityTimeout"] >= 1800
    # A message keeps its age when it is set aside.
    left_seconds = properties_of("SettleDeadLetters")["MessageRetentionPeriod"] - QUEUE["MessageRetentionPeriod"]
    assert left_seconds >= 7 * DAY_SECONDS


def test_batches_of_the_queue_go_to_settle_which_reports_failures_one_by_one() -> None:
    assert BATCHES["EventSourceArn"] == arn("SettleQueue")
    assert BATCHES["FunctionName"] == {"Ref": "SettleFunctionAliaslive"}  # a release reaches it as it does routers
    assert BATCHES["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert BATCHES.get("Enabled", True) is True
    assert BATCHES["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "SettleQueueConcurrency"}}
    assert list(of_type("AWS::Lambda::EventSourceMapping")) == ["SettleQueueBatches"]


def test_one_settle_that_is_tried_to_the_end_leaves_time_to_report_the_batch() -> None:
    assert DEADLINE_SECONDS <= TIMEOUT_SECONDS * 2 / 3
    assert BATCHES["BatchSize"] <= 10  # more would wait for each other; a message is settled in some 10 ms


def test_only_settle_may_be_given_messages_and_only_those_of_its_queue() -> None:
    wanted = {"DeleteMessage", "GetQueueAttributes", "ReceiveMessage"}
    of_functions = {name: polled(name) for name in of_type("AWS::Lambda::Function")}
    assert {n: p for n, p in of_functions.items() if p} == {"SettleFunction": {"SettleQueue": wanted}}


def test_only_the_reset_and_the_synthetic_customer_are_scheduled_and_every_minute() -> None:
    assert set(SCHEDULES) == {"ResetFunction", "SyntheticFunction"}
    assert SCHEDULES["SyntheticFunction"]["ScheduleExpression"] == "rate(1 minute)"
    assert function("SyntheticFunction")["Timeout"] < 60  # one run at a time, for each looks at the figures of the last
    assert SCHEDULE["ScheduleExpression"] == "rate(1 minute)"
    assert SCHEDULE.get("State", "ENABLED") == "ENABLED"
    assert SCHEDULE["Target"]["Arn"] == arn("ResetFunction")
    assert function("ResetFunction")["Timeout"] >= 60


def test_run_that_is_not_taken_is_tried_within_its_minute_and_then_set_aside() -> None:
    target = SCHEDULE["Target"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 3}
    assert target["DeadLetterConfig"] == {"Arn": arn("ScheduleDeadLetters")}
    role = properties_of(target["RoleArn"]["Fn::GetAtt"][0])
    statements = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
    assert [(s["Action"], s["Resource"]) for s in statements] == [
        ("lambda:InvokeFunction", arn("ResetFunction")),
        ("sqs:SendMessage", arn("ScheduleDeadLetters")),
    ]


def test_run_that_fails_is_not_run_again_beside_the_next_one() -> None:
    configs = of_type("AWS::Lambda::EventInvokeConfig").values()
    assert {config["FunctionName"]["Ref"] for config in configs} == set(SCHEDULES)
    for asynchronous in configs:
        assert (asynchronous["MaximumRetryAttempts"], asynchronous["MaximumEventAgeInSeconds"]) == (0, 60)


def test_outputs_name_the_queues() -> None:
    outputs = SOURCE["Outputs"]
    assert outputs["SettleQueueArn"]["Value"] == arn("SettleQueue")
    urls = {outputs[f"{name}Url"]["Value"]["Ref"] for name in QUEUES}
    assert urls == {name for name, kind in TYPES.items() if kind == "AWS::SQS::Queue"}
