"""Updates of an entitlement that need no reading: authorize, settle, a new key, a cancellation, a key taken out.

Rule: pure; each is one `UpdateItem` request (or one action of a transaction) built from the command alone and guarded
by all that it relies on. Nothing is sent from here. The requests of steps that were worked out from a stored item are
in `transactions`. Attribute names and values are always aliased, and the reason for each clause stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.entitlements import items
from modelpass.entitlements.model import SETTLE_GRACE_MS, EntitlementId, Hold
from modelpass.schema import binary, number, text

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.schema import Request, Tables

_KEY_IS_CURRENT: Final = "#kh = :kh"  # a regeneration or renewal binds the very next request
_NOT_CANCELLED: Final = "attribute_not_exists(#xc)"
_SEGMENT_OPEN: Final = "#we > :now"  # the segment ends no later than the term: an expired term fails here, too
_SEGMENT_BEGUN: Final = "#ws <= :now"  # a clock that is behind must not count in a window it has not reached
_ARMED: Final = "#da <= #we"  # the reset is going to look at this window
_CALLS_LEFT: Final = "#dl >= :calls"
_UNITS_LEFT: Final = "#ml >= :units"
_SOMETHING_LEFT: Final = "#ml > :units"  # an estimate of 0 fits everywhere, and its usage would overrun a full month
_REQUEST_IS_NEW: Final = "attribute_not_exists(#h.#k)"  # a repeat is answered, not counted
_HOLDS_BOUNDED: Final = "size(#h) < :max"  # keeps the item, and so its price, small

_GRANT_CONDITION: Final = " AND ".join(
    (
        schema.UNDERSTOOD,
        _KEY_IS_CURRENT,
        _NOT_CANCELLED,
        _SEGMENT_OPEN,
        _SEGMENT_BEGUN,
        _ARMED,
        _CALLS_LEFT,
        _UNITS_LEFT,
        _REQUEST_IS_NEW,
        _HOLDS_BOUNDED,
    )
)
_GRANT_UPDATE: Final = "SET #dl = #dl - :calls, #dc = #dc + :calls, #ml = #ml - :units, #h.#k = :hold"
_GRANT_NAMES: Final = ("v", "kh", "xc", "we", "ws", "da", "dl", "dc", "ml", "h", "tr")

_SETTLE_CONDITION: Final = " AND ".join(
    (
        schema.UNDERSTOOD,
        "#h.#k = :hold",  # this very grant is open: its nonce is part of the value
        "#ws <= :at",  # no window closed since the grant: the stored counters are the hold's
        "#xa > :grace",  # settles are accepted until 90 days after the term
    )
)
_COUNTED: Final = "#dc >= :back"  # an operator may have given calls back: no more are than are counted
_SETTLE_UPDATE: Final = (
    "SET #dl = #dl + :back, #dc = #dc - :back, #du = #du + :used, #ml = #ml + :rest, #mu = #mu + :used REMOVE #h.#k"
)
_SETTLE_NAMES: Final = ("v", "h", "ws", "xa", "dl", "dc", "du", "ml", "mu")

_GO_ON_CONDITION: Final = " AND ".join(
    (
        _SETTLE_CONDITION,
        _KEY_IS_CURRENT,
        _NOT_CANCELLED,
        _SEGMENT_OPEN,
        "#ml >= :more",  # after the report, the month has what the hold is to have
        "#dl >= :morecalls",  # and so has the day
    )
)
_GO_ON_UPDATE: Final = (
    "SET #dl = #dl - :morecalls, #dc = #dc + :morecalls, #du = #du + :used, #ml = #ml - :more, #mu = #mu + :used, "
    "#h.#k = :rest"
)
_GO_ON_NAMES: Final = (*_SETTLE_NAMES, "kh", "xc", "we")

# An entitlement has no number of its key before the first regeneration.
KEY_IS_NEWER: Final = "(attribute_not_exists(#kg) OR #kg < :kg)"
_KEY_REPLACED: Final = f"({KEY_IS_NEWER} OR NOT attribute_type(#kg, :number))"  # by what is no number, no key is newer


def _aliases(names: tuple[str, ...]) -> dict[str, str]:
    return {f"#{name}": name for name in names}


_GRANT_ALIASES: Final = _aliases(_GRANT_NAMES)
_SETTLE_ALIASES: Final = _aliases(_SETTLE_NAMES)
_GO_ON_ALIASES: Final = _aliases(_GO_ON_NAMES)


def authorize(  # noqa: PLR0913 - each is a part of the condition
    tables: Tables,
    entitlement: EntitlementId,
    key_hash: bytes,
    hold: Hold,
    tiers: tuple[Tier, ...],
    max_open_holds: int,
    *,
    unit_free: bool = False,
) -> Request:
    """Authorize in one write: every rule is in the condition, every counter in the update.

    `tiers` are those that the entitlement may have for this request: the one asked for, or all that are up. `unit_free`
    says that the call uses no units by nature: else a hold of none demands that some are left.
    """
    tier_values = {f":t{i}": text(tier) for i, tier in enumerate(tiers)}
    condition = _GRANT_CONDITION if hold.units or unit_free else f"{_GRANT_CONDITION} AND {_SOMETHING_LEFT}"
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        "ConditionExpression": f"{condition} AND #tr IN ({', '.join(tier_values)})",
        "UpdateExpression": _GRANT_UPDATE,
        "ExpressionAttributeNames": {**_GRANT_ALIASES, "#k": hold.key},
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":kh": binary(key_hash),
            ":now": number(hold.granted_at_ms),
            ":calls": number(hold.calls),
            ":units": number(hold.units),
            ":max": number(max_open_holds),
            ":hold": text(items.pack_hold(hold)),
            **tier_values,
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def settle(  # noqa: PLR0913 - each is a part of the condition or of the update
    tables: Tables,
    entitlement: EntitlementId,
    hold: Hold,
    used: int,
    calls: int,
    now_ms: int,
    *,
    usage_source: str | None = None,
) -> Request:
    """Settle in one write: end the hold, book the units `used` and the `calls` made, give the rest back.

    Units whose figure is the router's own by its `usage_source` are added up beside that.
    """
    request = _settle(tables, entitlement, hold, used, calls, now_ms)
    if calls < hold.calls:
        request["ConditionExpression"] = f"{_SETTLE_CONDITION} AND {_COUNTED}"
    own = items.OWN_FIGURES.get(usage_source or "")
    if own is not None:
        request["UpdateExpression"] = f"SET #own = if_not_exists(#own, :zero) + :used, {_SETTLE_UPDATE[len('SET ') :]}"
        request["ExpressionAttributeNames"]["#own"] = own
        request["ExpressionAttributeValues"][":zero"] = number(0)
    return request


def _settle(tables: Tables, entitlement: EntitlementId, hold: Hold, used: int, calls: int, now_ms: int) -> Request:
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        "ConditionExpression": _SETTLE_CONDITION,
        "UpdateExpression": _SETTLE_UPDATE,
        "ExpressionAttributeNames": {**_SETTLE_ALIASES, "#k": hold.key},
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":hold": text(items.pack_hold(hold)),
            ":at": number(hold.granted_at_ms),
            ":grace": number(now_ms - SETTLE_GRACE_MS),
            ":back": number(hold.calls - calls),
            ":used": number(used),
            ":rest": number(hold.units - used),
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def go_on(  # noqa: PLR0913 - each is a part of the condition
    tables: Tables, entitlement: EntitlementId, key_hash: bytes, hold: Hold, rest: Hold, *, used: int, calls: int
) -> Request:
    """Settle a part of a hold in one write, and let it go on: book the units `used` and the `calls` made.

    `rest` takes the place of the hold, for new work from the instant on that it is granted at (`granted_at_ms`).
    """
    now_ms, more_calls = rest.granted_at_ms, calls + rest.calls - hold.calls
    counted = {":back": number(-more_calls)} if more_calls < 0 else {}
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        "ConditionExpression": f"{_GO_ON_CONDITION} AND {_COUNTED}" if counted else _GO_ON_CONDITION,
        "UpdateExpression": _GO_ON_UPDATE,
        "ExpressionAttributeNames": {**_GO_ON_ALIASES, "#k": hold.key},
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":hold": text(items.pack_hold(hold)),
            ":rest": text(items.pack_hold(rest)),
            ":at": number(hold.granted_at_ms),
            ":grace": number(now_ms - SETTLE_GRACE_MS),
            ":now": number(now_ms),
            ":kh": binary(key_hash),
            ":used": number(used),
            ":more": number(used + rest.units - hold.units),
            ":morecalls": number(more_calls),
            **counted,
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def set_key(tables: Tables, entitlement: EntitlementId, key_hash: bytes, generation: int) -> Request:
    """Give an entitlement the hash of a new key, unless it has that of a newer one; usage and open holds stay.

    `generation` numbers the subscription's keys: a later key has a higher number.
    """
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        # No renewal has taken the key out since, and neither this key nor a newer one is there yet.
        "ConditionExpression": f"{schema.UNDERSTOOD} AND attribute_exists(#kh) AND {_KEY_REPLACED}",
        "UpdateExpression": "SET #kh = :kh, #kg = :kg",
        "ExpressionAttributeNames": {"#v": "v", "#kh": "kh", "#kg": "kg"},
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":kh": binary(key_hash),
            ":kg": number(generation),
            ":number": text("N"),
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def cancel(tables: Tables, entitlement: EntitlementId, at_ms: int) -> Request:
    """Let an entitlement grant nothing more, from `at_ms` (milliseconds); what is open can still be settled."""
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        # It was not cancelled before: the first instant stands. One that is suspended is stopped for good from now on.
        "ConditionExpression": f"{schema.UNDERSTOOD} AND (attribute_not_exists(#xc) OR attribute_exists(#xs))",
        "UpdateExpression": "SET #xc = :at REMOVE #xs",
        "ExpressionAttributeNames": {"#v": "v", "#xc": "xc", "#xs": "xs"},
        "ExpressionAttributeValues": {**schema.understood(), ":at": number(at_ms)},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def remove_key(tables: Tables, entitlement: EntitlementId) -> Request:
    """Take the key out of an entitlement of a term that is over, so that no machine grants on it by a wrong clock."""
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        "ConditionExpression": schema.UNDERSTOOD,
        "UpdateExpression": "REMOVE #kh",
        "ExpressionAttributeNames": {"#v": "v", "#kh": "kh"},
        "ExpressionAttributeValues": schema.understood(),
    }
