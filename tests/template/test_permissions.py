"""Each function may send to the store what its command sends in some situation: no less, and no more.

The requests are taken at the seam to the real engine; a transaction counts by its parts, as in IAM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import scenes
from tests.support.world import World, new_world
from tests.template.policies import expanded, granted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.store import Request
    from tests.support.scenes import Json, Scene


def month_rolled(world: World) -> Scene:
    """Expired holds of a month that is closed already: what is booked now goes to its row."""
    scene = scenes.next_month(world)
    assert world.authorize(scene.api_key, "roller", 1, holdSeconds=60)["allowed"]
    world.clock.advance(61_000)
    return scene


def authorize_all_there_is(scene: Scene) -> Json:
    return scene.world.authorize(scene.api_key, "new", 100)


def not_found(_: Scene) -> Json:
    return {}


def buy_as_another(scene: Scene) -> Json:
    return scene.world.buy("another account")


COMMANDS: dict[str, tuple[Callable[[Scene], Json], ...]] = {
    "AuthorizeFunction": (scenes.authorize, scenes.repeat, authorize_all_there_is, scenes.authorize_anew),
    "SettleFunction": (scenes.settle, scenes.void, scenes.breach),
    "ResetFunction": (scenes.reset,),
    "RenewFunction": (scenes.renew,),
    "RegenerateFunction": (scenes.regenerate,),
    "CancelFunction": (scenes.cancel,),
    "CorrectFunction": scenes.CORRECTIONS,
    "PlanFunction": (scenes.plan, scenes.other_plan, scenes.no_plan),
    "PurchaseFunction": (scenes.buy, buy_as_another),
    "SubscriptionsFunction": (scenes.look, scenes.list_all),
    "ModelsFunction": (scenes.models,),
    "CatalogueFunction": (scenes.offer, scenes.withdraw),
    "AvailabilityFunction": (scenes.take_down, scenes.bring_back),
    "QuoteFunction": (scenes.quote,),
    "NotFoundFunction": (not_found,),
}


pytestmark = pytest.mark.usefixtures("few_shards")


def actions_of(operation: str, request: Request) -> Iterator[tuple[str, str]]:
    """The table or index and the action that IAM asks about."""
    match operation:
        case "TransactWriteItems" | "TransactGetItems":
            names = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}
            names["ConditionCheck"] = "ConditionCheckItem"
            for part in request["TransactItems"]:
                ((kind, body),) = part.items()
                yield body["TableName"], names[kind]
        case "BatchGetItem":
            for table in request["RequestItems"]:
                yield table, operation
        case "Query" if "IndexName" in request:
            yield f"{request['TableName']}/index/{request['IndexName']}", operation
        case _:
            yield request["TableName"], operation


def sent(world: World, command: Callable[[Scene], Json], scene: Scene) -> set[tuple[str, str]]:
    """What a command sends to the store, tables by logical name."""
    world.recorder.clear()
    command(scene)
    actions = {action for request in world.recorder.requests for action in actions_of(*request)}
    return {(table.partition("-")[2], action) for table, action in actions}


@pytest.mark.parametrize("function", COMMANDS)
def test_function_may_do_exactly_what_its_commands_do(engine: str, function: str) -> None:
    used: set[tuple[str, str]] = set()
    for situation in (*scenes.SCENES, *scenes.PLACES, month_rolled):
        for command in COMMANDS[function]:
            world = new_world(engine)
            used |= sent(world, command, situation(world))
            world.drop_tables()
    assert used == {(resource, action) for resource, actions in granted(function).items() for action in actions}


def test_every_function_is_asked() -> None:
    assert set(COMMANDS) == set(expanded("AWS::Lambda::Function"))
