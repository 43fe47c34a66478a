"""Each function may send to the store what its command sends in some situation: no less, and no more.

Here it is shown function by function, on the real engine. `tests/support/permitted.py` holds every other test to the
policies as well, and a whole run of the tests to all that they grant.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import re
from typing import TYPE_CHECKING

import pytest

from contract.openapi import customer
from local.iam.policies import asked
from local.machine import ROOT
from modelpass import schema
from modelpass.catalogue import items as catalogue_items
from modelpass.dynamodb.boto3_client import boto3_send
from modelpass.dynamodb.transport import StoreRejectedError
from modelpass.errors import Refused
from modelpass.router import settle as settle_door
from modelpass.schema import UnreadableItemError
from tests.support import damaged, living, scenes
from tests.support.faults import Interleave
from tests.support.imports import PACKAGE, graph
from tests.support.parts import continuing
from tests.support.permitted import Permits, Permitted
from tests.support.rooms import FILES
from tests.support.tiers import turned_by_the_version_before
from tests.support.world import TEXT_MODEL, World, client_of, new_world, permits, template_of
from tests.template.policies import expanded

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Send
    from tests.support.scenes import Json, Scene


def month_rolled(world: World) -> Scene:
    """Expired holds of a month that is closed already: what is booked now goes to its row."""
    scene = scenes.next_month(world)
    assert world.authorize(scene.api_key, "roller", 1, holdSeconds=60)["allowed"]
    world.clock.advance(61_000)
    return scene


def renew_beside_what_cannot_be_read(scene: Scene) -> Json:
    """Renew while an entitlement of the term that is over is of a later version."""
    with contextlib.suppress(KeyError):  # a place alone has none
        damaged.spoil_entitlement(scene.world, scene.subscription_id)
    scene.world.recorder.clear()
    return scenes.renew(scene)


def authorize_all_there_is(scene: Scene) -> Json:
    return scene.world.authorize(scene.api_key, "new", 100)


def authorize_renewed_meanwhile(scene: Scene) -> Json:
    """A renewal comes between the item of the term before and the row; it is not recorded."""
    world, unseen = scene.world, scene.on(scene.world.with_send(scene.world.store))
    between = Interleave(world.deps.send, 1, lambda: scenes.renew(unseen))
    return scenes.authorize(scene.on(world.with_send(between)))


def part_anew(scene: Scene) -> Json:
    """The first part of a process, which does not know yet which tiers are down."""
    deps, ids = scene.world.deps, scene.authorization_ids
    payload = {"authorizationId": ids[0] if ids else "none", "actualUsage": 1, "calls": 1}
    payload |= continuing(scene.api_key)
    return settle_door.handle_settle(deps, settle_door.TiersOnce(deps), payload, "req-test", float("inf"))


def nothing(_: Scene) -> Json:
    """What a function asks of the store that touches no table."""
    return {}


def buy_as_another(scene: Scene) -> Json:
    with contextlib.suppress(Refused):  # a model that cannot be read is not sold
        return scene.world.buy("another account")
    return {}


BEHIND_THE_ROUTER = {
    "modelpass.entitlements.commands.authorize",
    "modelpass.entitlements.commands.settle",
    "modelpass.subscriptions.commands.describe_key",
    "modelpass.entitlements.commands.settle_part",
}
NOT_RUN_BY_ITSELF = BEHIND_THE_ROUTER | {
    "modelpass.catalogue.commands.repository",
    "modelpass.catalogue.commands.tier_upkeep",
    "modelpass.entitlements.commands.decision_loop",
    "modelpass.entitlements.commands.roll_over",
    "modelpass.entitlements.commands.tier_cache",
    "modelpass.subscriptions.commands.begun",
    "modelpass.subscriptions.commands.key_owner",
    "modelpass.subscriptions.commands.expire",
    "modelpass.subscriptions.commands.missing_entitlement",
    "modelpass.subscriptions.commands.repository",
    "modelpass.subscriptions.commands.conform",
    "modelpass.subscriptions.commands.lapse",
    "modelpass.subscriptions.commands.read_contract",
    "modelpass.subscriptions.commands.remind",
    "modelpass.subscriptions.commands.sell",
    "modelpass.subscriptions.commands.shown",
    "modelpass.subscriptions.commands.topped_up",
    "modelpass.subscriptions.commands.upkeep",
    "modelpass.subscriptions.commands.versions",
    "modelpass.subscriptions.commands.waiting_orders",
}
"""What commands share, and what runs behind a door."""
FOR_OTHERS = {
    "modelpass.subscriptions.commands.looks": {
        "modelpass.subscriptions.commands.daily_usage",
        "modelpass.subscriptions.commands.orders",
        "modelpass.subscriptions.commands.queries",
    },
}
"""Operators look by the customers' own queries.

