"""Schema versions of stored items: which are understood, and what earlier ones lack. Rule: what is not known raises.

Every stored item names its version (`v`). Two are understood: the newest, and the one before it, whose items get the
newest form as they are read (`current`). Every write to an item that is there is guarded by the same two, so that one
of any other version is neither read nor touched. Which of the two new items get is a setting, so that code which knows
only the one before may still run beside this. `docs/data-model.md` tells what each version means, and how to add one.
"""

from __future__ import annotations

from typing import Any, Final

from modelpass.entitlements.model import MAX_CALLS, MAX_UNITS

Item = dict[str, Any]

NEWEST: Final = 2
PREVIOUS: Final = NEWEST - 1
UNDERSTOOD: Final = "#v IN (:v, :before)"
"""The guard of a write: an item of a version that is not understood is left as it is."""
UNKNOWN: Final[Item] = {"NULL": True}
"""Stands where an item of an earlier version does not tell, and nothing can be worked out."""


class UnreadableItemError(Exception):
    """A stored item has a form this version does not know; it is left as it is."""


def number_of(version: int) -> Item:
    """A version as it is stored."""
    return {"N": str(version)}


_NEWEST: Final = number_of(NEWEST)
_PREVIOUS: Final = number_of(PREVIOUS)


def understood() -> Item:
    """The values of the guard `UNDERSTOOD`."""
    return {":v": _NEWEST, ":before": _PREVIOUS}


def current(item: Item) -> Item:
    """A stored item of any kind in its newest form; raises `UnreadableItemError` when its version is not understood."""
    version = item.get("v")
    if version == _NEWEST:
        return item
    if version != _PREVIOUS:
        msg = f"schema version {(version or {}).get('N')}"
        raise UnreadableItemError(msg)
    return {**_lacking(item), **item, "v": _NEWEST}


def _lacking(item: Item) -> Item:
    """What an item of version 1 may lack; those of its later days lack nothing."""
    if "sk" not in item:  # an entitlement: nothing was told of its windows
        return {"ta": {"N": "0"}}
    kind, _, _ = item["sk"]["S"].partition("#")
    if kind == "subscription":  # its key is the first, and nobody noted what it was sold for
        return {"kg": {"N": "0"}, "cu": UNKNOWN}
    if kind == "slot":
        return {"rv": {"N": "0"}}
    if kind == "down":
        return {"rev": {"N": "0"}}
    if kind == "model":  # any amount could be bought, and no tier was ever taken out
        bounds = {"dailyCallLimit": MAX_CALLS, "monthlyTokenCap": MAX_UNITS}
        limits = {name: {"M": {"min": {"N": "1"}, "max": {"N": str(most)}}} for name, most in bounds.items()}
        return {"limits": {"M": limits}, "ever": {"SS": sorted(item["tiers"]["M"])}}
    return {}
