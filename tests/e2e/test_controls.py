"""What only the local stack answers: health, the clock, the schedule; and that functions follow the moved clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from local.machine import ROOT
from tests.support.stack import TEXT_MODEL, run_to_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Answer, Stack

    NewAccount = Callable[[], str]

BAD_CLOCKS: list[tuple[str, str | None]] = [
    ("", None),
    ("{", None),
    ("[" * 200_000, None),
    ("null", None),
    ("[]", None),
    ("{}", None),
    ('{"then": "2026-11-24T00:00:00Z"}', None),
    ('{"now": "2026-11-24T00:00:00Z", "advanceSeconds": 1}', None),
    ('{"now": "tomorrow"}', "now"),
    ('{"now": ""}', "now"),
    ('{"now": 1795392000}', "now"),
    ('{"now": null}', "now"),
    ('{"now": "2026-11-24"}', "now"),
    ('{"now": "2026-11-24T00:00:00"}', "now"),
    ('{"now": "2026-11-24 00:00:00Z"}', "now"),
    ('{"now": "20261124T000000Z"}', "now"),
    ('{"now": "2026-W48-2T00:00:00Z"}', "now"),
    ('{"now": "2026-11-24T00:00:60Z"}', "now"),
    ('{"now": "2026-13-24T00:00:00Z"}', "now"),
    ('{"now": "1970-11-24T00:00:00Z"}', "now"),
    ('{"now": "9999-12-31T23:59:59Z"}', "now"),
    ('{"now": "\\ud800"}', "now"),
    ('{"advanceSeconds": "1"}', "advanceSeconds"),
    ('{"advanceSeconds": 1.5}', "advanceSeconds"),
    ('{"advanceSeconds": true}', "advanceSeconds"),
    ('{"advanceSeconds": 1e400}', "advanceSeconds"),
    ('{"advanceSeconds": NaN}', "advanceSeconds"),
    ('{"advanceSeconds": 9999999999999}', "advanceSeconds"),
    ('{"advanceSeconds": -3100000000}', "advanceSeconds"),
]


def put_clock(stack: Stack, body: str) -> Answer:
    return stack.send("PUT", "/_local/clock", body.encode())


def test_health_tells_that_this_is_a_stack(stack: Stack) -> None:
    answer = stack.send("GET", "/health")
    assert (answer.status, answer.json) == (200, {"status": "ok", "service": "modelpass"})


def test_the_clock_stands_where_it_was_put(stack: Stack) -> None:
    later = datetime.fromisoformat(stack.now()) + timedelta(hours=1)
    offset = later.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:30").tzinfo)
    assert stack.move_clock(now=offset.isoformat()) == stack.now()
    assert datetime.fromisoformat(stack.now()) == later
    moved = datetime.fromisoformat(stack.move_clock(advanceSeconds=90, now=None))
    assert moved - later == timedelta(seconds=90)
    assert datetime.fromisoformat(stack.now()) == moved


def test_the_clock_is_put_by_every_form_of_a_time(stack: Stack) -> None:
    later = datetime.fromisoformat(stack.now()).replace(microsecond=0) + timedelta(hours=1)
    text = later.astimezone(UTC).strftime("%Y-%m-%dt%H:%M:%S.123456789z")
    assert datetime.fromisoformat(stack.move_clock(now=text)) == later + timedelta(milliseconds=123)


@pytest.mark.parametrize(("body", "param"), BAD_CLOCKS, ids=lambda value: str(value)[:48])
def test_a_bad_time_is_refused_and_the_clock_stays(stack: Stack, body: str, param: str | None) -> None:
    before = stack.now()
    answer = put_clock(stack, body)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_request", param)
    assert stack.now() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/_local/clock"),
        ("POST", "/_local/clock"),
        ("GET", "/_local/schedule/ResetFunction"),
        ("POST", "/_local/schedule/AuthorizeFunction"),
        ("POST", "/_local/schedule/NoSuchFunction"),
        ("POST", "/_local/schedule/"),
        ("GET", "/_local/"),
    ],
)
def test_an_unknown_control_is_404(stack: Stack, method: str, path: str) -> None:
    answer = stack.send(method, path)
    assert (answer.status, answer.error["code"]) == (404, "not_found")


def test_the_schedule_does_what_is_due_and_changes_no_answer(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    stack.authorize(bought["apiKey"], "r-1", 4000, holdSeconds=60)
    stack.move_clock(now=bought["expiresAt"])
    before = stack.usage(account, bought["subscriptionId"])
    answer = stack.send("POST", "/_local/schedule/ResetFunction")
    assert answer.status == 200
    assert list(answer.json) == ["windowsRolled", "subscriptionsExpired", "holdsReleased", "more"]
    assert answer.json["subscriptionsExpired"] >= 1
    assert stack.usage(account, bought["subscriptionId"]) == before
    again = stack.send("POST", "/_local/schedule/ResetFunction").json
    assert again == {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}


def test_the_scheduled_function_takes_its_event_by_invoke_too(stack: Stack) -> None:
    event = {"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}
    assert stack.invoke("ResetFunction", event)["more"] is False


def test_term_windows_and_keys_follow_the_moved_clock(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    path = f"/v1/subscriptions/{bought['subscriptionId']}"
    midnight = stack.authorize(bought["apiKey"], "r-1", 4000, calls=50)["daily"]["resetsAt"]
    assert stack.authorize(bought["apiKey"], "r-2")["error"]["code"] == "daily_call_limit_reached"
    stack.move_clock(now=midnight)
    assert stack.authorize(bought["apiKey"], "r-2")["daily"]["used"] == 1
    stack.move_clock(now=bought["expiresAt"])
    assert stack.authorize(bought["apiKey"], "r-3")["error"]["code"] == "subscription_expired"
    assert stack.api("GET", path, account).json["status"] == "expired"
    renewed = stack.api("POST", f"{path}/renew", account)
    assert (renewed.status, renewed.json["term"], renewed.json["startsAt"]) == (200, 2, bought["expiresAt"])
    assert renewed.json["models"] == bought["models"]
    assert stack.authorize(bought["apiKey"], "r-4")["error"]["code"] == "invalid_api_key"
    assert stack.authorize(renewed.json["apiKey"], "r-4")["monthly"]["used"] == 0


def test_an_asynchronous_invocation_is_taken_and_carried_out(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    payload = {"apiKey": bought["apiKey"], "modelId": TEXT_MODEL, "requestId": "later", "estimatedUsage": 7}
    response = stack.lambda_client.invoke(
        FunctionName="AuthorizeFunction", InvocationType="Event", Payload=json.dumps(payload)
    )
    assert response["StatusCode"] == 202
    for _ in range(1000):
        if stack.usage(account, bought["subscriptionId"])["models"][0]["monthly"]["held"] == 7:
            return
    pytest.fail("the invocation was not carried out")


def test_audit_finds_the_running_stack_and_nothing_amiss_in_it(stack: Stack, new_account: NewAccount) -> None:
    bought = stack.buy(new_account())
    assert stack.authorize(bought["apiKey"], "r-1", 4000)["allowed"]
    audit = run_to_end(ROOT, "local", "audit", PORT=str(stack.port))
    assert (audit.returncode, audit.stderr) == (0, ""), audit.stdout
    assert audit.stdout.endswith("Breaches: 0.\n")
