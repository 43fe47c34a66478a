"""One account asks for all it may, and what it asks for throttles the catalogue: nobody's authorize notices.

The store takes so many read units of a partition a second, as DynamoDB does, and refuses what is more. Each table that
customers and authorize read by one partition is one here: what throttles a customer's own partitions harms him alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.api.subscription_bodies import parse_purchase
from modelpass.catalogue.commands.queries import ModelPages
from modelpass.catalogue.items import model_item
from modelpass.catalogue.model import CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.dynamodb.transport import StoreBusyError, consumed
from modelpass.entitlements.commands.authorize import Caches
from modelpass.errors import Refused
from modelpass.router import authorize as authorize_door
from modelpass.subscriptions.commands import queries
from tests.support.listings import list_models
from tests.support.tiers import tables_of
from tests.support.world import TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

Json = dict[str, Any]
UNITS_A_SECOND = 300
"""A tenth of what DynamoDB takes of a partition, so that a tenth of a flood throttles it."""
CALLS_A_SECOND = 10
"""A tenth of what each route takes by default."""
MODELS = 120


@dataclass(slots=True)
class Throttled:
    """A way to the store that refuses reads of a table beyond its units of the second."""

    send: Send
    second: int = 0
    used: Counter[tuple[int, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __call__(self, operation: str, request: Request) -> Response:
        tables = tables_of(operation, request)
        for table in tables:
            if self.used[self.second, table] >= UNITS_A_SECOND:
                self.refused[table] += 1
                raise StoreBusyError("ThrottlingException")
        response = self.send(operation, request)
        for table in tables:
            self.used[self.second, table] += int(consumed(operation, response)[0])
        return response


def offer_many(world: World) -> list[str]:
    price = Price("USD", "1.00", "0.000001", "0.01")
    names = [f"m-{number:04d}" for number in range(MODELS)]
    for name in names:
        offered = CatalogueModel(name, Kind.TEXT, {Tier.STABLE: price})
        world.quick.put_item(TableName=world.tables.catalogue, Item=model_item(offered))
    return names


def failed(command: Callable[[], object]) -> bool:
    try:
        command()
    except Refused as refused:
        return refused.refusal.code.code == "temporarily_unavailable"
    return False


@pytest.mark.parametrize("turned", [False, True])
def test_flood_that_throttles_the_catalogue_refuses_no_authorize_of_anybody(world: World, *, turned: bool) -> None:
    names = offer_many(world)
    keys = [world.buy(f"other-{n}", models=[model(calls=10**6, cap=10**6)])["apiKey"] for n in range(3)]
    if turned:
        world.take_down(TEXT_MODEL, "basic")
    world.fill_tiers()
    store = Throttled(world.deps.send)
    pacing = world.deps.pacing._replace(monotonic=lambda: float(store.second), random=lambda: 0.0)
    deps = world.deps._replace(send=store, pacing=pacing)
    # A process for each request of the account: nothing is kept from one listing to the next.
    processes = [(Caches.empty(deps), key) for key in keys]
    body = parse_purchase({"models": [model(name) for name in names[:40]]})
    codes: Counter[str] = Counter()
    troubled = 0
    for store.second in range(60):
        for _ in range(CALLS_A_SECOND):
            troubled += failed(lambda: queries.quote(deps, body))
            troubled += failed(lambda: list_models(deps, {}, ModelPages(pacing.monotonic)))
        for caches, key in processes:
            payload = {
                "apiKey": key,
                "modelId": TEXT_MODEL,
                "requestId": f"r-{store.second}",
                "estimatedUsage": 1,
                "holdSeconds": 1,
            }
            answer = authorize_door.handle_authorize(deps, caches, payload, "req-test")
            codes["granted" if answer["allowed"] else answer["error"]["code"]] += 1
        world.clock.advance(2000)
    assert troubled > 60  # the flood throttles what it reads
    assert set(store.refused) == {world.tables.catalogue}
    assert codes == {"granted": 60 * len(keys)}
    tiers = sum(units for (_, table), units in store.used.items() if table == world.tables.tiers)
    assert tiers == len(keys) * 60 / 3
