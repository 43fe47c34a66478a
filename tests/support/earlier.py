"""A service as the last code that knew nothing of schema version 3 left it: items, keys and authorizations, recorded.

Rule: the items are put just as they were stored; nothing is derived from the code that is tested. `recording` made it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.support.world import World, new_world

Json = dict[str, Any]
RECORDED: Final[Json] = json.loads(Path(__file__).with_name("schema_2.json").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Earlier:
    """The recorded service, in the tables of a world; accounts are named as what they bought is here."""

    world: World

    def id_of(self, name: str) -> str:
        subscription_id: str = RECORDED["subscriptions"][name]["subscriptionId"]
        return subscription_id

    def key_of(self, name: str) -> str:
        api_key: str = RECORDED["subscriptions"][name]["apiKey"]
        return api_key

    def authorization(self, name: str, request_id: str) -> str:
        authorization_id: str = RECORDED["subscriptions"][name]["authorizations"][request_id]
        return authorization_id

    def stored(self) -> list[Json]:
        """All that is stored now."""
        return [item for table in self.world.names() for item in self.world.all_items(table)]

    def authorize(self, name: str, request_id: str, estimate: int = 1, **more: Any) -> Json:
        return self.world.authorize(self.key_of(name), request_id, estimate, **more)

    def settle(self, name: str, request_id: str, used: int, **more: Any) -> Json:
        return self.world.settle(self.authorization(name, request_id), used, **more)


def recorded(endpoint: str) -> Earlier:
    """The recorded service in tables of its own, at the moment it was recorded."""
    world = new_world(endpoint)
    seeded = world.tables.catalogue
    for item in world.all_items(seeded):
        world.dynamodb.delete_item(TableName=seeded, Key={"pk": item["pk"], "sk": item["sk"]})
    for kind, stored in RECORDED["tables"].items():
        for item in stored:
            world.dynamodb.put_item(TableName=getattr(world.tables, kind), Item=_with_bytes(item))
    world.clock.set(datetime.fromisoformat(RECORDED["now"]))
    return Earlier(world)


def _with_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_bytes(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: base64.b64decode(one) if name == "B" else _with_bytes(one) for name, one in value.items()}
