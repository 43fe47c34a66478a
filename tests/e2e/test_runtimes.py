"""Processes that stand for Lambda's. Rule: a function that fails, hangs or dies is reported as Lambda reports it."""

from __future__ import annotations

import threading
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import pytest

from local.awslambda.forge import Forge
from local.awslambda.pool import MAX_RUNTIMES, FunctionError, Pool, Runtime
from local.cloudformation.template import Function
from tests.support.concurrency import at_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = """
import os, sys, time

def lambda_handler(event, context):
    match event["do"]:
        case "answer":
            left = context.get_remaining_time_in_millis()
            return {"pid": os.getpid(), "request": context.aws_request_id, "left": left}
        case "environment":
            return dict(os.environ)
        case "raise":
            raise ValueError("no")
        case "exit":
            os._exit(1)
        case "hang":
            time.sleep(60)
        case "print":
            print("printed")
            return None
"""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[IO[bytes]]:
    with (tmp_path / "log").open("wb") as out:
        yield out


@pytest.fixture
def function(tmp_path: Path) -> Function:
    (tmp_path / "app.py").write_text(APP)
    return Function("Tried", tmp_path, "app.lambda_handler", 1, 128, {"OWN": "1"}, ())


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    made = Forge()
    yield made
    made.stop()


@pytest.fixture
def pool(function: Function, log: IO[bytes], forge: Forge) -> Iterator[Pool]:
    made = Pool(function, partial(Runtime, function, {"LANG": "C.UTF-8"}, log, forge))
    made.wait_ready()
    yield made
    made.stop()


def run(pool: Pool, do: str) -> Any:
    return pool.invoke(invocation(do))


def invocation(do: str) -> dict[str, Any]:
    return {"event": {"do": do}, "requestId": "req-1", "nowMs": None, "arn": "arn", "timeoutSeconds": 1}


def test_a_handler_is_told_of_its_invocation(pool: Pool) -> None:
    answer = run(pool, "answer")
    assert answer["request"] == "req-1"
    assert 0 < answer["left"] <= 1000


def test_a_function_has_its_own_environment_and_no_other(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_STACK", "1")
    environment = run(pool, "environment")
    assert (environment["OWN"], environment["AWS_LAMBDA_FUNCTION_NAME"]) == ("1", "Tried")
    assert "OF_THE_STACK" not in environment


def test_an_exception_is_reported_and_the_runtime_goes_on(pool: Pool) -> None:
    before = run(pool, "answer")["pid"]
    with pytest.raises(FunctionError) as failed:
        run(pool, "raise")
    assert failed.value.report == {"errorType": "ValueError", "errorMessage": "no"}
    assert run(pool, "answer")["pid"] == before


@pytest.mark.parametrize(("do", "kind"), [("hang", "Sandbox.Timedout"), ("exit", "Runtime.ExitError")])
def test_after_a_function_that_hangs_or_dies_the_next_gets_a_new_runtime(pool: Pool, do: str, kind: str) -> None:
    before = run(pool, "answer")["pid"]
    with pytest.raises(FunctionError) as failed:
        run(pool, do)
    assert failed.value.report["errorType"] == kind
    assert run(pool, "answer")["pid"] != before


def test_what_a_function_prints_is_no_answer(pool: Pool, tmp_path: Path) -> None:
    assert run(pool, "print") is None
    assert b"printed\n" in (tmp_path / "log").read_bytes()


def test_a_function_that_cannot_be_loaded_is_reported(function: Function, log: IO[bytes], forge: Forge) -> None:
    (function.folder / "app.py").write_text("import nothing_of_this_name")
    pool = Pool(function, partial(Runtime, function, {}, log, forge))
    with pytest.raises(FunctionError) as failed:
        pool.wait_ready()
    assert failed.value.report["errorType"] == "Runtime.ExitError"
    pool.stop()


def test_many_at_once_share_a_bounded_number_of_runtimes(pool: Pool) -> None:
    pids = {answer["pid"] for answer in at_once(4 * MAX_RUNTIMES, lambda _: run(pool, "answer"))}
    assert 1 <= len(pids) <= MAX_RUNTIMES


def test_a_runtime_outlives_the_thread_that_asked_for_it(function: Function, log: IO[bytes], forge: Forge) -> None:
    made: list[Runtime] = []
    asking = threading.Thread(target=lambda: made.append(Runtime(function, {}, log, forge)))
    asking.start()
    asking.join()
    made[0].wait_ready()
    assert made[0].invoke(invocation("answer"))["request"] == "req-1"
    made[0].stop()


def test_a_stopped_pool_starts_nothing(pool: Pool) -> None:
    pool.stop()
    with pytest.raises(FunctionError):
        run(pool, "answer")
    assert not pool._all
