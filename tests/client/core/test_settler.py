"""A report is sent until it is answered for good, by whatever way there is."""

from __future__ import annotations

import itertools
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.policies import Policies
from modelpass_client.reports import Report
from modelpass_client.settler import Settler
from modelpass_client.spool import Spool
from tests.client.core.backends import LOST, UNAVAILABLE, Clock, Scribe, Scripted, refusal

if TYPE_CHECKING:
    from pathlib import Path


def settler_of(
    backend: Scripted, clock: Clock, spool: Spool | None = None, queue: Scribe | None = None, **policies: Any
) -> Settler:
    wanted = Policies(settle_threads=0, **policies)
    return Settler(backend, wanted, spool=spool, queue=queue, clock=clock, sleep=clock.sleep, chance=lambda: 1.0)


def run_until_idle(settler: Settler, clock: Clock) -> list[float]:
    """Do what the threads would, and move the clock only when nothing is due; the times at which something was."""
    times = []
    while not settler.idle:
        if settler.step():
            times.append(clock.now)
        else:
            clock.now += 0.25
    return times


def test_failures_are_followed_by_pauses_that_double_up_to_the_longest() -> None:
    clock = Clock()
    failures: list[Any] = [LOST, UNAVAILABLE, RuntimeError("?"), {}]
    backend = Scripted(*failures, *failures)
    settler = settler_of(backend, clock, first_pause_seconds=1, longest_pause_seconds=8)
    settler.submit("a", Report(5))
    times = run_until_idle(settler, clock)
    assert [after - before for before, after in itertools.pairwise(times)] == [1, 2, 4, 8, 8, 8, 8, 8]
    assert settler.counts["settled"] == 1
    assert settler.counts["failures"] == 8


def test_chance_shortens_pauses_by_up_to_half() -> None:
    clock = Clock()
    settler = Settler(
        Scripted(LOST), Policies(settle_threads=0, first_pause_seconds=1), clock=clock, chance=lambda: 0.0
    )
    settler.submit("a", Report(5))
    assert run_until_idle(settler, clock) == [1000.0, 1000.5]


def test_one_report_that_waits_holds_up_no_other() -> None:
    clock = Clock()
    backend = Scripted(LOST)
    settler = settler_of(backend, clock)
    settler.submit("a", Report(1))
    settler.submit("b", Report(2))
    assert [settler.step(), settler.step(), settler.step()] == [True, True, False]
    assert [payload["authorizationId"] for payload in backend.settled] == ["a", "b"]


def test_the_first_report_of_an_authorization_stands(tmp_path: Path) -> None:
    clock = Clock()
    backend = Scripted(LOST)
    settler = settler_of(backend, clock, Spool(tmp_path))
    settler.submit("a", Report(1))
    settler.submit("a", Report(2))
    run_until_idle(settler, clock)
    assert {payload["actualUsage"] for payload in backend.settled} == {1}


def test_a_replayed_report_is_answered_for_good() -> None:
    clock = Clock()
    settler = settler_of(Scripted({"settled": True, "replayed": True}), clock)
    settler.submit("a", Report(1))
    run_until_idle(settler, clock)
    assert (settler.counts["settled"], settler.counts["replayed"]) == (1, 1)


@pytest.mark.parametrize(("code", "status"), [("authorization_not_found", 404), ("invalid_request", 400)])
def test_what_is_refused_for_good_is_kept_aside_and_told_without_ids(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str, status: int
) -> None:
    clock, spool = Clock(), Spool(tmp_path)
    settler = settler_of(Scripted(refusal(code, status, "authorizationId")), clock, spool)
    with caplog.at_level(logging.DEBUG):
        settler.submit("a-secret-id", Report(1))
        run_until_idle(settler, clock)
    kept = {"authorizationId": "a-secret-id", "actualUsage": 1, "usageSource": "reported"}
    assert spool.refused() == [("a-secret-id", kept, code)]
    assert spool.pending(10) == []
    assert settler.counts["refused"] == 1
    assert code in caplog.text
    assert "a-secret-id" not in caplog.text


def test_a_report_that_is_not_found_is_parked_in_the_queue() -> None:
    clock, queue = Clock(), Scribe()
    settler = settler_of(Scripted(refusal("authorization_not_found", 404)), clock, queue=queue)
    settler.submit("a", Report(1))
    run_until_idle(settler, clock)
    assert [payload["authorizationId"] for payload in queue.sent] == ["a"]


def test_after_some_failures_the_queue_takes_the_report() -> None:
    clock, queue = Clock(), Scribe(failures=1)
    backend = Scripted(*[LOST] * 100)
    settler = settler_of(backend, clock, queue=queue, queue_after=3)
    settler.submit("a", Report(7, source="counted"))
    run_until_idle(settler, clock)
    assert len(backend.settled) == 4  # once more by the function when the queue failed
    assert queue.sent == [{"authorizationId": "a", "actualUsage": 7, "usageSource": "counted"}]
    assert settler.counts["queued"] == 1


