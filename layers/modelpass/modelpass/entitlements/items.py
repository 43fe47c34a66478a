"""How an entitlement is stored: its key, its attributes and its packed holds, and how they are read back. Rule: pure.

Nothing is guessed: an item of a version that is not understood and a malformed hold raise `UnreadableItemError`,
missing attributes and unknown values `KeyError` or `ValueError`. Attribute names are short because every byte of an
entitlement counts towards its write unit; `docs/data-model.md` lists them. A hold is packed into one text: signer,
nonce, granted at, seconds, units, calls, the numbers in base 36. Expressions are in `updates` and `transactions`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.catalogue.tiers import Tier, Unit
from modelpass.entitlements.model import Counters, Entitlement, EntitlementId, Hold, Limits, Term, Threshold
from modelpass.schema import UnreadableItemError, binary, number, optional_binary, optional_number, text

if TYPE_CHECKING:
    from modelpass.schema import Item

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_PACKED: Final = re.compile(r"([^.]*)\.([^.]*)" + rf"\.([{_DIGITS}]+)" * 4)
_ANNOUNCED: Final = {
    bits: frozenset(t for t in Threshold if t.bit & bits) for bits in range(sum(t.bit for t in Threshold) + 1)
}
"""Every set of thresholds, by the sum of their bits."""


OWN_FIGURES: Final = {"counted": "uc", "estimated": "ue"}
"""Which attribute adds up the units of settles whose figure is the router's own, by where it comes from."""


def entitlement_key(entitlement: EntitlementId) -> Item:
    """The primary key of an entitlement's item."""
    return {"pk": text(entitlement_pk(entitlement))}


def entitlement_pk(entitlement: EntitlementId) -> str:
    """Entitlements table: the partition key. Each model of each term has a partition of its own."""
    return f"{entitlement.subscription_id}#{entitlement.term_number}#{entitlement.model_id}"


def parse_entitlement_pk(pk: str) -> EntitlementId:
    """The entitlement that a partition key names; no model id has a `#`."""
    subscription_id, number, model_id = pk.split("#")
    return EntitlementId(subscription_id, int(number), model_id)


def entitlement_item(entitlement: Entitlement, version: int = schema.NEWEST) -> Item:
    """The item of an entitlement, without its mark in the due index."""
    counters, limits = entitlement.counters, entitlement.limits
    item = {
        **entitlement_key(entitlement.id),
        "v": number(version),
        "ac": text(entitlement.account_id),
        "tr": text(limits.tier),
        "un": text(limits.unit),
        "tz": text(entitlement.term.time_zone),
        "st": number(entitlement.term.starts_at_ms),
        "mo": number(entitlement.term.months),
        "xa": number(entitlement.expires_at_ms),
        "lc": number(limits.daily_call_limit),
        "lm": number(limits.monthly_cap),
        **segment_attributes(entitlement),
        "dl": number(counters.day_left),
        "dc": number(counters.day_calls),
        "du": number(counters.day_units),
        "ml": number(counters.month_left),
        "mu": number(counters.month_used),
        "h": {"M": {h.key: text(pack_hold(h)) for h in entitlement.holds.values()}},
        "rc": number(entitlement.tickets),
        "ta": announced_value(entitlement.announced),
    }
    if entitlement.key_hash is not None:
        item["kh"] = binary(entitlement.key_hash)
    if entitlement.lapses:
        item["tl"] = number(entitlement.lapses)
    if entitlement.cancelled_at_ms is not None:
        item["xc"] = number(entitlement.cancelled_at_ms)
    if entitlement.suspended:
        item["xs"] = number(1)
    if entitlement.top_up:
        item["tu"] = number(entitlement.top_up)
    if entitlement.change_number:
        item["cn"] = number(entitlement.change_number)
    if entitlement.earlier_tiers:
        item["et"] = text(" ".join(f"{until_ms}.{tier}" for until_ms, tier in entitlement.earlier_tiers))
    return item


def announced_value(announced: frozenset[Threshold]) -> Item:
    """A set of thresholds as it is stored: the sum of their bits."""
    return number(sum(threshold.bit for threshold in announced))


