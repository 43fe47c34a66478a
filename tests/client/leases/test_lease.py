"""One lease, step by step: reports of its grants, wishes that wait, and what becomes of holds that may not go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.leases.demand import Age
from modelpass_client.leases.lease import Lease
from modelpass_client.reports import Report
from tests.client.leases.routers import POLICIES, TUNING
from tests.client.leases.service import Service

if TYPE_CHECKING:
    from modelpass_client.leases.sends import Send

Json = dict[str, Any]


class Process:
    """A lease, its service, and a clock that stands still."""

    def __init__(self, cap: int = 10**6, limit: int = 10**6) -> None:
        self.service = Service(cap, limit)
        self.now_ms = 0
        self.lasts: list[tuple[str, Report]] = []
        self.lease = Lease(
            "k",
            "m",
            tuning=TUNING,
            policies=POLICIES,
            settle=lambda known, report: self.lasts.append((known, report)),
            wake=lambda _: None,
            clock=lambda: (self.now_ms + 0.5) / 1000,
            age=Age(),
        )

    def due(self) -> Send:
        send = self.lease.next_send()
        assert send is not None
        return send

    def answer_of(self, send: Send) -> Json:
        self.service.now_ms = self.now_ms
        answer: Json = getattr(self.service, send.function)(send.payload)
        return answer

    def carry(self) -> Send:
        """Send what is due, and take the answer."""
        send = self.due()
        self.lease.answered(send, self.answer_of(send))
        return send

    def warm(self) -> None:
        """Have a hold with room for more than one request of 100 units."""
        assert self.lease.grant(100) is None
        wish = self.lease.enlist(100)
        self.carry()
        first = self.lease.poll(wish)
        assert first is not None
        self.carry()
        first.void()

    def go_on(self, ms: int = 1000) -> None:
        """Let time pass, and send what is due then."""
        self.wait(ms)
        send = self.lease.next_send()
        if send is not None:
            self.lease.answered(send, self.answer_of(send))

    def wait(self, ms: int) -> None:
        self.now_ms += ms


def test_a_part_is_repeated_unchanged_until_it_is_answered_and_what_comes_meanwhile_is_in_the_next() -> None:
    process = Process()
    process.warm()
    first, second = process.lease.grant(100), process.lease.grant(100)
    assert first is not None
    assert second is not None
    first.settle(Report(70))
    process.wait(1000)
    send = process.due()
    assert (send.payload["actualUsage"], send.payload["calls"]) == (70, 1)
    process.answer_of(send)  # booked, and the reply is lost
    process.lease.unanswered(send)
    second.settle(Report(20))
    process.wait(100)
    again = process.due()
    assert again.payload == send.payload
    answer = process.answer_of(again)
    assert answer["replayed"]
    process.lease.answered(again, answer)
    process.wait(1000)
    assert process.carry().payload["actualUsage"] == 20
    assert process.service.used == 90


def test_an_answer_that_decides_nothing_is_no_answer() -> None:
    process = Process()
    assert process.lease.grant(100) is None
    send = process.due()
    error = {"code": "temporarily_unavailable", "message": "", "type": "t"}
    process.lease.answered(send, {"allowed": False, "statusCode": 503, "error": error})
    process.wait(100)
    assert process.due().payload == send.payload


def test_nobody_waits_for_what_is_not_answered() -> None:
    process = Process()
    wish = process.lease.enlist(100)
    process.lease.unanswered(process.due())
    assert process.lease.poll(wish) is None
    assert wish.over


def test_a_grant_that_nobody_reports_is_booked_as_its_estimate_before_the_hold_ends() -> None:
    process = Process()
    process.warm()
    forgotten, claimed = process.lease.grant(100), process.lease.grant(40)
    assert forgotten is not None
    assert claimed is not None
    assert claimed.claim()  # by somebody who never books it
    process.wait(TUNING.longest_ms + 4000)
    assert process.now_ms < forgotten.expires_at * 1000
    process.lease.next_send()
    assert forgotten.claimed
    claimed.book(Report(1))  # too late to count
    for _ in range(20):
        process.go_on()
    assert len(process.lasts) == 1
    assert process.service.used + process.lasts[0][1].units == 140


def test_another_tier_that_served_is_told_by_the_last_report_and_a_new_hold_takes_over() -> None:
    process = Process()
    process.warm()
    breached, other = process.lease.grant(100), process.lease.grant(100)
    assert breached is not None
    assert other is not None
    breached.used(10, served_tier="basic", source="counted")
    breached.finish()
    other.used(5, served_tier="stable")
    process.go_on(0)
    other.finish()
    for _ in range(20):
        process.go_on()
    assert len(process.lasts) == 2  # of that hold, and of the one that took over
    last = process.lasts[0][1]
    assert (last.served_tier, last.source) == ("basic", "counted")
    assert process.service.used + last.units == 15


def test_calls_are_counted_as_they_were_made_and_no_more_than_were_granted() -> None:
    process = Process()
    process.warm()
    block, plain, void = (process.lease.grant(10, calls) for calls in (1, 1, 1))
    assert block is not None
    assert plain is not None
    assert void is not None
    block.settle(Report(10, calls=7))  # no right to seven
    plain.settle(Report(10))
    void.void()
    process.wait(1000)
    part = process.carry()
    assert (part.payload["actualUsage"], part.payload["calls"]) == (20, 2)


def test_after_its_last_request_a_lease_hands_everything_back() -> None:
    process = Process()
    process.warm()
    for _ in range(10):
        process.go_on(500)
    assert [report.units for _, report in process.lasts] == [0]
    assert process.lease.ended
    assert process.lease.look_at_ms() is None


def test_a_part_that_is_refused_for_good_ends_the_hold_with_one_last_report() -> None:
    process = Process()
    process.warm()
    grant = process.lease.grant(100)
    assert grant is not None
    grant.settle(Report(60))
    process.wait(1000)
    send = process.due()
    error = {"code": "authorization_not_found", "message": "", "type": "t", "param": "authorizationId"}
    process.lease.answered(send, {"settled": False, "statusCode": 404, "error": error})
    process.lease.next_send()
    assert process.lasts == [(send.payload["authorizationId"], Report(60, 1))]


def test_what_is_still_open_at_the_end_is_booked_and_a_part_without_an_answer_is_in_the_last_report() -> None:
    process = Process()
    process.warm()
    finished, still_open = process.lease.grant(100), process.lease.grant(30)
    assert finished is not None
    assert still_open is not None
    finished.settle(Report(60))
    process.wait(1000)
    send = process.due()
    process.lease.close()
    process.lease.abandon()
    assert still_open.claimed
    assert process.lasts == [(send.payload["authorizationId"], Report(90, 2, "estimated"))]
    process.lease.answered(send, process.answer_of(send))  # comes too late, and changes nothing
    assert len(process.lasts) == 1


def test_a_hold_that_is_granted_after_the_end_is_voided() -> None:
    process = Process()
    process.lease.enlist(100)
    send = process.due()
    process.lease.close()
    process.lease.answered(send, process.answer_of(send))
    assert [(report.units, report.calls) for _, report in process.lasts] == [(0, 0)]
    assert not process.lease.quiet or process.lease._hold is None


def test_a_call_that_uses_no_units_by_nature_needs_none_left() -> None:
    process = Process()
    process.warm()
    hold = process.lease._hold
    assert hold is not None
    while process.lease.grant(max(1, hold.free_units)) is not None:
        pass
    assert process.lease.grant(0) is None
    assert process.lease.grant(0, 1, unit_free=True) is not None


def test_nothing_that_is_shown_of_a_lease_tells_a_key_or_an_id() -> None:
    process = Process()
    process.warm()
    process.lease.grant(100)
    process.wait(1000)
    assert "k" not in repr(process.due()).replace("Send", "")


@pytest.mark.parametrize("largest", [50, 600])
def test_a_request_for_more_than_its_share_does_not_wait(largest: int) -> None:
    process = Process(cap=1000)
    process.warm()
    wish = process.lease.enlist(largest)
    process.lease.poll(wish)
    assert wish.over is (largest == 600)


def test_what_is_free_goes_back_at_once_when_a_refusal_tells_that_little_is_left() -> None:
    process = Process()
    process.warm()
    hold = process.lease._hold
    assert hold is not None
    while hold.free_units >= 350:
        process.lease.grant(100)
    begun = hold.reserved_units
    assert hold.free_units > 100
    process.service.used += process.service.left  # others took it
    refusal = process.service.authorize({"apiKey": "k", "requestId": "r", "estimatedUsage": 10})
    process.lease.note(refusal)
    process.wait(60)
    assert process.carry().payload["continue"]["estimatedUsage"] == begun
    assert process.service.left > 100
    assert process.lease.grant(100) is None


def test_beside_a_long_request_nothing_is_held_once_no_more_come() -> None:
    process = Process()
    process.warm()
    long_one = process.lease.grant(100)
    assert long_one is not None
    for _ in range(6):
        process.go_on()
    assert process.service.held == 100
    assert process.lease.look_at_ms() is not None
    long_one.settle(Report(80))
    process.go_on()
    assert [report.units for _, report in process.lasts] == [80]


def test_of_a_hold_that_may_not_go_on_only_what_has_begun_is_kept() -> None:
    process = Process()
    process.warm()
    assert process.lease.grant(100) is not None
    process.service.stopped = "subscription_suspended"
    process.go_on()
    assert process.service.held > 100
    process.go_on()
    assert process.service.held == 100