def test_while_the_function_is_down_reports_go_to_the_queue_and_now_and_then_one_asks() -> None:
    clock, queue = Clock(), Scribe()
    backend = Scripted(*[LOST] * 4)
    settler = settler_of(backend, clock, queue=queue, queue_after=3)
    for name in "abc":
        settler.submit(name, Report(1))
        settler.step()
    settler.submit("d", Report(1))
    settler.step()
    assert [payload["authorizationId"] for payload in queue.sent] == ["d"]  # and nobody waited for the function
    run_until_idle(settler, clock)
    clock.now += 5
    settler.submit("e", Report(1))
    run_until_idle(settler, clock)
    assert "e" in [payload["authorizationId"] for payload in backend.settled]


def test_a_report_that_alone_fails_goes_to_the_queue_while_others_are_settled() -> None:
    def sick(payload: Any) -> Any:
        return UNAVAILABLE if payload["authorizationId"] == "sick" else {"settled": True}

    clock, queue = Clock(), Scribe()
    settler = settler_of(Scripted(*[sick] * 100), clock, queue=queue, queue_after=2)
    settler.submit("sick", Report(1))
    for number in range(3):
        settler.submit(f"well-{number}", Report(1))
    run_until_idle(settler, clock)
    assert [payload["authorizationId"] for payload in queue.sent] == ["sick"]
    assert settler.counts["settled"] == 3


@pytest.mark.parametrize("field", ["calls", "servedTier", "usageSource"])
def test_a_report_whose_optional_field_is_refused_is_booked_without_it(field: str) -> None:
    clock = Clock()
    backend = Scripted(refusal("invalid_request", 400, field))
    settler = settler_of(backend, clock)
    settler.submit("a", Report(7, 3, "counted", "stable"))
    run_until_idle(settler, clock)
    first, second = backend.settled
    assert second == {name: value for name, value in first.items() if name != field}


def test_an_older_service_is_told_no_usage_source_from_then_on() -> None:
    clock = Clock()
    backend = Scripted(refusal("invalid_request", 400, "usageSource"))
    settler = settler_of(backend, clock)
    for name in "ab":
        settler.submit(name, Report(7, source="counted"))
        run_until_idle(settler, clock)
    assert ["usageSource" in payload for payload in backend.settled] == [True, False, False]


def test_flush_hurries_what_waits_and_tells_what_is_left() -> None:
    clock = Clock()
    backend = Scripted(*[LOST] * 8)
    settler = settler_of(backend, clock, first_pause_seconds=40, longest_pause_seconds=40)
    settler.submit("a", Report(1))
    settler.step()
    assert not settler.flush(1)  # tried at once and every quarter of a second
    assert len(backend.settled) == 5
    assert settler.flush(2)
    assert settler.idle


def test_memory_is_bounded_and_the_spool_has_the_rest(tmp_path: Path) -> None:
    clock = Clock()
    backend = Scripted(*[LOST] * 3)
    settler = settler_of(backend, clock, Spool(tmp_path), most_waiting=3)
    for number in range(10):
        settler.submit(f"id-{number}", Report(number))
    assert not settler.full  # the disk has room
    while not settler.idle:
        if not settler.step():
            clock.now += 1
            settler.load()
        assert len(settler.open) <= 3
    assert {payload["actualUsage"] for payload in backend.settled} == set(range(10))


def test_a_report_survives_its_process(tmp_path: Path) -> None:
    clock = Clock()
    settler_of(Scripted(), clock, Spool(tmp_path)).submit("a", Report(1))
    # The process ends here; its lock is let go of by the kernel (see the test of kills).
    files = Spool(tmp_path)
    assert files.pending(9) == []  # a live process's reports are its own


def test_what_an_earlier_process_left_is_sent_though_nothing_new_is_reported(tmp_path: Path) -> None:
    earlier = Spool(tmp_path)
    settler_of(Scripted(), Clock(), earlier).submit("a", Report(1))
    earlier.close()
    sent = threading.Event()

    def settled(_: dict[str, Any]) -> dict[str, Any]:
        sent.set()
        return {"settled": True}

    settler = Settler(Scripted(settled), Policies(settle_threads=1), spool=Spool(tmp_path))
    assert settler.recover() == 1
    assert sent.wait(30)
    settler.close(30)


class FullDisk(Spool):
    """A spool on a disk that is full."""

    def put(self, authorization_id: str, payload: dict[str, Any]) -> None:
        raise OSError(f"No space left for {len(authorization_id) + len(payload)} characters.")


def test_a_full_disk_loses_no_report_while_the_process_lives(tmp_path: Path) -> None:
    clock = Clock()
    backend = Scripted()
    settler = settler_of(backend, clock, FullDisk(tmp_path))
    settler.submit("a", Report(1))
    assert not settler.full
    run_until_idle(settler, clock)
    assert len(backend.settled) == 1
    assert settler.counts["spool_failures"] == 1


def test_a_full_disk_bounds_what_memory_may_hold(tmp_path: Path) -> None:
    settler = settler_of(Scripted(), Clock(), FullDisk(tmp_path), most_waiting=1)
    settler.submit("a", Report(1))
    assert settler.full


def test_a_flush_delivers_what_is_on_disk_alone_too(tmp_path: Path) -> None:
    clock = Clock()
    backend = Scripted()
    settler = settler_of(backend, clock, Spool(tmp_path), most_waiting=1)
    for name in "abc":
        settler.submit(name, Report(1))
    assert settler.flush(10)
    assert len(backend.settled) == 3
