"""What a line says that a request took from the store is what the real engine charges, as far as a reply tells it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.api.subscription_bodies import parse_purchase
from modelpass.dynamodb.transport import StoreBusyError, metered
from modelpass.entitlements.commands.authorize import Caches
from modelpass.router import authorize, settle
from modelpass.runtime import telemetry
from modelpass.subscriptions.commands import purchase as purchase_command
from modelpass.times import DAY_MS
from tests.support.handlers import INSIDE
from tests.support.lines import recorded
from tests.support.world import TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request
    from tests.support.lines import Json

HOUR_MS = 3_600_000
Figures = tuple[int, float, float]


@pytest.fixture
def metered_world(world: World) -> World:
    """A world whose way to the store is the deployed functions'."""
    return world.with_send(metered(world.recorder, telemetry.store_requested))


def figures(line: Json) -> Figures:
    return line["storeRequests"], line["readUnits"], line["writeUnits"]


def logged(world: World, call: Callable[[], object]) -> tuple[Json, Figures]:
    """The line of a request, and what the engine has seen of it."""
    world.recorder.clear()
    with recorded() as output:
        call()
    return output.only(), (len(world.recorder.calls), world.recorder.read_units, world.recorder.write_units)


def test_grant_and_settle_are_told_with_the_units_they_cost(metered_world: World) -> None:
    world = metered_world
    key = world.buy()["apiKey"]
    granted: list[Json] = []
    for request_id in ("opens-the-window", "follows"):
        line, seen = logged(world, lambda rid=request_id: granted.append(world.authorize(key, rid)))  # type: ignore[misc]
        assert (line["decision"], line["readUnits"]) == ("granted", seen[1])
    assert figures(line) == seen == (1, 0, 1)
    for answer in granted:
        line, seen = logged(world, lambda a=answer: world.settle(a["authorizationId"], 3))  # type: ignore[misc]
        assert (line["decision"], figures(line)) == ("settled", seen)


def test_reads_of_which_tiers_are_down_are_told_with_the_request_that_made_them(metered_world: World) -> None:
    world = metered_world
    key = world.buy()["apiKey"]
    world.authorize(key, "opens-the-window")
    world.reset()  # since then, the tiers that are down are in one place
    payload = {"apiKey": key, "modelId": TEXT_MODEL, "requestId": "r-1", "estimatedUsage": 1}
    line, seen = logged(
        world, lambda: authorize.handle_authorize(world.deps, Caches.empty(world.deps), payload, "lambda-request")
    )
    assert figures(line) == seen == (2, 1, 1)


def test_transactions_and_queries_are_told_by_what_they_are(metered_world: World) -> None:
    world = metered_world
    body = parse_purchase({"models": [model()]})

    def purchase() -> None:
        with telemetry.Line("purchase", "lambda-request"):
            purchase_command.purchase(world.deps, "acct", body, None)
            telemetry.decided("ok")

    line, seen = logged(world, purchase)
    assert figures(line) == seen
    assert seen[0] == 3
    assert min(seen) > 0


def test_units_of_a_condition_that_fails_are_charged_and_not_told(metered_world: World) -> None:
    world = metered_world
    key = world.buy()["apiKey"]
    world.authorize(key, "opens-the-window")
    line, seen = logged(world, lambda: world.authorize(key, "r-1", 10**6))
    assert (line["decision"], seen) == ("request_exceeds_limit", (1, 0, 1))
    assert figures(line) == (1, 0, 0)


def test_request_that_fails_is_counted(world: World) -> None:
    def failing(_: str, __: Request) -> Response:
        raise LookupError(INSIDE)

    key = world.buy()["apiKey"]
    broken = world.with_send(metered(failing, telemetry.store_requested))
    with recorded() as output:
        broken.authorize(key, "r-1")
    assert (output.only()["decision"], figures(output.only())) == ("internal_error", (1, 0, 0))


def test_every_message_of_a_batch_is_told_what_it_took_itself(metered_world: World) -> None:
    world = metered_world
    key = world.buy()["apiKey"]
    granted = [world.authorize(key, f"r-{n}") for n in range(2)]
    bodies: list[Json] = [{"authorizationId": g["authorizationId"], "actualUsage": 1} for g in granted]
    bodies[1]["servedTier"] = "basic"  # takes a read, a transaction and another read
    records = [{"messageId": f"m-{n}", "body": json.dumps(body)} for n, body in enumerate(bodies)]
    with recorded() as output:
        settle.handle_settle(world.deps, world.caches.tiers, {"Records": records}, "lambda-request", float("inf"))
    plain, breach = output.decided()
    assert figures(plain) == (1, 0, 1)
    assert figures(breach) == (3, 2, 4)
    assert ("TierBreaches" in plain, breach["TierBreaches"]) == (False, 1)


@pytest.mark.usefixtures("few_shards")
def test_reset_tells_how_long_the_oldest_thing_had_been_due(metered_world: World) -> None:
    world = metered_world
    other = world.buy("other", models=[model()])
    world.authorize(other["apiKey"], "r-0", holdSeconds=60)
    world.clock.advance(HOUR_MS)
    world.authorize(world.buy()["apiKey"], "r-1", holdSeconds=60)

    def lag_seconds() -> Any:
        def run() -> None:
            with telemetry.Line("reset", "lambda-request"):
                world.reset()
                telemetry.decided("ok")

        line, seen = logged(world, run)
        assert figures(line)[0] == seen[0] > 0
        return line["ResetLagSeconds"]

    assert lag_seconds() == 3600 - 60  # since the older hold expired
    assert lag_seconds() == 0
    world.clock.advance(2 * DAY_MS)
    assert lag_seconds() > 0


@pytest.mark.usefixtures("few_shards")
def test_reset_that_cannot_look_tells_no_lag_so_that_its_alarm_begins(metered_world: World) -> None:
    def busy(*_: object) -> Response:
        raise StoreBusyError("away")

    world = metered_world.with_send(busy)
    with recorded() as output, telemetry.Line("reset", "lambda-request"):
        assert world.reset()["more"]
    (line,) = output.decided()
    assert "ResetLagSeconds" not in line


def test_a_message_whose_id_is_no_text_is_told_without_it(metered_world: World) -> None:
    world = metered_world
    with recorded() as output:
        answer = settle.handle_settle(
            world.deps, world.caches.tiers, {"Records": [{"messageId": "\ud800", "body": "{}"}]}, "lambda", 1e9
        )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "\ud800"}]}
    (line,) = output.decided()
    assert ("messageId" in line, line["decision"]) == (False, "invalid_request")
