"""The guarded write of a subscription's row: what differs between two values. Rule: pure; of two writers, one wins.

A command reads the row, works out what it is to be, and writes only what differs. The write demands every attribute as
it was read, those that were absent too, whatever the command has looked at: so nothing can come between. What is
stored under another schema version than new items get is brought to the newest with it, never back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.schema import number
from modelpass.subscriptions import items

if TYPE_CHECKING:
    from modelpass.schema import Item, Request, Tables
    from modelpass.subscriptions.model import Subscription

OPTIONAL: Final = (
    *("xc", "xi", "kp", "cw", "en", "wd", "nd", "nn", "bd", "rd", "rb", "dp", "da"),
    *("sm", "ar", "am", "cn", "on", "rm", "lb", "su", "pc", "po", "tp"),
)
"""Every attribute of a row that may be absent."""
_FIXED: Final = ("pk", "sk", "v")


def change_row(tables: Tables, old: Subscription, new: Subscription) -> Request:
    """The update that makes `old` into `new`; its due mark is that of `new`, as the version has it that is written.

    It fails with `ConditionFailedError`, and brings the row back, when the row is not `old` any more.
    """
    version = max(old.version, tables.version)
    read = items.subscription_item(old, old.version)
    written = items.subscription_item(new.written_as(version), version)
    names = tuple(name for name in {**read, **dict.fromkeys(OPTIONAL)} if name not in _FIXED)
    differing = [name for name in names if read.get(name) != written.get(name)]
    demands = [schema.UNDERSTOOD, "#v = :was", *(_as_read(name, read) for name in names)]
    sets = ["#v = :written", *(f"#{name} = :new_{name}" for name in differing if name in written)]
    removes = [f"#{name}" for name in differing if name not in written]
    return {
        "TableName": tables.subscriptions,
        "Key": schema.primary_key(items.subscription_key(old.id)),
        "ConditionExpression": " AND ".join(demands),
        "UpdateExpression": "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(removes) if removes else ""),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("v", *names)},
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":was": number(old.version),  # what is brought to the newest meanwhile is not taken back
            ":written": number(version),
            **{f":{name}": read[name] for name in names if name in read},
            **{f":new_{name}": written[name] for name in differing if name in written},
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _as_read(name: str, read: Item) -> str:
    if name in read:
        return f"#{name} = :{name}"
    absent = f"attribute_not_exists(#{name})"
    # Code of before may have left it as it was in an earlier term, which it names: that was read as absent.
    return f"({absent} OR #rb.#tn <> :tn)" if name == "rb" else absent
