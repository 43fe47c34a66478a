"""`GET /_local/events`: the events that other systems get, as a list and as a stream, also after a restart."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest

from local.dynamodb import engine as local_engine
from local.dynamodb.provisioning import client
from local.machine import HOST
from local.web.event_stream import STREAMS
from tests.support import stack as support

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.stack import Answer, Stack

    NewAccount = Callable[[], str]

Json = dict[str, Any]
PATH = "/_local/events"


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """An engine of its own: on a shared one, the events of other tests would be heard here."""
    with local_engine.running() as url:
        yield url


@pytest.fixture(scope="module")
def stack(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, whose clock stands still."""
    with support.running(AWS_ENDPOINT_URL_DYNAMODB=engine, DATA=str(tmp_path_factory.mktemp("events"))) as running:
        running.move_clock(advanceSeconds=0)
        yield running


def look(stack: Stack, after: str | None = None) -> Json:
    answer = stack.send("GET", PATH if after is None else f"{PATH}?after={after}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    told: Json = answer.json
    assert list(told) == ["events", "next"]
    return told


@contextlib.contextmanager
def asked(stack: Stack, after: str | None = None, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """The answer to a listener; the response holds the socket, and both are closed in the end."""
    connection = http.client.HTTPConnection(HOST, stack.port, timeout=20)
    with contextlib.closing(connection):
        path = PATH if after is None else f"{PATH}?after={after}"
        connection.request("GET", path, headers={"Accept": "text/event-stream", **headers})
        with contextlib.closing(connection.getresponse()) as response:
            yield response


@contextlib.contextmanager
def listening(stack: Stack, after: str | None = None, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """An open stream of events; where listeners that left still hold all places, it waits for one."""
    for _ in range(10_000):
        with asked(stack, after, **headers) as response:
            if response.status != 503:
                yield response
                return
    pytest.fail("no place was given back")


def heard(response: http.client.HTTPResponse) -> Json:
    """The next event of a stream, by its fields; fails after 60 comments without one."""
    for _ in range(60):
        fields: dict[str, str] = {}
        while line := response.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "id" in fields:
            return fields
    raise AssertionError("nothing came")


def test_a_purchase_is_told_with_its_data(stack: Stack, new_account: NewAccount) -> None:
    before = look(stack)["next"]
    account = new_account()
    bought = stack.buy(account)
    (event,) = look(stack, before)["events"]
    assert list(event)[:6] == ["id", "type", "version", "at", "subject", "accountId"]
    assert (event["type"], event["version"]) == ("subscription.purchased", 1)
    assert (event["subject"], event["accountId"]) == (bought["subscriptionId"], account)
    assert event["data"]["models"] == [m["modelId"] for m in bought["models"]]
    assert event["data"]["expiresAt"] == bought["expiresAt"]


def test_a_breach_is_told_after_the_purchase_and_the_rest_by_what_comes_next(
    stack: Stack, new_account: NewAccount
) -> None:
    before = look(stack)["next"]
    bought = stack.buy(new_account())
    granted = stack.authorize(bought["apiKey"], "r-1")
    middle = look(stack, before)
    assert middle["next"] == middle["events"][-1]["id"]
    stack.settle(granted["authorizationId"], 5, servedTier="basic")
    last = look(stack, middle["next"])
    assert [e["type"] for e in middle["events"] + last["events"]] == ["subscription.purchased", "tier.breached"]
    assert last["events"][0]["subject"] == bought["subscriptionId"]
    assert look(stack, before)["events"] == middle["events"] + last["events"]
    assert look(stack, last["next"]) == {"events": [], "next": last["next"]}


def test_a_row_that_is_no_event_is_not_told(stack: Stack, engine: str) -> None:
    before = look(stack)
    client(engine).put_item(TableName="EventsTable", Item={"pk": {"S": "no event"}, "sk": {"S": stack.url}})
    assert look(stack) == before


@pytest.mark.parametrize(("query", "param"), [("after=evt_never", "after"), ("after=", "after"), ("since=1", "since")])
def test_what_cannot_be_continued_is_refused(stack: Stack, query: str, param: str) -> None:
    answer = stack.send("GET", f"{PATH}?{query}")
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_request", param)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_events_are_only_looked_at(stack: Stack, method: str) -> None:
    assert stack.send(method, PATH).status == 404


def test_a_listener_hears_events_as_they_come(stack: Stack, new_account: NewAccount) -> None:
    before = look(stack)["next"]
    with listening(stack, before) as response:
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        for _ in range(3):
            bought = stack.buy(new_account())
            event = heard(response)
            told = json.loads(event["data"])
            assert (event["id"], event["event"]) == (told["id"], "subscription.purchased")
            assert told["subject"] == bought["subscriptionId"]
    assert told in look(stack)["events"]  # the reset may have told of something since


def test_a_listener_who_comes_back_hears_what_was_missed(stack: Stack, new_account: NewAccount) -> None:
    before = look(stack)["next"]
    stack.buy(new_account())
    with listening(stack, before) as response:
        first = heard(response)
    bought = stack.buy(new_account())
    with listening(stack, **{"Last-Event-ID": first["id"]}) as response:
        assert json.loads(heard(response)["data"])["subject"] == bought["subscriptionId"]


def test_listeners_take_a_bounded_number_of_places_and_give_them_back(stack: Stack) -> None:
    with contextlib.ExitStack() as all_places:
        held = [all_places.enter_context(listening(stack)) for _ in range(STREAMS)]
        assert {response.status for response in held} == {200}
        with asked(stack) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
            assert json.load(refused)["error"]["code"] == "temporarily_unavailable"
        assert list(look(stack)) == ["events", "next"]
    with listening(stack) as response:
        assert response.status == 200


def test_events_are_still_there_after_a_restart_and_listeners_hold_up_no_stop(tmp_path: Path) -> None:
    with support.running(DATA=str(tmp_path)) as first:
        first.buy("acct_kept")
        kept = look(first)
        with listening(first, kept["next"]) as response:
            assert response.status == 200
            assert first.end() == (0, "")
            assert response.read() is not None
    with support.running(DATA=str(tmp_path)) as second:
        assert look(second) == kept
        second.buy("acct_new")
        (event,) = look(second, kept["next"])["events"]
        assert event["accountId"] == "acct_new"


def test_on_an_engine_that_keeps_no_stream_the_stack_runs_and_says_so(tmp_path: Path) -> None:
    with local_engine.running() as url:
        keys = (("pk", "HASH"), ("sk", "RANGE"))
        client(url).create_table(
            TableName="EventsTable",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        )
        with support.running(AWS_ENDPOINT_URL_DYNAMODB=url, DATA=str(tmp_path)) as stack:
            stack.buy("acct_unheard")
            for headers in ({}, {"Accept": "text/event-stream"}):
                answer: Answer = stack.send("GET", PATH, headers=headers)
                assert (answer.status, answer.error["code"]) == (501, "internal_error")
                assert "no stream" in answer.error["message"]