What those ask is held to the customers' function; to the operators', it is held below and by the handlers' tests.
"""
WAYS_OUT = ("asyncio", "boto", "http.client", "httpx", "requests", "smtplib", "socket", "ssl", "subprocess", "urllib")


def offer_the_first(scene: Scene) -> Json:
    """Offer a model while no currency is fixed."""
    table, key = scene.world.tables.catalogue, schema.primary_key(catalogue_items.settings_key())
    scene.world.dynamodb.delete_item(TableName=table, Key=key)
    return scenes.offer(scene)


def reset_behind(scene: Scene) -> Json:
    """Code of the version before has turned a tier."""
    turned_by_the_version_before(scene.world, TEXT_MODEL, "stable", available=False)
    return scenes.reset(scene)


def reset_after_a_renewal(scene: Scene) -> Json:
    """Something is due in a term that is not the current one any more."""
    with contextlib.suppress(KeyError):  # a place alone has no subscription
        scenes.renew(scene)
    scene.world.recorder.clear()
    return scenes.reset(scene)


def offer_over(scene: Scene, **broken: Json) -> Json:
    """Withdraw and offer a model whose item cannot be read."""
    world, key = scene.world, schema.primary_key(catalogue_items.model_key(TEXT_MODEL))
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item={**key, **broken})
    scenes.withdraw(scene)
    return scenes.offer(scene)


def offer_over_what_cannot_be_read(scene: Scene) -> Json:
    return {**offer_over(scene, kind={"S": "text"}), **offer_over(scene)}


COMMANDS: dict[str, tuple[Callable[[Scene], Json], ...]] = {
    "AuthorizeFunction": (
        scenes.authorize,
        scenes.repeat,
        authorize_all_there_is,
        scenes.authorize_anew,
        scenes.take_last_call,
        authorize_renewed_meanwhile,
    ),
    "DescribeKeyFunction": (scenes.describe_key,),
    "SettleFunction": (scenes.settle, scenes.void, scenes.breach, part_anew, *scenes.PARTS),
    "ResetFunction": (scenes.reset, reset_behind, reset_after_a_renewal),
    "RenewFunction": (scenes.renew, renew_beside_what_cannot_be_read),
    "ExtendFunction": (living.extend,),
    "ChangeFunction": (living.change, living.lower, living.change_with_a_lost_reply),
    "TopUpFunction": (living.top_up,),
    "UpdateFunction": (living.update, living.update_back),
    "OrdersFunction": (living.list_orders,),
    "RegenerateFunction": (scenes.regenerate, living.revoke),
    "CancelFunction": (scenes.cancel,),
    "WithdrawOrderFunction": (living.withdraw_order,),
    "ApproveFunction": (living.confirm, living.reject),
    "CorrectFunction": (*scenes.CORRECTIONS, scenes.release),
    "SuspendFunction": (
        living.suspend,
        living.suspend_with_a_lost_reply,
        living.resume,
        living.revoke_as_operator,
    ),
    "LookFunction": (living.look_as_operator,),
    "PlanFunction": (scenes.plan, scenes.other_plan, scenes.no_plan),
    "PurchaseFunction": (scenes.buy, buy_as_another),
    "SubscriptionsFunction": (scenes.look, scenes.list_all),
    "KeyFunction": (scenes.view_key,),
    "ModelsFunction": (scenes.models,),
    "CatalogueFunction": (
        scenes.offer,
        scenes.look_at_model,
        scenes.look_at_all_models,
        scenes.withdraw,
        scenes.take_down,
        scenes.bring_back,
    ),
    "QuoteFunction": (scenes.quote, scenes.quote_renewal),
    "NotFoundFunction": (nothing,),
    "SyntheticFunction": (nothing,),
}

WITHOUT_A_SITUATION: dict[str, tuple[Callable[[Scene], Json], ...]] = {
    "CatalogueFunction": (offer_the_first, offer_over_what_cannot_be_read),
}
"""What makes its own situation, of the catalogue alone, and tries as long as it may: asked once."""

SITUATIONS = (
    *(*scenes.SCENES, *scenes.THRESHOLD_SCENES, *scenes.PLACES, *scenes.UNDECIDED, scenes.renewed, month_rolled),
    *(*living.LIVING, *living.WAITING),
)

pytestmark = pytest.mark.usefixtures("few_shards")


def sent(world: World, command: Callable[[Scene], Json], scene: Scene) -> set[tuple[str, str]]:
    """What a command sends to the store, tables by logical name."""
    world.recorder.clear()
    with contextlib.suppress(UnreadableItemError):  # of a scene with what cannot be read
        command(scene)
    permissions = {permission for request in world.recorder.requests for permission in asked(*request)}
    return {(table.partition("-")[2], action) for table, action in permissions}


@pytest.mark.parametrize("function", COMMANDS)
def test_function_may_do_exactly_what_its_commands_do(engine: str, function: str) -> None:
    used: set[tuple[str, str]] = set()
    once = [(SITUATIONS[0], command) for command in WITHOUT_A_SITUATION.get(function, ())]
    for situation, command in [*itertools.product(SITUATIONS, COMMANDS[function]), *once]:
        world = new_world(engine)
        used |= sent(world, command, situation(world))
        world.drop_tables()
    assert used == permits().granted[function]


def test_every_function_is_asked() -> None:
    assert set(COMMANDS) == set(expanded("AWS::Lambda::Function"))


def test_every_command_is_run_by_a_function_and_none_runs_another() -> None:
    run = {module for module, _ in permits().commands} - BEHIND_THE_ROUTER
    present = {name for name in FILES if re.match(r"modelpass\.\w+\.commands\.", name)}
    assert present - run == NOT_RUN_BY_ITSELF
    assert set(permits().commands.values()) == set(expanded("AWS::Lambda::Function")) - {
        "NotFoundFunction",
        "SyntheticFunction",
    }
    imports = graph(FILES)
    for name in present & run - FOR_OTHERS.keys():
        assert imports[name].isdisjoint(run), name
    for name, lends in FOR_OTHERS.items():
        assert imports[name] & run == lends, name


def test_no_function_that_answers_a_customer_may_touch_the_tiers_that_are_down() -> None:
    touching = {name for name, had in permits().granted.items() if any(table == "TiersTable" for table, _ in had)}
    assert touching == {"AuthorizeFunction", "CatalogueFunction", "ResetFunction", "SettleFunction"}
    answering = {
        route.function
        for route in template_of("").customers.routes
        if route.key in {operation.route for operation in customer.OPERATIONS}
    }
    assert "ModelsFunction" in answering
    assert answering.isdisjoint(touching)


def limited(engine: str, world: World, lacking: tuple[str, str]) -> tuple[World, Permits]:
    """The world as it would be if no function had this permission."""
    granted = {function: had - {lacking} for function, had in permits().granted.items()}
    less = Permits(granted, permits().commands)
    prefix = world.tables.events.removesuffix("EventsTable")
    send: Send = Permitted(boto3_send(client_of(engine)), prefix, less)
    return world.with_send(send), less


def test_a_command_gets_no_further_than_the_policies_of_its_function(engine: str, world: World) -> None:
    less, kept = limited(engine, world, ("EventsTable", "dynamodb:PutItem"))
    with pytest.raises(StoreRejectedError, match="AccessDeniedException"):
        less.buy()
    assert world.events() == []
    assert ("PurchaseFunction", "EventsTable", "dynamodb:PutItem") in kept.asked
    assert next(kept.problems()) == (
        "template.yaml: PurchaseFunction asks for dynamodb:PutItem on EventsTable, and is not granted it"
    )
    assert world.buy()["apiKey"]


def test_a_refused_part_refuses_the_whole_transaction(engine: str, world: World) -> None:
    less, _ = limited(engine, world, ("HistoryTable", "dynamodb:PutItem"))
    with pytest.raises(StoreRejectedError):
        less.buy()
    assert world.all_items(world.tables.entitlements) == world.all_items(world.tables.subscriptions) == []


def test_a_permission_that_nothing_needs_is_named() -> None:
    more = {
        **permits().granted,
        "QuoteFunction": permits().granted["QuoteFunction"] | {("EventsTable", "dynamodb:Scan")},
    }
    every = Permits(permits().granted, permits().commands).every()
    assert list(Permits(more, permits().commands, set(every)).problems()) == [
        "template.yaml: QuoteFunction is granted dynamodb:Scan on EventsTable, and no test needs it"
    ]


def test_what_interleaves_is_held_to_its_own_function(world: World) -> None:
    # The purchase that comes between two calls of a settle needs what no settle may do, and the other way round.
    made = world.buy()
    granted = world.authorize(made["apiKey"], "r-1", 10)
    between = Interleave(world.deps.send, 0, lambda: world.buy("another"))
    settled = world.with_send(between).settle(granted["authorizationId"], 5)
    assert between.reached
    assert settled["settled"]
    looked: list[str | None] = []
    watching = Interleave(world.deps.send, 0, lambda: looked.append(permits().running()))
    world.with_send(watching).take_down(TEXT_MODEL, "basic")
    assert looked == ["CatalogueFunction"]


def outward(source: str) -> set[str]:
    """What a module imports that could speak to others, and what it makes of the SDK."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(module)):
                found.add(module)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="boto3"))):
                found.add(f"{ast.unparse(node.func)}({ast.unparse(node.args[0])})")
    return {name for name in found if name.startswith(WAYS_OUT)}


def test_functions_make_one_client_which_is_of_dynamodb_or_invokes_and_know_no_other_way_out() -> None:
    ours = (*PACKAGE.rglob("*.py"), *ROOT.glob("functions/*/app.py"))
    found = {path.stem: ways for path in ours if (ways := outward(path.read_text("utf-8")))}
    sdk = {"boto3", "botocore.config", "botocore.exceptions"}
    assert found == {
        "boto3_client": {*sdk, "boto3.client('dynamodb')", "botocore.client", "botocore.parsers"},
        "invoker": {*sdk, "boto3.client('lambda')"},  # of the synthetic customer alone
        "lean_client": {"socket", "ssl"},
        "endpoint": {"urllib.parse"},  # reads an address, and asks nobody
        "routes": {"urllib.parse"},  # reads and writes paths, and asks nobody
        "reasons": {"urllib.parse"},  # reads a header, and asks nobody
    }
