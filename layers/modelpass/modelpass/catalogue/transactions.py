"""The writes of operators to the catalogue, as DynamoDB requests. Rule: pure; every write is guarded and repeatable.

Nothing is sent from here, and sending a request again does no harm. A model is replaced as a whole, in one transaction
that also guards the catalogue's currency, so that there is never a second currency, and with its event. Its guard is
all that was read of it, so that each change is told as what it was. Which tiers are down is said by two items
(`tier_items`): each change raises their revision and is one transaction of both with its event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import schema
from modelpass.catalogue import items, tier_items
from modelpass.catalogue.answers import figures
from modelpass.catalogue.tiers import entry_of
from modelpass.outbox import EventType, Moment, Subject, put
from modelpass.schema import number, text

if TYPE_CHECKING:
    from modelpass.catalogue.model import CatalogueModel, ListedModel
    from modelpass.catalogue.tier_items import StoredTiers
    from modelpass.catalogue.tiers import Tier
    from modelpass.schema import Item, Request, Tables


class TierAvailability(NamedTuple):
    """What an operator wants of a tier of a model: that it is available or not, and for which reason."""

    model_id: str
    tier: Tier
    available: bool
    reason: str | None


class ModelChange(NamedTuple):
    """A change of the model under an id: what was read of it, who changes it, and when.

    `item` is what was read, None where there was nothing; `before` what was offered, None where nothing was or where
    that cannot be read. `operator_id` is None where the operator's token names nobody.
    """

    model_id: str
    item: Item | None
    before: CatalogueModel | None
    operator_id: str | None
    at_ms: int

    @property
    def revision(self) -> int:
        """Which change of this model it is, counted from 1."""
        return items.revision_of(self.item) + 1


def put_model(tables: Tables, change: ModelChange, model: CatalogueModel, ever: frozenset[Tier]) -> list[Request]:
    """The actions that offer a model exactly as given; `ever` holds the tiers it was offered in before."""
    sets = {**items.model_attributes(model), "ever": items.tiers_set({*ever, *model.tiers})}
    update = _update(tables, change, sets, " REMOVE #withdrawn")
    return [{"Update": update}, {"Put": _model_event(tables, change, model)}]


def put_whole_model(tables: Tables, change: ModelChange, put: ListedModel) -> list[Request]:
    """The same for a model that was never stored, or whose item cannot be read: nothing of what is there is kept.

    It may be put as one that was withdrawn.
    """
    item = items.model_item(put.model, tables.version, put.ever, change.revision)
    mark = {"withdrawn": number(change.at_ms)} if put.withdrawn else {}
    offered = None if put.withdrawn else put.model
    write = {**_as_read(tables, change), "Item": {**item, **mark}}
    del write["Key"]
    return [{"Put": write}, {"Put": _model_event(tables, change, offered)}]


def withdraw_model(tables: Tables, change: ModelChange) -> list[Request]:
    """The actions that offer a model no longer: it gets a mark and stays stored."""
    update = _update(tables, change, {"withdrawn": number(change.at_ms)}, "")
    return [{"Update": update}, {"Put": _model_event(tables, change, None)}]


def delete_model(tables: Tables, change: ModelChange) -> list[Request]:
    """The actions that take the item of a model away."""
    return [{"Delete": _as_read(tables, change)}, {"Put": _model_event(tables, change, None)}]


def keep_currency(tables: Tables, currency: str) -> Request:
    """The action that fixes the currency with the first model, and holds every other model to it."""
    return {
        "Update": {
            "TableName": tables.catalogue,
            "Key": schema.primary_key(items.settings_key()),
            "ConditionExpression": f"attribute_not_exists(#pk) OR ({schema.UNDERSTOOD} AND #currency = :currency)",
            "UpdateExpression": "SET #v = if_not_exists(#v, :new), #currency = :currency",
            "ExpressionAttributeNames": {"#pk": "pk", "#v": "v", "#currency": "currency"},
            "ExpressionAttributeValues": {
                **schema.understood(),
                ":new": number(tables.version),
                ":currency": text(currency),
            },
        }
    }


def replace_settings(tables: Tables, settings: Item, currency: str) -> Request:
    """The action that fixes the currency anew where the settings, as they were read, say none that can be read."""
    condition = _equal(settings, ("v", "currency"))
    return {"Put": {"TableName": tables.catalogue, "Item": items.settings_item(currency, tables.version), **condition}}


def set_tier_availability(tables: Tables, stored: StoredTiers, turn: TierAvailability, now_ms: int) -> Request:
    """Take a tier down or bring it back, with its event; `stored` is what was read before.

    Nobody has changed any tier since: of two who take the same one down, only one writes the event.
    """
    entries, entry = stored.truth().entries, frozenset({entry_of(turn.model_id, turn.tier)})
    updates = tier_items.writes(tables, stored, entries - entry if turn.available else entries | entry)
    event = _availability_event(tables, turn, stored.next_revision(), now_ms)
    return {"TransactItems": [*({"Update": update} for update in updates), {"Put": event}]}


def mend_tiers(tables: Tables, stored: StoredTiers) -> Request:
    """Let both items that name the tiers that are down say what is so already; nothing happens that is told."""
    updates = tier_items.writes(tables, stored, stored.truth().entries)
    return {"TransactItems": [{"Update": update} for update in updates]}


def _update(tables: Tables, change: ModelChange, sets: Item, removes: str) -> Request:
    sets = {**sets, "rev": number(change.revision)}
    write = _as_read(tables, change)
    values = {**write["ExpressionAttributeValues"], **{f":{name}": value for name, value in sets.items()}}
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in sets) + removes
    return {**write, "UpdateExpression": expression, "ExpressionAttributeValues": values}


def _as_read(tables: Tables, change: ModelChange) -> Request:
    """A write of a model's item, to be completed; its condition fails when the item is not as it was read."""
    table, key = tables.catalogue, schema.primary_key(items.model_key(change.model_id))
    return {"TableName": table, "Key": key, **_equal(change.item, items.MODEL_ATTRIBUTES)}


