"""What all stored items share: no two of any kind have one key, and the due index spreads them over its partitions."""

from __future__ import annotations

from modelpass import outbox, schema
from modelpass.catalogue import items as catalogue_items
from modelpass.catalogue.tiers import tiers_down_key
from modelpass.entitlements import history
from modelpass.entitlements.model import EntitlementId
from modelpass.outbox import Order
from modelpass.subscriptions import items as subscription_items
from tests.support.builders import SUBSCRIPTION_ID, hold


def test_keys_of_the_tables_are_distinct() -> None:
    one, two = EntitlementId(SUBSCRIPTION_ID, 1, "m:1"), EntitlementId(SUBSCRIPTION_ID, 11, "m")
    grants = [hold(), hold(nonce=b"more.."), hold("r-2")]
    pairs = [
        *(history.day_key(e, day) for e in (one, two) for day in ("2026-01-01", "2026-01-11")),
        *(history.month_key(e, month) for e in (one, two) for month in (1, 11)),
        *(history.ticket_key(e, h) for e in (one, two) for h in grants),
        *(subscription_items.slot_key(account) for account in ("a", "b", SUBSCRIPTION_ID)),
        subscription_items.subscription_key(SUBSCRIPTION_ID),
        *(outbox.event_key(SUBSCRIPTION_ID, at, Order(1, 0, 0), outbox.event_id(str(at))) for at in (1, 20, 10**12)),
        *(catalogue_items.model_key(m) for m in ("down", "m")),
        tiers_down_key(),
    ]
    assert len(set(pairs)) == len(pairs)


def test_due_items_are_spread_over_every_shard() -> None:
    shards = {schema.due_shard(f"sub_{n}#1#m") for n in range(5000)}
    assert shards == {schema.due_shard_name(n) for n in range(schema.DUE_SHARDS)}
