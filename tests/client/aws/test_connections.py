"""Connections are kept, bounded and never trusted too far; a request is sent twice only where that means the same."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.aws import http
from modelpass_client.aws.invoke import InvokeBackend
from tests.client.aws.way import CREDENTIALS, KEY, PAYLOAD, REGION, SETTLE, answered, failure, way
from tests.support.wire import Do

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support.wire import Asked, Wire

OK = answered({"fine": True})
WITHOUT_ATTEMPT = {"apiKey": KEY, "requestId": "r-1"}
REPEATABLE: list[Callable[[InvokeBackend], object]] = [
    lambda backend: backend.authorize(PAYLOAD),
    lambda backend: backend.settle(SETTLE),
    lambda backend: backend.describe_key({"apiKey": KEY}),
]


def connections(wire: Wire) -> list[int]:
    return [asked.connection for asked in wire.asked]


def echo(asked: Asked) -> Iterable[bytes]:
    return [answered({"was": json.loads(asked.body)})]


def test_a_connection_is_used_again(wire: Wire) -> None:
    wire.sends(OK)
    backend = way(wire)
    for _ in range(5):
        assert backend.authorize(PAYLOAD) == {"fine": True}
    backend.close()
    assert connections(wire) == [0] * 5


def test_the_request_is_lambdas(wire: Wire) -> None:
    wire.answer = echo
    name = "arn:aws:lambda:eu-west-1:123456789012:function:AuthorizeFunction:live"
    backend = way(wire, authorize_function=name, settle_function="fn:$LATEST")
    assert backend.authorize(PAYLOAD) == {"was": PAYLOAD}
    assert backend.settle(SETTLE) == {"was": SETTLE}
    encoded = name.replace(":", "%3A")
    assert [asked.lines[0].decode() for asked in wire.asked] == [
        f"POST /2015-03-31/functions/{encoded}/invocations HTTP/1.1",
        "POST /2015-03-31/functions/fn%3A%24LATEST/invocations HTTP/1.1",
    ]
    assert wire.asked[0].headers["content-type"] == "application/json"
    assert wire.asked[0].headers["host"] == wire.url.removeprefix("http://")
    backend.close()


@pytest.mark.parametrize("how", [Do.CLOSE, Do.RESET])
@pytest.mark.parametrize("request_of", REPEATABLE, ids=["authorize", "settle", "describe_key"])
def test_a_repeatable_request_on_a_connection_that_was_closed_meanwhile_is_sent_again(
    wire: Wire, request_of: Callable[[InvokeBackend], object], how: Do
) -> None:
    wire.sends_in_turn([OK], [how], [OK])
    backend = way(wire)
    assert request_of(backend) == request_of(backend) == {"fine": True}
    assert connections(wire) == [0, 0, 1]
    assert wire.asked[1].body == wire.asked[2].body
    backend.close()


@pytest.mark.parametrize("how", [Do.CLOSE, Do.RESET])
def test_an_authorize_without_attempt_is_never_sent_again(wire: Wire, how: Do) -> None:
    """Its repeat would be told as a replay, which is no plain grant."""
    wire.sends_in_turn([OK], [how], [OK])
    backend = way(wire)
    backend.authorize(WITHOUT_ATTEMPT)
    assert failure(lambda: backend.authorize(WITHOUT_ATTEMPT)).maybe_done
    assert len(wire.asked) == 2
    backend.close()


def test_a_close_that_is_seen_before_sending_costs_no_request(wire: Wire) -> None:
    wire.sends_in_turn([OK, Do.CLOSE], [OK])
    backend = way(wire)
    backend.authorize(WITHOUT_ATTEMPT)
    wire.wait_until_one_is_closed()
    assert backend.authorize(WITHOUT_ATTEMPT) == {"fine": True}
    assert connections(wire) == [0, 1]
    backend.close()


@pytest.mark.parametrize("request_of", REPEATABLE, ids=["authorize", "settle", "describe_key"])
def test_a_request_that_a_new_connection_loses_is_not_sent_again(
    wire: Wire, request_of: Callable[[InvokeBackend], object]
) -> None:
    wire.sends(Do.CLOSE)
    backend = way(wire)
    assert failure(lambda: request_of(backend)).maybe_done
    assert len(wire.asked) == 1


def test_it_is_sent_again_once_and_no_more(wire: Wire) -> None:
    wire.sends_in_turn([OK], [Do.CLOSE], [Do.CLOSE], [OK])
    backend = way(wire)
    backend.settle(SETTLE)
    assert failure(lambda: backend.settle(SETTLE)).maybe_done
    assert connections(wire) == [0, 0, 1]


@pytest.mark.parametrize("begun", [b"H", OK[:40], OK[:-1]])
def test_a_request_whose_answer_had_begun_is_not_sent_again(wire: Wire, begun: bytes) -> None:
    wire.sends_in_turn([OK], [begun, Do.CLOSE], [OK])
    backend = way(wire)
    backend.settle(SETTLE)
    assert failure(lambda: backend.settle(SETTLE)).maybe_done
    assert backend.settle(SETTLE) == {"fine": True}
    assert connections(wire) == [0, 0, 1]
    backend.close()


def test_bytes_that_came_after_an_answer_never_become_the_next(wire: Wire) -> None:
    answered_once, late = threading.Event(), threading.Event()

    def first() -> Iterable[bytes]:
        yield OK
        assert answered_once.wait(10)
        yield answered({"of": "another"})
        late.set()

    answers: Iterator[Iterable[bytes]] = iter([first(), [OK]])
    wire.answer = lambda _: next(answers)
    backend = way(wire)
    assert backend.settle(SETTLE) == {"fine": True}
    answered_once.set()
    assert late.wait(10)
    assert backend.settle(SETTLE) == {"fine": True}
    assert connections(wire) == [0, 1]
    backend.close()


def test_a_connection_that_waited_long_is_not_used_again(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    wire.sends(OK)
    backend = way(wire)
    backend.settle(SETTLE)
    monkeypatch.setattr(http, "IDLE_SECONDS", -1.0)
    backend.settle(SETTLE)
    assert connections(wire) == [0, 1]
    wire.wait_until_one_is_closed()
    wire.wait_until_one_is_closed()  # nor does the second wait: it is dropped as the next one would be kept
    backend.close()


@pytest.mark.parametrize("told", [answered({"fine": True}, connection="close"), OK.replace(b"/1.1", b"/1.0", 1)])
def test_a_connection_that_the_server_ends_is_not_kept(wire: Wire, told: bytes) -> None:
    wire.sends(told)
    backend = way(wire)
    backend.settle(SETTLE)
    wire.wait_until_one_is_closed()
    backend.settle(SETTLE)
    assert connections(wire) == [0, 1]


def test_each_thread_gets_its_own_answer_over_a_bounded_number_of_connections(wire: Wire) -> None:
    wire.answer = echo
    backend = way(wire, connections=4)

    def ask(number: int) -> Any:
        return backend.settle({"actualUsage": number})["was"]["actualUsage"]

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(ask, range(300))) == list(range(300))
    backend.close()
    assert len(wire.connections) <= 4


def test_a_request_beyond_the_bound_is_told_that_it_was_not_sent(wire: Wire) -> None:
    asked = threading.Event()

    def hang(_: Asked) -> Iterable[bytes | Do]:
        asked.set()
        return [Do.HANG, OK]

    wire.answer = hang
    backend = way(wire, connections=1, connect_seconds=0.05, read_seconds=30.0)
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(backend.settle, SETTLE)
        assert asked.wait(10)
        error = failure(lambda: backend.settle(SETTLE))
        assert (str(error), error.maybe_done) == ("all connections are busy", False)
        wire.over.set()
        assert under_way.result() == {"fine": True}
    assert len(wire.asked) == 1
    backend.close()


def test_a_slot_is_free_again_after_a_failure(wire: Wire) -> None:
    backend = way(wire, connections=1, connect_seconds=0.5)
    wire.sends(Do.CLOSE)
    for _ in range(3):
        assert failure(lambda: backend.settle(SETTLE)).maybe_done
    wire.sends(OK)
    assert backend.settle(SETTLE) == {"fine": True}
    backend.close()


def test_a_forked_process_opens_connections_of_its_own_and_leaves_the_parents_alone(wire: Wire) -> None:
    wire.answer = echo
    backend = way(wire, connections=1)
    assert backend.settle(SETTLE)
    child = os.fork()
    if child == 0:
        ended = 1
        try:
            ended = 0 if backend.settle(SETTLE) == {"was": SETTLE} else 2
        finally:
            os._exit(ended)
    assert os.waitpid(child, 0)[1] == 0
    assert backend.settle(SETTLE) == {"was": SETTLE}
    backend.close()
    assert connections(wire) == [0, 1, 0]


def test_a_fork_while_all_connections_are_in_use_leaves_the_child_its_own(wire: Wire) -> None:
    """The slots that the parent's threads hold are not held in the child, where no such thread runs."""
    asked = threading.Event()
    first = threading.Lock()

    def hang_once(_: Asked) -> Iterable[bytes | Do]:
        if first.acquire(blocking=False):
            asked.set()
            return [Do.HANG, OK]
        return [OK]

    wire.answer = hang_once
    backend = way(wire, connections=1, connect_seconds=1.0, read_seconds=30.0)
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(backend.settle, SETTLE)
        assert asked.wait(10)
        child = os.fork()
        if child == 0:
            ended = 1
            try:
                ended = 0 if backend.settle(SETTLE) == {"fine": True} else 2
            finally:
                os._exit(ended)
        assert os.waitpid(child, 0)[1] == 0
        wire.over.set()
        assert under_way.result() == {"fine": True}
    backend.close()


def test_a_backend_that_is_closed_sends_nothing(wire: Wire) -> None:
    wire.sends(OK)
    backend = way(wire)
    backend.settle(SETTLE)
    backend.close()
    wire.wait_until_one_is_closed()
    assert not failure(lambda: backend.settle(SETTLE)).maybe_done
    assert len(wire.asked) == 1


def test_proxies_of_the_environment_are_ignored(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        for spelled in (name, name.lower()):
            monkeypatch.setenv(spelled, "http://127.0.0.1:9")
    wire.sends(OK)
    backend = way(wire)
    assert backend.settle(SETTLE) == {"fine": True}
    backend.close()


def test_a_server_that_does_not_listen_has_done_nothing() -> None:
    backend = InvokeBackend("http://127.0.0.1:9", region=REGION, credentials=CREDENTIALS)
    error = failure(lambda: backend.settle(SETTLE))
    assert (str(error), error.maybe_done) == ("no connection (ConnectionRefusedError)", False)
