"""Ids of orders: each says which subscription it belongs to, and its number there. Rule: pure.

So the order is found by its id alone. Nobody else has to know that: to callers, an id is opaque.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from modelpass.encoding import ID_BYTES
from modelpass.ids import subscription_id_bytes, subscription_id_of

ORDER_ID_PATTERN: Final = r"ord_[a-z2-7]{32}"
_ORDER_ID: Final = re.compile(ORDER_ID_PATTERN)
_PREFIX: Final = "ord_"
_NUMBER_BYTES: Final = 5


def order_id_of(subscription_id: str, number: int) -> str:
    """The id of an order of a subscription, by its number there."""
    raw = subscription_id_bytes(subscription_id) + number.to_bytes(_NUMBER_BYTES, "big")
    return _PREFIX + base64.b32encode(raw).decode().lower()


def order_parts_of(order_id: str) -> tuple[str, int] | None:
    """The subscription and the number of the order with this id; None for a text that can be no order's id."""
    if _ORDER_ID.fullmatch(order_id) is None:
        return None
    raw = base64.b32decode(order_id.removeprefix(_PREFIX).upper())
    return subscription_id_of(raw[:ID_BYTES]), int.from_bytes(raw[ID_BYTES:], "big")
