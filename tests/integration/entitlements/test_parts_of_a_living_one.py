"""A hold that goes on past the end that an extension has moved: its report is booked, and nothing says it expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelpass.dynamodb.transport import StoreBusyError
from tests.support.parts import Held
from tests.support.sales import extend, update

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request
    from tests.support.world import World


def held_at_the_end(world: World) -> tuple[Held, int]:
    held = Held(world)
    end_ms = world.subscription(held.subscription_id).expires_at_ms
    world.clock.now_ms = end_ms - 30_000
    held.id = world.authorize(held.key, "stream-2", 100, calls=4, holdSeconds=60)["authorizationId"]
    return held, end_ms


@pytest.mark.parametrize("how", ["extended", "renews itself"])
def test_after_the_old_end_of_a_term_that_goes_on_a_part_is_told_to_authorize_anew(world: World, how: str) -> None:
    held, end_ms = held_at_the_end(world)
    if how == "extended":
        extend(world, held.subscription_id)
    else:
        update(world, held.subscription_id, autoRenew=True)
    world.clock.now_ms = end_ms
    answer = held.part(30, 1)
    assert (answer["settled"], answer["continued"]) == (True, False)
    assert (answer["statusCode"], answer["error"]["code"]) == (404, "authorization_not_found")
    assert held.figures[1] == 30
    assert world.authorize(held.key, "stream-3", 10)["allowed"]


def test_after_the_end_of_a_term_that_has_ended_a_part_is_told_so(world: World) -> None:
    held, end_ms = held_at_the_end(world)
    world.clock.now_ms = end_ms
    assert held.part(30, 1)["error"]["code"] == "subscription_expired"


def test_while_the_row_cannot_be_read_a_part_is_booked_and_not_told_that_the_term_has_ended(world: World) -> None:
    held, end_ms = held_at_the_end(world)
    extend(world, held.subscription_id)
    world.clock.now_ms = end_ms
    send = world.deps.send

    def without_rows(operation: str, request: Request) -> Response:
        if request.get("TableName") == world.tables.subscriptions:
            raise StoreBusyError("injected")
        return send(operation, request)

    held.world = world.with_send(without_rows)
    answer = held.part(30, 1)
    assert (answer["settled"], answer["error"]["code"]) == (True, "authorization_not_found")
    assert held.figures[1] == 30