def _equal(item: Item | None, names: tuple[str, ...]) -> Request:
    """The condition that these attributes of an item are what they were, also where nothing in them can be read.

    Not the revision alone: code of the version before changes the others and leaves it as it is.
    """
    if item is None:
        return {"ConditionExpression": "attribute_not_exists(#pk)", "ExpressionAttributeNames": {"#pk": "pk"}}
    clauses = [f"#{name} = :was_{name}" if name in item else f"attribute_not_exists(#{name})" for name in names]
    values = {f":was_{name}": item[name] for name in names if name in item}
    return {
        "ConditionExpression": " AND ".join(["attribute_exists(#pk)", *clauses]),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("pk", *names)},
        **({"ExpressionAttributeValues": values} if values else {}),
    }


def _availability_event(tables: Tables, turn: TierAvailability, revision: int, at_ms: int) -> Request:
    data = {"modelId": turn.model_id, "channelTier": turn.tier.value}
    if turn.reason is not None:
        data["reason"] = turn.reason
    kind = EventType.TIER_UP if turn.available else EventType.TIER_DOWN
    subject = Subject(f"model#{turn.model_id}", None)
    return put(tables, kind, subject, Moment(at_ms, revision), data, (turn.tier, str(revision)))


def _model_event(tables: Tables, change: ModelChange, offered: CatalogueModel | None) -> Request:
    data = {
        "modelId": change.model_id,
        "old": None if change.before is None else figures(change.before),
        "new": None if offered is None else figures(offered),
        "operatorId": change.operator_id,
    }
    subject, at = Subject(f"model#{change.model_id}", None), Moment(change.at_ms, change.revision)
    # The revision starts anew where it could not be read, so it does not name the change without the time.
    facts = (str(change.at_ms), str(change.revision))
    return put(tables, EventType.MODEL_CHANGED, subject, at, data, facts)
