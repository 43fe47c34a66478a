"""A store that is sick is asked once per command, then not at all, then now and then; one's trouble is his own."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.dynamodb.circuit_breaker import (
    FIRST_REST_SECONDS,
    FORGOTTEN_SECONDS,
    LONGEST_REST_SECONDS,
    MAX_PARTITIONS,
    TOKENS,
    Change,
    CircuitBreaker,
    Place,
)
from modelpass.dynamodb.retries import Pacing
from modelpass.dynamodb.transport import Cause, ConditionFailedError, StoreBusyError, StoreError, StoreRejectedError
from tests.support.concurrency import at_once

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

SICK = (Cause.FAILED, Cause.SILENT)
TROUBLES = (Cause.THROTTLED, *SICK)
IN_A_ROW = {Cause.THROTTLED: 5, Cause.FAILED: 5, Cause.SILENT: 2}
THROTTLED, SILENT = StoreBusyError("ThrottlingException", Cause.THROTTLED), StoreBusyError("TimeoutError", Cause.SILENT)
STALE, CONTENDED = StoreBusyError("ConnectionResetError", Cause.STALE), StoreBusyError("Conflict", Cause.CONTENDED)

ANSWERS = (None, ConditionFailedError(None), StoreRejectedError("ValidationException"), CONTENDED)


def failing(cause: Cause) -> StoreBusyError:
    return StoreBusyError("away", cause)


def update(partition: str = "a", table: str = "t") -> Request:
    return {"TableName": table, "Key": {"pk": schema.text(partition)}}


@dataclass(slots=True)
class Process:
    """A process with a breaker, a steady clock that a test moves, and a store that does what `meets` says."""

    now: float = 1000.0
    chance: float = 0.999999
    meets: StoreError | None = None
    sent: list[Request] = field(default_factory=list)
    told: list[Change] = field(default_factory=list)
    breaker: CircuitBreaker = field(init=False)
    send: Send = field(init=False)

    def __post_init__(self) -> None:
        pacing = Pacing(lambda: self.now, lambda _: None, lambda: self.chance)
        self.breaker = CircuitBreaker(pacing, self.told.append)
        self.send = self.breaker.guarded(self._store)

    def _store(self, _: str, request: Request) -> Response:
        self.sent.append(request)
        if self.meets is not None:
            raise self.meets
        return {}

    def ask(self, partition: str = "a", table: str = "t", meets: StoreError | None = None) -> Cause | None:
        """Ask once; why it may be asked again, None for an answer."""
        return self.asks(update(partition, table), meets)

    def asks(self, request: Request, meets: StoreError | None = None) -> Cause | None:
        self.meets = meets
        try:
            self.send("UpdateItem", request)
        except StoreBusyError as failure:
            return failure.cause
        except StoreError:
            return None
        return None

    def is_sent(self, partition: str = "a", table: str = "t", meets: StoreError | None = None) -> bool:
        """Whether a request gets as far as the store."""
        before = len(self.sent)
        self.ask(partition, table, meets)
        return len(self.sent) > before

    def fail(self, cause: Cause, *partitions: str, table: str = "t") -> list[Cause | None]:
        return [self.ask(partition, table, failing(cause)) for partition in partitions]

    def tire_of(self, cause: Cause) -> int:
        """Take all retries there are; how many these were."""
        taken = 0
        while self.breaker.may_retry(cause):
            taken += 1
        return taken


@pytest.mark.parametrize("cause", TROUBLES)
def test_failures_in_a_row_open_the_breaker_of_their_partition_and_nothing_is_sent(cause: Cause) -> None:
    process, times = Process(), IN_A_ROW[cause]
    assert process.fail(cause, *["a"] * times) == [*[cause] * (times - 1), Cause.OPEN]
    assert process.ask() is Cause.OPEN
    assert len(process.sent) == times
    assert process.told == [Change(Place("t", "a"), cause)]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("cause", TROUBLES)
def test_any_answer_ends_the_row(cause: Cause, answer: StoreError | None) -> None:
    process, times = Process(), IN_A_ROW[cause]
    for _ in range(5):
        assert Cause.OPEN not in process.fail(cause, *["a"] * (times - 1))
        process.ask(meets=answer)
    assert process.told == []


def test_contention_never_counts_however_often_it_comes() -> None:
    process = Process()
    assert {process.ask(meets=CONTENDED) for _ in range(100)} == {Cause.CONTENDED}
    assert process.told == []
    assert all(process.breaker.may_retry(Cause.CONTENDED) for _ in range(100))


def test_connection_found_closed_neither_counts_nor_ends_the_row() -> None:
    process = Process()
    for _ in range(4):
        process.fail(Cause.FAILED, "a")
        assert process.ask(meets=STALE) is Cause.STALE
    assert process.fail(Cause.FAILED, "a") == [Cause.OPEN]


@pytest.mark.parametrize("others", [1, 3, 50])
def test_throttled_partitions_however_many_stop_nobody_elses_requests(others: int) -> None:
    process = Process()
    hot = [f"hot-{number}" for number in range(others)]
    for _ in range(5):
        process.fail(Cause.THROTTLED, *hot)
    assert not any(process.is_sent(partition) for partition in hot)
    assert process.is_sent("another")
    assert not any(process.is_sent(partition) for partition in hot)  # and an answer to another tells nothing of them
    assert {change.place.partition for change in process.told} == set(hot)


@pytest.mark.parametrize("cause", SICK)
def test_one_partition_that_is_sick_stops_nobody_elses_requests(cause: Cause) -> None:
    process = Process()
    process.fail(cause, *["a"] * 5)
    assert not process.is_sent("a")
    assert process.is_sent("b")


@pytest.mark.parametrize("cause", SICK)
def test_failures_of_several_partitions_in_a_row_open_the_whole_table_and_no_other(cause: Cause) -> None:
    process, times = Process(), IN_A_ROW[cause]
    assert process.fail(cause, *"abcde"[:times])[-1] is Cause.OPEN
    assert not process.is_sent("never-seen")
    assert process.is_sent("a", "another table")
    assert process.told == [Change(Place("t", None), cause)]


@pytest.mark.parametrize("cause", SICK)
def test_answer_to_anybody_ends_the_row_of_the_table(cause: Cause) -> None:
    process, times = Process(), IN_A_ROW[cause]
    for group in ("abcd", "efgh", "ijkl", "mnop"):
        process.fail(cause, *group[: times - 1])
        process.ask("somebody")
    assert process.told == []


def test_store_that_throttles_answers_and_is_not_silent() -> None:
    process = Process()
    process.fail(Cause.SILENT, "a")
    process.fail(Cause.THROTTLED, "b")
    assert process.fail(Cause.SILENT, "c") == [Cause.SILENT]


def open_table(process: Process) -> None:
    process.fail(Cause.SILENT, "a", "b")
    assert process.told == [Change(Place("t", None), Cause.SILENT)]


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999999])
def test_after_its_rest_one_request_is_let_through_and_others_go_on_failing(chance: float) -> None:
    process = Process(chance=chance)
    open_table(process)
    rest = FIRST_REST_SECONDS * (0.5 + chance / 2)
    process.now += rest - 0.001
    assert not process.is_sent("c")
    process.now += 0.002
    during: list[Cause | None] = []
    sent = process.send

    def store(_: str, __: Request) -> Response:
        during.extend(Process.ask(process, partition) for partition in "cd")
        return {}

    probing = process.breaker.guarded(store)
    probing("UpdateItem", update("c"))
    assert during == [Cause.OPEN, Cause.OPEN]
    assert sent("UpdateItem", update("d")) == {}  # its answer has closed the breaker
    assert process.told[-1] == Change(Place("t", None), None)


@pytest.mark.parametrize("answer", ANSWERS)
def test_any_answer_to_the_one_that_is_let_through_closes_the_breaker(answer: StoreError | None) -> None:
    process = Process()
    open_table(process)
    process.now += FIRST_REST_SECONDS
    assert process.is_sent("c", meets=answer)
    assert process.is_sent("d")
    assert process.told[1:] == [Change(Place("t", None), None)]


def test_rest_grows_twofold_to_its_longest_and_begins_anew_after_an_answer() -> None:
    process = Process()
    open_table(process)
    rests = []
    for _ in range(5):
        began = process.now
        while not process.is_sent("c", meets=SILENT):
            process.now += 0.01
        rests.append(round(process.now - began, 1))
    assert rests == [1.0, 2.0, 4.0, LONGEST_REST_SECONDS, LONGEST_REST_SECONDS]
    process.now += LONGEST_REST_SECONDS
    process.ask("c")
    process.fail(Cause.SILENT, "y", "z")
    assert not process.is_sent("c")
    process.now += FIRST_REST_SECONDS
    assert process.is_sent("c")


def test_openings_and_closings_are_told_once_however_often_it_asks_in_vain() -> None:
    process = Process()
    open_table(process)
    for _ in range(5):
        process.now += LONGEST_REST_SECONDS
        assert process.ask("c", meets=SILENT) is Cause.OPEN
    assert [change.place for change in process.told] == [Place("t", None), Place("t", "c")]


def test_request_let_through_that_learns_nothing_lets_the_next_one_through() -> None:
    process = Process()
    open_table(process)
    process.now += FIRST_REST_SECONDS
    assert process.ask("c", meets=STALE) is Cause.STALE
    assert process.is_sent("c")


def test_request_let_through_that_ends_without_a_word_does_not_keep_the_breaker_open() -> None:
    process = Process()
    open_table(process)
    process.now += FIRST_REST_SECONDS

    def ended(_: str, __: Request) -> Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.breaker.guarded(ended)("UpdateItem", update("c"))
    assert not process.is_sent("c")
    process.now += LONGEST_REST_SECONDS
    assert process.is_sent("c")


def test_table_that_rests_is_asked_for_nobody_and_a_throttled_partition_does_not_keep_it_so() -> None:
    process = Process()
    process.fail(Cause.THROTTLED, *["hot"] * 5)
    process.now += FIRST_REST_SECONDS / 2
    process.fail(Cause.SILENT, "a", "b")
    process.now += FIRST_REST_SECONDS / 2 - 0.1
    assert not process.is_sent("hot")  # his rest is over, the table's is not
    process.now += FIRST_REST_SECONDS / 2 + 0.1
    assert process.is_sent("hot", meets=THROTTLED)
    assert process.is_sent("c")  # the store has answered him, whatever it was


def transaction(*places: tuple[str, str]) -> Request:
    return {"TransactItems": [{"Update": update(partition, table)} for table, partition in places]}


REQUESTS: list[tuple[str, Request, set[Place]]] = [
    ("get", update("a"), {Place("t", "a")}),
    ("put", {"TableName": "t", "Item": {"pk": schema.text("a"), "v": schema.number(1)}}, {Place("t", "a")}),
    ("query", schema.consistent_range_query("t", "", {":pk": schema.text("a")}), {Place("t", "a")}),
    ("due", {"TableName": "t", "ExpressionAttributeValues": {":dp": schema.text("007")}}, {Place("t", "007")}),
    ("batch", {"RequestItems": {"t": {"Keys": [{"pk": schema.text(n)} for n in "ab"]}}}, {Place("t", "a")}),
    ("transaction", transaction(("u", "a"), ("u", "b"), ("t", "c")), {Place("t+u", "a")}),
    ("transaction of one table", transaction(("t", "a"), ("t", "b")), {Place("t", "a")}),
    ("nothing", {}, {Place("", "")}),
    ("nameless", {"TableName": "t"}, {Place("t", "")}),
]


@pytest.mark.parametrize(("request_", "places"), [r[1:] for r in REQUESTS], ids=[r[0] for r in REQUESTS])
def test_every_kind_of_request_counts_for_its_tables_and_partitions(request_: Request, places: set[Place]) -> None:
    process = Process()
    assert [process.asks(request_, THROTTLED) for _ in range(5)][-1] is Cause.OPEN
    assert {change.place for change in process.told} == places
    assert process.asks(request_) is Cause.OPEN
    assert len(process.sent) == 5


def test_request_that_needs_one_open_table_among_others_is_not_sent() -> None:
    process = Process()
    open_table(process)
    assert process.asks(transaction(("well", "x"), ("t", "y"))) is Cause.OPEN
    assert process.is_sent("x", "well")


@pytest.mark.parametrize("cause", TROUBLES)
def test_transactions_that_fail_stop_no_request_that_needs_one_of_their_tables_alone(cause: Cause) -> None:
    process = Process()
    both = transaction(("entitlements", "a"), ("events", "a"))
    assert [process.asks(both, failing(cause)) for _ in range(5)][-1] is Cause.OPEN
    assert process.is_sent("a", "entitlements")
    assert process.is_sent("a", "events")
    assert process.asks(both) is Cause.OPEN
    process.now += FIRST_REST_SECONDS
    assert process.asks(both) is None


def test_transaction_that_is_answered_closes_the_breaker_of_each_of_its_tables() -> None:
    process = Process()
    process.fail(Cause.SILENT, "a", "b", table="t")
    process.fail(Cause.SILENT, "a", "b", table="u")
    process.now += FIRST_REST_SECONDS
    assert process.asks(transaction(("t", "x"), ("u", "y"))) is None
    assert process.is_sent("c", "t")
    assert process.is_sent("c", "u")


@pytest.mark.parametrize("cause", TROUBLES)
def test_store_that_takes_nothing_leaves_a_process_so_many_retries_and_no_more(cause: Cause) -> None:
    process = Process()
    assert process.tire_of(cause) == TOKENS
    process.fail(cause, "a")
    assert process.tire_of(cause) == 0


@pytest.mark.parametrize("cause", TROUBLES)
def test_ten_answers_with_success_give_one_retry_back_and_never_more_than_there_were(cause: Cause) -> None:
    process = Process()
    process.tire_of(cause)
    for _ in range(9):
        process.ask()
    assert process.tire_of(cause) == 0
    process.ask()
    assert process.tire_of(cause) == 1
    for _ in range(1000):
        process.ask()
    assert process.tire_of(cause) == TOKENS


@pytest.mark.parametrize("answer", [ConditionFailedError(None), CONTENDED, THROTTLED, SILENT])
def test_what_does_not_succeed_gives_no_retry_back(answer: StoreError) -> None:
    process = Process()
    process.tire_of(Cause.FAILED)
    for number in range(100):
        process.ask(f"{number}", meets=answer)
        process.now += LONGEST_REST_SECONDS
    assert process.tire_of(Cause.FAILED) == 0


def test_who_is_throttled_uses_up_no_retry_that_others_need_after_a_failure() -> None:
    process = Process()
    process.tire_of(Cause.THROTTLED)
    assert process.breaker.may_retry(Cause.SILENT)
    assert process.tire_of(Cause.FAILED) == TOKENS - 1  # silence and failures share theirs


def test_nobody_may_try_again_while_it_is_open() -> None:
    assert not Process().breaker.may_retry(Cause.OPEN)


def test_threads_that_share_it_meet_no_other_failure_and_find_the_store_again() -> None:
    process = Process()
    worst = [THROTTLED, SILENT, STALE, CONTENDED, failing(Cause.FAILED), ConditionFailedError(None), None]

    def store(_: str, request: Request) -> Response:
        failure = worst[int(request["Key"]["pk"]["S"]) % len(worst)]
        process.now += 0.01
        if failure is not None:
            raise failure
        return {}

    send = process.breaker.guarded(store)

    def hammer(number: int) -> None:
        for turn in range(500):
            with contextlib.suppress(StoreError):
                send("UpdateItem", update(f"{number * turn % 29}"))

    at_once(8, hammer)
    worst[:] = [None]
    process.now += LONGEST_REST_SECONDS
    assert at_once(8, lambda number: send("UpdateItem", update(f"{number}"))) == [{}] * 8


def test_memory_is_bounded_and_forgets_who_failed_longest_ago() -> None:
    process = Process()
    process.fail(Cause.THROTTLED, *["first"] * 5)
    process.fail(Cause.THROTTLED, *map(str, range(MAX_PARTITIONS - 1)))
    assert not process.is_sent("first")
    process.fail(Cause.THROTTLED, "one more")
    assert process.is_sent("first")
    assert process.told == [Change(Place("t", "first"), Cause.THROTTLED), Change(Place("t", "first"), None)]


def test_row_that_nobody_goes_on_with_is_forgotten_and_costs_nothing_any_more() -> None:
    process, asked = Process(), []
    process.fail(Cause.THROTTLED, *["gone"] * 4, *["opened"] * 5)
    process.now += FORGOTTEN_SECONDS
    process.ask("another")
    assert process.told[-1] == Change(Place("t", "opened"), None)
    assert process.fail(Cause.THROTTLED, "gone") == [Cause.THROTTLED]
    process.ask("gone")

    class Looked(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.append(name)
            return super().get(name, default)

    assert process.asks(Looked(update("gone"))) is None
    assert asked == []  # a healthy process does not even look at what it sends
