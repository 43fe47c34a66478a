"""Upkeep of the item that authorize reads. Rule: housekeeping; it only brings the item up to what is so already.

Code of the version before writes the copy of the catalogue table alone: before this table was there, after a roll-back,
and while functions of both versions run. So the item is filled from the copy, and brought up to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.catalogue import tier_items
from modelpass.catalogue.tier_items import StoredTiers
from modelpass.catalogue.tiers import tiers_down_key
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError, StoreRejectedError
from modelpass.runtime import telemetry, unreadable

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps


def bring_up_tiers(deps: Deps) -> None:
    """Let the item of the tiers table say what is so, where it is missing or behind its copy.

    What cannot be read of either is reported, and what the store rejects is logged. It tries once, and whatever
    the store fails in is left for the next run.
    """
    tables, key = deps.tables, schema.primary_key(tiers_down_key())
    try:
        item, copy = transport.get_across(deps.send, [(tables.tiers, key), (tables.catalogue, key)])
        stored = StoredTiers(item, copy)
        for table, found in stored.incomplete(tables):
            unreadable.report(table, found)
        update = tier_items.bring_up(tables, stored)
        if update is not None:
            deps.send("UpdateItem", update)
    except (StoreBusyError, ConditionFailedError):
        return  # an operator turns a tier at this moment, or the store is busy
    except StoreRejectedError as failure:  # what else is due must not wait for it
        telemetry.report_unexpected(failure)
