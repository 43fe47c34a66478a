"""The two items that name the tiers that are down, as tests look at them; and what code of the version before does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass import schema
from modelpass.catalogue.tiers import tiers_down_key
from modelpass.dynamodb.transport import StoreBusyError, StoreRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Item, Request
    from tests.support.world import World

Json = dict[str, Any]
KEY = schema.primary_key(tiers_down_key())


def stored_in(world: World, table: str) -> Item | None:
    """What a table has of the tiers that are down."""
    found: Item | None = world.dynamodb.get_item(TableName=table, Key=KEY, ConsistentRead=True).get("Item")
    return found


def both(world: World) -> list[tuple[int, list[str]]]:
    """Revision and entries of the item of the tiers table, and of its copy."""
    items = [stored_in(world, table) for table in world.tier_tables()]
    return [(int(i["rev"]["N"]), sorted(i.get("tiers", {"SS": []})["SS"])) for i in items if i is not None]


def damage(world: World, table: str, **changes: Any) -> Item:
    """Change the stored item behind everybody's back, and give it; None takes an attribute away."""
    item = {**(stored_in(world, table) or KEY), **changes}
    item = {name: value for name, value in item.items() if value is not None}
    world.dynamodb.put_item(TableName=table, Item=item)
    return item


def turned_by_the_version_before(world: World, model_id: str, tier: str, *, available: bool) -> None:
    """The write of code that knows only the item of the catalogue table, as it was sent; its event is left out."""
    item = stored_in(world, world.tables.catalogue)
    was = 0 if item is None else int(item["rev"]["N"])
    values = {
        **schema.understood(),
        ":new": schema.number(schema.NEWEST),
        ":rev": schema.number(was + 1),
        ":pair": {"SS": [f"{model_id}#{tier}"]},
    }
    names = {"#v": "v", "#rev": "rev", "#tiers": "tiers"}
    if was:
        condition, values[":was"] = f"{schema.UNDERSTOOD} AND #rev = :was", schema.number(was)
    else:
        condition = f"attribute_not_exists(#pk) OR ({schema.UNDERSTOOD} AND attribute_not_exists(#rev))"
        names["#pk"] = "pk"
    verb = "DELETE" if available else "ADD"
    world.dynamodb.update_item(
        TableName=world.tables.catalogue,
        Key=KEY,
        ConditionExpression=condition,
        UpdateExpression=f"SET #v = if_not_exists(#v, :new), #rev = :rev {verb} #tiers :pair",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
    )


def read_by_the_version_before(world: World) -> set[tuple[str, str]]:
    """Which tiers are down as that code reads them: it fails where an entry or the version is not what it knows."""
    item = stored_in(world, world.tables.catalogue)
    if item is None:
        return set()
    schema.require_understood(item)
    assert int(item["rev"]["N"]) >= 0
    pairs = [entry.split("#") for entry in item.get("tiers", {}).get("SS", [])]
    return {(model_id, tier) for model_id, tier in pairs}


def tables_of(operation: str, request: Request) -> set[str]:
    """The tables that a request is about."""
    match operation:
        case "BatchGetItem":
            return set(request["RequestItems"])
        case "TransactGetItems" | "TransactWriteItems":
            return {part["TableName"] for action in request["TransactItems"] for part in action.values()}
        case _:
            return {request["TableName"]}


def without(send: Send, table: str, fail: Callable[[], object]) -> Send:
    """A way to the store on which requests about one table fail."""

    def limited(operation: str, request: Request) -> Response:
        if table in tables_of(operation, request):
            fail()
        return send(operation, request)

    return limited


def busy() -> None:
    raise StoreBusyError("ThrottlingException")


def gone() -> None:
    raise StoreRejectedError("ResourceNotFoundException")
