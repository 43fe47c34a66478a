"""Rotation of the deployment key: nobody notices while the older is still accepted, and losing it loses no settle."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from modelpass.api_keys import SECRET_BYTES, DeploymentKeys, issue_api_key
from modelpass.entitlements.authorization_ids import (
    NONCE_BYTES,
    issue_authorization_id,
    nonce_text,
    parse_authorization_id,
)
from modelpass.ids import subscription_id_of
from modelpass.router.settle import handle_settle
from modelpass.times import DAY_MS
from tests.support.handlers import batch
from tests.support.lines import recorded
from tests.support.parts import continuing
from tests.template.resources import properties_of

if TYPE_CHECKING:
    from tests.support.handlers import Json
    from tests.support.world import World

NEWER = b"the deployment key that comes after it"


def with_keys(world: World, *secrets: bytes) -> World:
    return replace(world, deps=world.deps._replace(deployment_keys=DeploymentKeys(secrets)))


def test_what_was_issued_before_a_rotation_works_on_and_keeps_its_ids(world: World) -> None:
    (older,) = world.deps.deployment_keys.secrets
    bought = world.buy()
    first, second = (world.authorize(bought["apiKey"], name, 30) for name in ("a", "b"))

    rotated = with_keys(world, NEWER, older)
    figures = {name: second[name] for name in ("daily", "monthly", "openHolds")}  # as the later answer shows them
    assert rotated.authorize(bought["apiKey"], "a", 30) == {**first, "replayed": True, **figures}
    assert rotated.settle(first["authorizationId"], 10)["monthly"]["used"] == 10
    granted = rotated.authorize(bought["apiKey"], "c", 30)
    assert rotated.settle(granted["authorizationId"], 20)["monthly"]["used"] == 30
    assert rotated.settle(granted["authorizationId"], 20)["replayed"]


def test_while_a_rotation_is_deployed_functions_of_both_sides_agree(world: World) -> None:
    """First every function accepts the new key, then every function signs with it: at no moment is one refused."""
    (older,) = world.deps.deployment_keys.secrets
    accepting, signing = with_keys(world, older, NEWER), with_keys(world, NEWER, older)
    bought = world.buy()
    for number, (one, other) in enumerate(permutations((world, accepting), 2)):
        granted = one.authorize(bought["apiKey"], f"first-{number}", 30)
        assert other.settle(granted["authorizationId"], 10)["settled"]
    for number, (one, other) in enumerate(permutations((accepting, signing), 2)):
        key = one.buy(f"acct-{number}")["apiKey"]
        granted = other.authorize(key, "second", 30)
        assert one.authorize(key, "second", 30)["authorizationId"] == granted["authorizationId"]
        assert one.settle(granted["authorizationId"], 10)["settled"]


def test_hold_goes_on_across_a_rotation_and_each_report_is_booked_once(world: World) -> None:
    """A hold that goes on is signed anew, so that it outlasts the key it was granted under."""
    (older,) = world.deps.deployment_keys.secrets
    rotated, retired = with_keys(world, NEWER, older), with_keys(world, NEWER)
    bought = world.buy()
    first = world.authorize(bought["apiKey"], "a", 30)["authorizationId"]
    more = continuing(bought["apiKey"], 40, 1)
    second = rotated.settle(first, 10, calls=1, **more)
    assert second["continued"]
    for side in (world, rotated):
        assert side.settle(first, 10, calls=1, **more)["replayed"]
    third = retired.settle(second["authorizationId"], 5, calls=1, **more)  # its API key is of the retired key
    assert (third["settled"], third["error"]["code"]) == (True, "invalid_api_key")
    assert retired.settle(third["authorizationId"], 7)["monthly"]["used"] == 22


def test_retired_deployment_key_no_longer_opens_anything(world: World) -> None:
    bought = world.buy()
    granted = world.authorize(bought["apiKey"], "a", 30)
    retired = with_keys(world, NEWER)
    assert retired.authorize(bought["apiKey"], "b", 30)["error"]["code"] == "invalid_api_key"
    assert retired.settle(granted["authorizationId"], 10)["error"]["code"] == "authorization_not_found"
    assert world.settle(granted["authorizationId"], 10)["settled"]


class Queue:
    """The settle queue, as Lambda empties it: what fails is tried again, and parked whole after the last try."""

    def __init__(self, *messages: Json) -> None:
        self.waiting = [json.dumps(message) for message in messages]
        self.parked: list[str] = []

    def run(self, world: World) -> None:
        """Try each message until it is booked or parked."""
        tries = properties_of("SettleQueue")["RedrivePolicy"]["maxReceiveCount"]
        for _ in range(tries):
            event = batch(*self.waiting)
            answer = handle_settle(world.deps, world.caches.tiers, event, "lambda-1", float("inf"))
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            self.waiting = [record["body"] for record in event["Records"] if record["messageId"] in failed]
            if not self.waiting:
                return
        self.parked += self.waiting
        self.waiting = []

    def move_back(self) -> None:
        """Put what is parked back into the queue, as SQS moves it: nothing of a message changes."""
        self.waiting, self.parked = self.parked, []


def used_of(world: World, bought: Json) -> int:
    """Units booked in the month."""
    return world.entitlement(bought["subscriptionId"]).counters.month_used


LOST: list[tuple[str, tuple[bytes, ...]]] = [
    ("generated anew", (NEWER,)),
    ("rotated in one step, the key of before forgotten", (NEWER, b"a third deployment key, of somewhere else")),
]


@pytest.mark.parametrize("keys", [keys for _, keys in LOST], ids=[how for how, _ in LOST])
def test_settles_under_a_lost_deployment_key_are_parked_whole_and_booked_once_when_it_is_accepted_again(
    world: World, keys: tuple[bytes, ...]
) -> None:
    (older,) = world.deps.deployment_keys.secrets
    bought = world.buy()
    ids = [world.authorize(bought["apiKey"], f"r-{n}", 30)["authorizationId"] for n in range(3)]
    sent = [{"authorizationId": id_, "actualUsage": 10 + n, "calls": 1} for n, id_ in enumerate(ids)]
    queue = Queue(*sent)
    queue.run(with_keys(world, *keys))
    assert [json.loads(body) for body in queue.parked] == sent
    assert used_of(world, bought) == 0

    world.clock.advance(DAY_MS)  # the holds have long expired, and one was given back
    world.reset()
    queue.move_back()
    recovered = with_keys(world, *keys, older)
    queue.run(recovered)
    assert (queue.waiting, queue.parked) == ([], [])
    assert used_of(world, bought) == 10 + 11 + 12
    again = Queue(*sent, *sent)
    again.run(recovered)
    assert (again.parked, used_of(world, bought)) == ([], 33)


def test_direct_settle_under_a_lost_deployment_key_is_refused_by_name_and_can_be_parked_by_its_router(
    world: World,
) -> None:
    (older,) = world.deps.deployment_keys.secrets
    bought = world.buy()
    report = {"authorizationId": world.authorize(bought["apiKey"], "r", 30)["authorizationId"], "actualUsage": 17}
    lost = with_keys(world, NEWER)
    with recorded() as output:
        refused = lost.settle(report["authorizationId"], 17)
    assert (refused["settled"], refused["statusCode"]) == (False, 404)
    (line,) = output.decided()
    assert (line["decision"], line["param"], line["actualUsage"]) == ("authorization_not_found", "authorizationId", 17)
    assert report["authorizationId"] not in output.getvalue()

    queue = Queue(report)  # what docs/operations.md asks of a router that is refused so
    queue.run(lost)
    assert [json.loads(body) for body in queue.parked] == [report]
    queue.move_back()
    queue.run(with_keys(world, NEWER, older))
    assert used_of(world, bought) == 17


def test_after_a_leak_nobody_is_refused_while_the_leaked_key_is_only_accepted_and_another_signs(world: World) -> None:
    (leaked,) = world.deps.deployment_keys.secrets
    bought = world.buy()
    before = world.authorize(bought["apiKey"], "before", 30)
    accepting, signing = with_keys(world, leaked, NEWER), with_keys(world, NEWER, leaked)
    for step in (accepting, signing):
        assert step.authorize(bought["apiKey"], "on", 1)["allowed"]
    assert signing.settle(before["authorizationId"], 10)["settled"]
    renewed = signing.regenerate(bought["subscriptionId"])
    assert signing.authorize(bought["apiKey"], "old", 1)["error"]["code"] == "invalid_api_key"
    assert signing.authorize(renewed["apiKey"], "new", 1)["allowed"]
    ended = with_keys(world, NEWER)  # once all keys are renewed and the holds of before are settled
    assert ended.authorize(renewed["apiKey"], "after", 1)["allowed"]


def test_who_has_the_deployment_key_alone_is_granted_nothing(world: World) -> None:
    bought = world.buy()
    items = world.all_items(world.tables.entitlements)
    forged = issue_api_key(bought["subscriptionId"], 1, b"\0" * SECRET_BYTES, world.deps.deployment_keys)
    assert world.authorize(forged, "r", 1)["error"]["code"] == "invalid_api_key"
    elsewhere = issue_api_key(subscription_id_of(b"\0" * 15), 1, b"\0" * SECRET_BYTES, world.deps.deployment_keys)
    assert world.authorize(elsewhere, "r", 1)["error"]["code"] == "invalid_api_key"
    assert world.all_items(world.tables.entitlements) == items


@pytest.mark.parametrize("reclaimed", [False, True], ids=["held", "given back"])
def test_who_has_the_deployment_key_alone_settles_nothing(world: World, reclaimed: bool) -> None:  # noqa: FBT001
    bought = world.buy()
    granted = world.authorize(bought["apiKey"], "r", 30)
    if reclaimed:
        world.clock.advance(DAY_MS)
        world.reset()
    known = parse_authorization_id(granted["authorizationId"], world.deps.deployment_keys)
    assert known is not None
    items = world.all_items(world.tables.entitlements)
    guessed = known._replace(hold=known.hold._replace(nonce=nonce_text(b"\0" * NONCE_BYTES)))  # all but the nonce
    forged = issue_authorization_id(guessed, world.deps.deployment_keys)
    assert world.settle(forged, 1) == {"settled": True, "replayed": True}  # as of a hold that was settled before
    assert world.all_items(world.tables.entitlements) == items
    assert world.settle(granted["authorizationId"], 20)["settled"]
    assert used_of(world, bought) == 20
