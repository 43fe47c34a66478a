"""While a process cannot read which tiers are down, the last value stands for ten minutes; the catalogue never matters.

Authorizes run through the door of the function, in one process, on a steady clock that the test moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.transport import StoreBusyError
from modelpass.entitlements.commands.authorize import Caches
from modelpass.entitlements.commands.tier_cache import STANDS_SECONDS
from modelpass.router import authorize as authorize_door
from tests.support.lines import recorded
from tests.support.tiers import busy, damage, gone, tables_of, without
from tests.support.world import TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

Json = dict[str, Any]
DOWN, UP = "basic", "stable"
"""The tier that was taken down before anything failed, and the one that was up."""


@dataclass(slots=True)
class Process:
    """One process of AuthorizeFunction, whose way to the store a test may change while it lives."""

    world: World
    send: Send
    keys: dict[str, str]
    seconds: float = 1000.0
    paused: list[float] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    numbers: int = 0
    caches: Caches = field(init=False)

    def __post_init__(self) -> None:
        self.caches = Caches.empty(self.world.deps._replace(**self._own()))

    def _own(self) -> dict[str, Any]:
        pacing = self.world.deps.pacing._replace(
            monotonic=lambda: self.seconds, sleep=self.paused.append, random=lambda: 0.0
        )
        return {"pacing": pacing, "send": self._counted}

    def _counted(self, operation: str, request: Request) -> Response:
        self.asked += tables_of(operation, request)
        return self.send(operation, request)

    def authorize(self, tier: str) -> Json:
        """Authorize one request, to a key whose contract has this tier."""
        self.numbers += 1
        deps = self.world.deps._replace(**self._own())
        payload = {
            "apiKey": self.keys[tier],
            "modelId": TEXT_MODEL,
            "requestId": f"r-{self.numbers}",
            "estimatedUsage": 1,
            "holdSeconds": 1,
        }
        return authorize_door.handle_authorize(deps, self.caches, payload, "req-test")

    def code(self, tier: str) -> str:
        """What comes of it: granted, or the code of the refusal."""
        self.world.clock.advance(1000)  # so that the hold of the one before has expired
        answer = self.authorize(tier)
        return "granted" if answer["allowed"] else answer["error"]["code"]

    def tier_reads(self) -> int:
        """How often it asked which tiers are down."""
        return self.asked.count(self.world.tables.tiers)


@pytest.fixture
def process(world: World) -> Process:
    """A process that has read that one tier is down."""
    keys = {tier: world.buy(tier, models=[model(tier=tier, calls=10**6, cap=10**6)])["apiKey"] for tier in (DOWN, UP)}
    world.take_down(TEXT_MODEL, DOWN)
    made = Process(world, world.deps.send, keys)
    assert (made.code(DOWN), made.code(UP)) == ("tier_unavailable", "granted")
    made.asked.clear()
    return made


def hang(process: Process) -> Callable[[], None]:
    """A store that does not answer: after two seconds the client gives up."""

    def failing() -> None:
        process.seconds += 2.0
        raise StoreBusyError("timeout")

    return failing


FAILURES: dict[str, Callable[[Process], Callable[[], None]]] = {
    "busy": lambda _: busy,
    "gone": lambda _: gone,
    "hanging": hang,
}


@pytest.mark.parametrize("failure", FAILURES)
def test_authorize_goes_on_for_ever_without_the_catalogue(process: Process, failure: str) -> None:
    process.send = without(process.send, process.world.tables.catalogue, FAILURES[failure](process))
    for _ in range(30):
        process.seconds += 120
        assert (process.code(DOWN), process.code(UP)) == ("tier_unavailable", "granted")
    assert process.tier_reads() == 30
    assert process.world.tables.catalogue not in process.asked


@pytest.mark.parametrize("failure", FAILURES)
def test_what_was_read_last_stands_for_ten_minutes_and_then_requests_are_refused(
    process: Process, failure: str
) -> None:
    whole = process.send
    read_at = process.seconds
    process.send = without(whole, process.world.tables.tiers, FAILURES[failure](process))
    while process.seconds < read_at + STANDS_SECONDS - 5:
        process.seconds += 4.5
        assert (process.code(DOWN), process.code(UP)) == ("tier_unavailable", "granted")
    assert process.paused == []
    process.seconds = read_at + STANDS_SECONDS
    for tier in (DOWN, UP):
        answer = process.authorize(tier)
        assert (answer["statusCode"], answer["error"]["code"]) == (503, "temporarily_unavailable")
    process.send = whole
    assert (process.code(DOWN), process.code(UP)) == ("tier_unavailable", "granted")


@pytest.mark.parametrize("failure", FAILURES)
def test_table_that_fails_is_asked_once_in_three_seconds_and_tells_each_time(process: Process, failure: str) -> None:
    read_at = process.seconds
    process.send = without(process.send, process.world.tables.tiers, FAILURES[failure](process))
    process.seconds += 3.0
    with recorded() as output:
        while process.seconds < read_at + 63.0:
            assert process.code(UP) == "granted"
            process.seconds += 0.1
    spacing = 5.0 if failure == "hanging" else 3.0  # from the end of one try to the next
    assert process.tier_reads() <= 60 / spacing + 1
    assert process.paused == []
    problems = [line for line in output.lines() if line["level"] == "ERROR"]
    assert len(problems) == process.tier_reads()
    measured = [line["TiersUnreadSeconds"] for line in output.decided() if "TiersUnreadSeconds" in line]
    assert len(measured) == process.tier_reads()
    assert measured == sorted(measured)
    assert (measured[0], measured[-1] > 50) == (5 if failure == "hanging" else 3, True)


@pytest.mark.parametrize(("age", "reads"), [(3.2, 1), (4.4, 1), (4.6, 2), (300.0, 2)])
def test_while_one_thread_reads_the_others_go_on_with_a_value_that_is_not_too_old(
    process: Process, age: float, reads: int
) -> None:
    whole = process.send
    inside: list[str] = []

    def another_thread_meanwhile(operation: str, request: Request) -> Response:
        if process.world.tables.tiers in tables_of(operation, request) and not inside:
            inside.append("asked")
            inside.append(process.code(UP))
        return whole(operation, request)

    process.send = another_thread_meanwhile
    process.seconds += age
    assert process.code(UP) == "granted"
    assert inside == ["asked", "granted"]
    assert process.tier_reads() == reads


def test_tier_taken_down_meanwhile_binds_with_the_first_read_that_succeeds(process: Process) -> None:
    whole = process.send
    process.send = without(whole, process.world.tables.tiers, busy)
    process.seconds += 4
    assert process.code(UP) == "granted"
    process.world.take_down(TEXT_MODEL, UP)
    process.world.turn_tier(TEXT_MODEL, DOWN, available=True)
    process.send = whole
    process.seconds += 4
    assert (process.code(UP), process.code(DOWN)) == ("tier_unavailable", "granted")


def test_each_read_that_succeeds_lets_the_value_stand_anew(process: Process) -> None:
    whole, failing = process.send, without(process.send, process.world.tables.tiers, gone)
    for _ in range(4):
        process.send = failing
        process.seconds += STANDS_SECONDS - 10
        assert process.code(UP) == "granted"
        process.send = whole
        process.seconds += 4
        assert process.code(UP) == "granted"


@pytest.mark.parametrize(("fail", "code", "tries"), [(busy, "temporarily_unavailable", 6), (gone, "internal_error", 1)])
def test_process_that_has_never_read_them_refuses(
    process: Process, fail: Callable[[], None], code: str, tries: int
) -> None:
    started = Process(process.world, without(process.send, process.world.tables.tiers, fail), process.keys)
    assert started.code(UP) == code
    assert started.tier_reads() == tries


def test_item_that_cannot_be_read_at_all_leaves_the_last_value_for_ten_minutes(process: Process) -> None:
    damage(process.world, process.world.tables.tiers, tiers={"S": "broken"})
    process.seconds += 4
    with recorded() as output:
        assert (process.code(DOWN), process.code(UP)) == ("tier_unavailable", "granted")
    assert [line["message"] for line in output.lines() if line["level"] == "ERROR"] == ["unreadable_item"]
    process.seconds += STANDS_SECONDS
    assert process.code(UP) == "granted"
    started = Process(process.world, process.send, process.keys)
    assert started.code(UP) == "granted"


@pytest.mark.parametrize(
    "changes", [{"v": {"N": "9"}}, {"rev": {"S": "x"}}, {"tiers": {"SS": [f"{TEXT_MODEL}#{DOWN}", "odd"]}}], ids=str
)
def test_what_can_be_read_of_a_bad_item_counts(process: Process, changes: Json) -> None:
    damage(process.world, process.world.tables.tiers, **changes)
    for asked in (process, Process(process.world, process.send, process.keys)):
        asked.seconds += 4
        with recorded() as output:
            assert (asked.code(DOWN), asked.code(UP)) == ("tier_unavailable", "granted")
        assert [line["message"] for line in output.lines() if line["level"] == "ERROR"] == ["unreadable_item"]
