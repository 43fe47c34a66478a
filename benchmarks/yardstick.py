"""The yardstick: one bare boto3 `update_item` of an entitlement, in the Python and with the boto3 of the functions.

Rule: it is the least that such a call can be, so that no ratio is flattered: a default client, no condition, nothing
returned. Beside it, the request that authorize sends, by the same bare client: what the work itself takes with boto3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.setting import AUTHORIZE, LONG, now_ms
from modelpass import api_keys
from modelpass.catalogue.tiers import Tier
from modelpass.dynamodb import wire_json
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements import updates
from modelpass.entitlements.model import EntitlementId
from tests.support.builders import hold
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.setting import Setting

SAMPLES: Final = 24
OPEN: Final = 8
"""So many holds are open at the most: they fit into one write unit."""


class Yardstick:
    """A process that only calls boto3, and an entitlement for it."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._bought = setting.buy()
        setting.use(self._bought)
        self._id = EntitlementId(self._bought["subscriptionId"], 1, TEXT_MODEL)
        self._item = {
            "TableName": setting.world.tables.entitlements,
            "Key": entitlement_items.entitlement_key(self._id),
        }
        bare = {
            **self._item,
            "UpdateExpression": "SET #rc = #rc + :none",
            "ExpressionAttributeNames": {"#rc": "rc"},
            "ExpressionAttributeValues": {":none": {"N": "0"}},
        }
        self.request = wire_json.encoded(bare).decode()
        self._probe = setting.probe(AUTHORIZE, "boto3")
        self.bare_ns()
        setting.boto3 = self._probe.ask("spent")["boto3"]

    def bare_ns(self) -> list[int]:
        """The CPU nanoseconds of `SAMPLES` bare updates, one by one."""
        return self._ns([self.request] * SAMPLES)

    def granting_ns(self) -> list[int]:
        """The CPU nanoseconds of authorize's own request by the same client, for each of `OPEN` open holds."""
        took = self._ns(list(self._grants()))
        clear = {
            **self._item,
            "UpdateExpression": "SET #h = :none",
            "ExpressionAttributeNames": {"#h": "h"},
            "ExpressionAttributeValues": {":none": {"M": {}}},
        }
        self._setting.world.quick.update_item(**clear)
        return took

    def _grants(self) -> Iterator[str]:
        api_key = api_keys.parse_api_key(self._bought["apiKey"], self._setting.world.deps.deployment_keys)
        assert api_key is not None
        for number in range(OPEN):
            held = hold(f"grant-{number}", at_ms=now_ms(), seconds=LONG)
            request = updates.authorize(self._setting.world.tables, self._id, api_key.key_hash, held, tuple(Tier), 100)
            yield wire_json.encoded(request).decode()

    def _ns(self, requests: list[str]) -> list[int]:
        return [done["ns"] for done in self._probe.ask("update", requests=requests)]
