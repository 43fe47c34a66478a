"""How events leave the service, by the template: stream, pipe, bus, the queue for undelivered ones, permissions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.template.resources import SOURCE, arn

if TYPE_CHECKING:
    from tests.template.resources import Json

DAY_SECONDS = 86_400


def the(kind: str) -> tuple[str, Json]:
    """The one resource of a kind."""
    ((name, resource),) = ((n, r) for n, r in SOURCE["Resources"].items() if r["Type"] == kind)
    return name, resource


BUS, _ = the("AWS::Events::EventBus")
QUEUE = "UndeliveredEvents"
UNDELIVERED: Json = SOURCE["Resources"][QUEUE]
ROLE, ROLE_RESOURCE = the("AWS::IAM::Role")
PIPE: Json = the("AWS::Pipes::Pipe")[1]["Properties"]
STREAM = {"Fn::GetAtt": ["EventsTable", "StreamArn"]}


def same(got: Any, wanted: Json) -> bool:
    """GetAtt is written as `A.B` or as a list."""
    ((function, argument),) = got.items()
    return {function: argument.split(".") if isinstance(argument, str) else argument} == wanted


def test_pipe_leads_from_the_stream_of_the_events_to_the_bus_and_runs_no_code() -> None:
    assert same(PIPE["Source"], STREAM)
    assert same(PIPE["Target"], arn(BUS))
    assert same(PIPE["RoleArn"], arn(ROLE))
    assert "Enrichment" not in PIPE
    assert PIPE.get("DesiredState", "RUNNING") == "RUNNING"


def test_only_new_rows_that_are_events_pass() -> None:
    (only,) = PIPE["SourceParameters"]["FilterCriteria"]["Filters"]
    wanted = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"type": {"S": [{"exists": True}]}}}}
    assert json.loads(only["Pattern"]) == wanted


def test_nothing_is_skipped_and_what_fails_holds_up_the_rest_for_less_than_the_stream_keeps_it() -> None:
    reading = PIPE["SourceParameters"]["DynamoDBStreamParameters"]
    assert reading["StartingPosition"] == "TRIM_HORIZON"
    assert 0 < reading["MaximumRecordAgeInSeconds"] <= DAY_SECONDS / 2
    assert 0 < reading["MaximumRetryAttempts"] <= 10_000
    assert reading["OnPartialBatchItemFailure"] == "AUTOMATIC_BISECT"
    assert reading["BatchSize"] <= 10  # a bus takes no more at once
    assert reading.get("ParallelizationFactor", 1) == 1  # else a subject's events could overtake each other
    assert same(reading["DeadLetterConfig"]["Arn"], arn(QUEUE))


def test_undelivered_events_are_kept_encrypted_for_14_days() -> None:
    assert UNDELIVERED["Properties"]["MessageRetentionPeriod"] == 14 * DAY_SECONDS
    assert UNDELIVERED["Properties"]["SqsManagedSseEnabled"] is True
    assert UNDELIVERED["DeletionPolicy"] == UNDELIVERED["UpdateReplacePolicy"] == "Retain"


def test_an_event_is_found_by_its_type_and_its_source() -> None:
    put = PIPE["TargetParameters"]["EventBridgeEventBusParameters"]
    assert put == {"Source": "modelpass", "DetailType": "$.dynamodb.NewImage.type.S"}


def test_pipe_logs_nothing() -> None:
    assert "LogConfiguration" not in PIPE


def test_role_is_the_pipes_alone_and_may_read_the_stream_put_on_the_bus_and_set_aside() -> None:
    properties = ROLE_RESOURCE["Properties"]
    (trusted,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "pipes.amazonaws.com"}
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert "ManagedPolicyArns" not in properties
    (policy,) = properties["Policies"]
    allowed = policy["PolicyDocument"]["Statement"]
    assert all(set(statement) == {"Effect", "Action", "Resource"} for statement in allowed)
    assert [sorted(statement["Action"]) for statement in allowed] == [
        ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
        ["events:PutEvents"],
        ["sqs:SendMessage"],
    ]
    targets = (STREAM, arn(BUS), arn(QUEUE))
    assert all(same(statement["Resource"], wanted) for statement, wanted in zip(allowed, targets, strict=True))


def test_outputs_name_the_bus_and_the_queue() -> None:
    outputs = SOURCE["Outputs"]
    assert outputs["EventsBusName"]["Value"] == {"Ref": BUS}
    assert same(outputs["EventsBusArn"]["Value"], arn(BUS))
    assert outputs["UndeliveredEventsUrl"]["Value"] == {"Ref": QUEUE}