def segment_attributes(entitlement: Entitlement) -> Item:
    """The attributes that say which windows are stored: they change when the next are opened."""
    start_ms = entitlement.segment_start_ms
    return {
        "ws": number(start_ms),
        "we": number(entitlement.segment_end_ms),
        "wd": text(entitlement.day),
        "wm": number(entitlement.month),
        "db": number(start_ms - entitlement.day_start_ms),
        "mb": number(start_ms - entitlement.month_start_ms),
    }


def entitlement_of(item: Item) -> Entitlement:
    """An entitlement, from its stored item."""
    item = schema.current(item)
    bought = [item[name]["S"] for name in ("pk", "tr", "un", "tz")]
    bought += [item[name]["N"] for name in ("lc", "lm", "st", "mo", "xa")]
    entitlement_id, limits, term = _bought(tuple(bought))
    return Entitlement(
        id=entitlement_id,
        account_id=item["ac"]["S"],
        limits=limits,
        term=term,
        key_hash=optional_binary(item, "kh"),
        cancelled_at_ms=optional_number(item, "xc"),
        day_start_ms=int(item["ws"]["N"]) - int(item["db"]["N"]),
        month_start_ms=int(item["ws"]["N"]) - int(item["mb"]["N"]),
        segment_end_ms=int(item["we"]["N"]),
        day=item["wd"]["S"],
        month=int(item["wm"]["N"]),
        counters=Counters(
            day_left=int(item["dl"]["N"]),
            day_calls=int(item["dc"]["N"]),
            day_units=int(item["du"]["N"]),
            month_left=int(item["ml"]["N"]),
            month_used=int(item["mu"]["N"]),
        ),
        holds={name: unpack_hold(name, value["S"]) for name, value in item["h"]["M"].items()},
        tickets=int(item["rc"]["N"]),
        announced=_ANNOUNCED[int(item["ta"]["N"])],
        lapses=optional_number(item, "tl") or 0,
        due_at_ms=optional_number(item, "da"),
        suspended="xs" in item,
        change_number=optional_number(item, "cn") or 0,
        top_up=optional_number(item, "tu") or 0,
        earlier_tiers=_earlier_tiers_of(item["et"]["S"]) if "et" in item else (),
    )


def understood_id(item: Item) -> EntitlementId:
    """Which entitlement an item is, of a version that writes may change; nothing else of it is read."""
    schema.require_understood(item)
    return parse_entitlement_pk(item["pk"]["S"])


def pack_hold(hold: Hold) -> str:
    """The text that is stored of a hold, under its key."""
    figures = (hold.granted_at_ms, hold.hold_seconds, hold.units, hold.calls)
    return ".".join((hold.signer, hold.nonce, *map(_base36, figures)))


@lru_cache(maxsize=4096)
def unpack_hold(hold_key: str, packed: str) -> Hold:
    """The hold that a packed text stands for; raises `UnreadableItemError` for a malformed one.

    Results are kept, for a hold never changes and is read with every request while it is open.
    """
    match = _PACKED.fullmatch(packed)
    if match is None:
        raise UnreadableItemError(hold_key)
    signer, nonce, at_ms, seconds, units, calls = match.groups()
    return Hold(hold_key, nonce, signer, int(at_ms, 36), int(seconds, 36), int(units, 36), int(calls, 36))


def term_of(item: Item) -> Term:
    """The term of a subscription, or of a row of the history: both store it as entitlements do."""
    return Term(int(item["st"]["N"]), int(item["mo"]["N"]), item["tz"]["S"], int(item["xa"]["N"]))


def _earlier_tiers_of(packed: str) -> tuple[tuple[int, Tier], ...]:
    pairs = (entry.split(".") for entry in packed.split())
    return tuple((int(until_ms), Tier(tier)) for until_ms, tier in pairs)


@lru_cache(maxsize=4096)
def _bought(fixed: tuple[str, ...]) -> tuple[EntitlementId, Limits, Term]:
    """What seldom changes of an entitlement, from the texts it is stored as. Results are kept, by these texts."""
    pk, tier, unit, time_zone, calls, cap, starts, months, ends = fixed
    entitlement_id = parse_entitlement_pk(pk)
    limits = Limits(entitlement_id.model_id, Tier(tier), Unit(unit), int(calls), int(cap))
    return entitlement_id, limits, Term(int(starts), int(months), time_zone, int(ends))


def _base36(value: int) -> str:
    digits = _DIGITS[value % 36]
    while value := value // 36:
        digits = _DIGITS[value % 36] + digits
    return digits
