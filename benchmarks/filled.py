"""A subscription with a long past: used days and events, as they would be stored. Rule: rows alone, nothing of now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from modelpass import outbox, schema
from modelpass.entitlements.history import day_key
from modelpass.entitlements.model import EntitlementId
from modelpass.outbox import EventType, Moment, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from tests.support.world import World

Json = dict[str, Any]

_BATCH: Final = 25
"""Most items of a BatchWriteItem."""
_SECOND_MS: Final = 1_000


def with_days(world: World, bought: Json, models: list[str], today: date, days: int) -> None:
    """Closed days of each model, to be so many with today, as the reset would have left them."""
    rows = (
        {
            **schema.primary_key(day_key(EntitlementId(bought["subscriptionId"], 1, name), day)),
            "v": schema.number(world.tables.version),
            "calls": schema.number(1_234),
            "units": schema.number(1_234_567),
        }
        for day in ((today - timedelta(days=ago)).isoformat() for ago in range(1, days))
        for name in models
    )
    put_all(world, world.tables.history, rows)


def with_events(world: World, bought: Json, count: int, at_ms: int) -> None:
    """So many events, one a second, the last of them now."""
    subject = Subject(bought["subscriptionId"], bought["account"])
    rows = (
        outbox.put(
            world.tables,
            EventType.KEY_REGENERATED,
            subject,
            Moment(at_ms - (count - number) * _SECOND_MS, 1, number),
            {},
            (str(number),),
        )["Item"]
        for number in range(count)
    )
    put_all(world, world.tables.events, rows)


def put_all(world: World, table: str, items: Iterable[Json]) -> None:
    """Put items into a table, in batches; none may be there twice."""
    batch: list[Json] = []
    for item in items:
        batch.append({"PutRequest": {"Item": item}})
        if len(batch) == _BATCH:
            _write(world, table, batch)
            batch = []
    if batch:
        _write(world, table, batch)


def _write(world: World, table: str, puts: list[Json]) -> None:
    answer = world.quick.batch_write_item(RequestItems={table: puts})
    assert not answer.get("UnprocessedItems")
