"""What two states of a model have to do with each other: their tags, and whether a change needs a second word.

Rule: pure and exact; money is never rounded, at the bound neither. A tag follows from what is offered alone, so that
code of another version, which may have written meanwhile, changes no tag by what it leaves out.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import TYPE_CHECKING, Any, Final

from modelpass.catalogue.answers import figures
from modelpass.catalogue.model import PRICE_FIELDS, price_fields
from modelpass.encoding import ID_BYTES, base32
from modelpass.errors import ErrorCode, Refusal

if TYPE_CHECKING:
    from modelpass.catalogue.model import CatalogueModel, ListedModel, Offer
    from modelpass.schema import Item

_AMOUNTS: Final = tuple(name for name in PRICE_FIELDS if name != "currency")
_SETS: Final = ("SS", "NS", "BS")
# A figure has at most 24 digits and the factor 7.
_EXACT: Final = Context(prec=60, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])


def tag_of(listed: ListedModel) -> str:
    """The tag of a model: another when anything of its offer is another, or it was withdrawn or is back."""
    return _digest({"modelId": listed.model.model_id, "withdrawn": listed.withdrawn, **figures(listed.model)})


def tag_of_unreadable(item: Item) -> str:
    """The tag of an item that cannot be read: another when anything in it is another."""
    return _digest(_ordered(item))


def unconfirmed(before: CatalogueModel, offer: Offer, factor: int) -> Refusal | None:
    """Why an offer that is not confirmed changes prices by too much; None when it does not.

    Too much is more than `factor` times what a figure was, less than that part of it, to zero or from zero. Only the
    figures of tiers that the model had are compared: a new tier has no price from which it could be far away.
    """
    for index, (tier, price) in enumerate(offer.model.tiers.items()):
        if tier not in before.tiers:
            continue
        old, new = price_fields(before.tiers[tier]), price_fields(price)
        for name in _AMOUNTS:
            if _is_far(Decimal(old[name]), Decimal(new[name]), factor):
                param = f"tiers[{index}].price.{name}"
                message = (
                    f"{param} would change from {old[name]} to {new[name]}, which is more than a factor of {factor}: "
                    'if that is meant, send it again with "confirm": true.'
                )
                return Refusal(ErrorCode.CONFIRMATION_REQUIRED, param=param, message=message)
    return None


def _is_far(old: Decimal, new: Decimal, factor: int) -> bool:
    if not old or not new:
        return old != new
    times = Decimal(factor)
    return new > _EXACT.multiply(old, times) or _EXACT.multiply(new, times) < old


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return base32(hashlib.sha256(text.encode()).digest()[:ID_BYTES])


def _ordered(value: Any) -> Any:
    """An attribute value as JSON can write it: bytes as digits, and what has no order, such as a set, sorted."""
    if isinstance(value, dict):
        return {
            name: sorted(map(_ordered, inner)) if name in _SETS and isinstance(inner, list) else _ordered(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_ordered(inner) for inner in value]
    return bytes(value).hex() if not isinstance(value, (str, bool)) else value
