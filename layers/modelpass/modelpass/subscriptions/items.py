"""Turns subscriptions, sold terms and accounts' places into stored items and back; and the keys they are stored under.

Rule: pure, and strict: an item of a schema version that is not understood raises `UnreadableItemError` and is never
guessed at. Only reading and making items belongs here; conditions and updates are in `transactions`, `revocations` and
`slots`. `docs/data-model.md` lists the attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.catalogue.tiers import Tier, Unit
from modelpass.entitlements.items import term_of
from modelpass.entitlements.model import Limits
from modelpass.ids import is_subscription_id
from modelpass.schema import (
    Item,
    binary,
    consistent_range_query,
    due_attributes,
    number,
    optional_binary,
    optional_number,
    primary_key,
    text,
)
from modelpass.subscriptions.model import (
    OrderKind,
    PendingChange,
    PendingOrder,
    Sale,
    Slot,
    SlotKind,
    SoldTerm,
    Subscription,
    Suspension,
    TopUps,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelpass.schema import Request

BOUGHT: Final = "bought#"
"""How the sort keys of an account's list of subscriptions begin."""
_ACCOUNT: Final = "account#"
_TERMS_AT_A_TIME: Final = 16
"""More terms than lie in the days that one question may be about, so that one request mostly brings them all."""


def slot_key(account_id: str) -> tuple[str, str]:
    """Subscriptions table: the key of an account's one place."""
    return f"{_ACCOUNT}{account_id}", "slot"


def account_of_key(pk: str) -> str | None:
    """The account that a partition of the subscriptions table belongs to; None when it is a subscription's."""
    return pk.removeprefix(_ACCOUNT) if pk.startswith(_ACCOUNT) else None


def bought_key(account_id: str, bought_at_ms: int, place: int, subscription_id: str) -> tuple[str, str]:
    """Subscriptions table: the key of an entry of an account's list of subscriptions, in the order of purchase.

    `place` is the revision of the account's place, which orders purchases of the same millisecond.
    """
    pk, _ = slot_key(account_id)
    return pk, f"{BOUGHT}{bought_at_ms:015d}#{place:09d}#{subscription_id}"


def listed_id(item: Item) -> str:
    """The subscription that an entry of an account's list names."""
    found: str = schema.current(item)["id"]["S"]
    if not is_subscription_id(found):
        raise schema.UnreadableItemError(found)
    return found


def subscription_key(subscription_id: str) -> tuple[str, str]:
    """Subscriptions table: the key of a subscription's row."""
    return subscription_id, "subscription"


def term_key(subscription_id: str, number: int) -> tuple[str, str]:
    """History table: the key of a term as it was sold; the keys are in the order of the terms' numbers."""
    pk, prefix = terms_prefix(subscription_id)
    return pk, f"{prefix}{number:06d}"


def terms_prefix(subscription_id: str) -> tuple[str, str]:
    """History table: the partition of a subscription's terms as they were sold, and how their sort keys begin."""
    return subscription_id, "term#"


def slot_account(item: Item) -> str | None:
    """The account whose place this item of the subscriptions table is; None when it is a subscription's row."""
    return account_of_key(item["pk"]["S"])


def sold_terms(table: str, subscription_id: str) -> Request:
    """The query for a subscription's terms, the newest first, some at a time."""
    pk, prefix = terms_prefix(subscription_id)
    values = {":pk": text(pk), ":prefix": text(prefix)}
    query = consistent_range_query(table, "#pk = :pk AND begins_with(#sk, :prefix)", values)
    return {**query, "ScanIndexForward": False, "Limit": _TERMS_AT_A_TIME}


def subscription_item(subscription: Subscription, version: int = schema.NEWEST) -> Item:
    """A subscription's row as it is stored, marked with a schema version."""
    pk = subscription_key(subscription.id)
    item = {
        **primary_key(pk),
        "v": number(version),
        "ac": text(subscription.account_id),
        "tn": number(subscription.term_number),
        "tz": text(subscription.term.time_zone),
        "st": number(subscription.term.starts_at_ms),
        "mo": number(subscription.term.months),
        "xa": number(subscription.expires_at_ms),
        "ca": number(subscription.created_at_ms),
        "kh": binary(subscription.key_hash),
        "kt": text(subscription.key_tail),
        "kg": number(subscription.key_generation),
        "cu": _currency(subscription.sale),
        "ms": lines_item(subscription.models, subscription.sale),
        **_marks(subscription),
        **_life(subscription),
    }
    if subscription.new_keys:
        item |= new_keys_value(subscription)
    if subscription.body_digest is not None:
        item["bd"] = binary(subscription.body_digest)
    if subscription.renewal_digest is not None:
        item["rd"] = binary(subscription.renewal_digest)
    if subscription.renewal_body is not None:
        # Code of before renews without a look at this: the term says which renewal it belongs to.
        item["rb"] = {"M": {"tn": item["tn"], "bd": binary(subscription.renewal_body)}}
    if subscription.due_at_ms is not None:
        item |= due_attributes(pk[0], subscription.due_at_ms)
    return item


def _marks(subscription: Subscription) -> Item:
    """The attributes that say what has happened to a subscription, or is under way; each is absent where it has not."""
    numbers = {
        "xc": subscription.cancelled_at_ms,
        "xi": subscription.cancelling_at_ms,
        "kp": subscription.key_pending or None,
        "cw": subscription.change_pending or None,
        "en": subscription.announced or None,
        "wd": subscription.withdrawn or None,
    }
    return {name: number(int(value)) for name, value in numbers.items() if value is not None}


def _life(subscription: Subscription) -> Item:
    """The attributes that only rows of version 3 have, and only where they say something."""
    numbers = {
        "sm": subscription.sold_months,
        "ar": int(subscription.auto_renew),
        "am": subscription.auto_renew_months,
        "cn": subscription.change_number,
        "on": subscription.orders,
        "rm": subscription.reminded,
    }
    item = {name: number(value) for name, value in numbers.items() if value}
    if subscription.label:
        item["lb"] = text(subscription.label)
    if subscription.suspension is not None:
        at_ms, operator, reason = subscription.suspension
        item["su"] = {"M": {"at": number(at_ms), "by": text(operator), "re": text(reason)}}
    if subscription.pending_change is not None:
        binds_at_ms, models, sale = subscription.pending_change
        item["pc"] = {"M": {"at": number(binds_at_ms), "cu": text(sale.currency), "ms": lines_item(models, sale)}}
    if subscription.pending_order is not None:
        item["po"] = {"M": _pending_order(subscription.pending_order)}
    if subscription.top_ups is not None:
        until_ms, units = subscription.top_ups
        item["tp"] = {"M": {"un": number(until_ms), "us": {"M": {model_id: number(n) for model_id, n in units}}}}
    return item


def _pending_order(order: PendingOrder) -> Item:
    item = {"on": number(order.number), "kd": text(order.kind), "un": number(order.lapses_at_ms)}
    if order.key_hash is not None:
        item |= {"kh": binary(order.key_hash), "kt": text(order.key_tail or "")}
    return item


def subscription_of(item: Item) -> Subscription:
    """The reverse of `subscription_item`."""
    schema.require_understood(item)
    version = int(item["v"]["N"])
    return Subscription(
        id=item["pk"]["S"],
        account_id=item["ac"]["S"],
        term_number=int(item["tn"]["N"]),
        term=term_of(item),
        created_at_ms=int(item["ca"]["N"]),
        cancelled_at_ms=optional_number(item, "xc"),
        cancelling_at_ms=optional_number(item, "xi"),
        key_hash=bytes(item["kh"]["B"]),
        key_tail=item["kt"]["S"],
        key_generation=int(item["kg"]["N"]),
        key_pending="kp" in item,
        models=models_of(item["ms"]),
        sale=_sale_of(item),
        body_digest=optional_binary(item, "bd"),
        renewal_digest=optional_binary(item, "rd"),
        renewal_body=_renewal_body_of(item),
        due_at_ms=optional_number(item, "da"),
        new_key_day=optional_number(item, "nd") or 0,
        new_keys=optional_number(item, "nn") or 0,
        sold_months=optional_number(item, "sm"),
        auto_renew="ar" in item,
        auto_renew_months=optional_number(item, "am"),
        label=item["lb"]["S"] if "lb" in item else "",
        pending_change=_pending_change_of(item),
        change_number=optional_number(item, "cn") or 0,
        change_pending="cw" in item,
        suspension=_suspension_of(item),
        orders=optional_number(item, "on") or 0,
        pending_order=_pending_order_of(item),
        reminded=optional_number(item, "rm") or 0,
        withdrawn="wd" in item,
        announced="en" in item,
        version=version,
        top_ups=_top_ups_of(item),
    )


def _pending_change_of(item: Item) -> PendingChange | None:
    if "pc" not in item:
        return None
    fields = item["pc"]["M"]
    prices = _prices_of(fields["cu"]["S"], fields["ms"])
    return PendingChange(int(fields["at"]["N"]), models_of(fields["ms"]), prices)


def _suspension_of(item: Item) -> Suspension | None:
    if "su" not in item:
        return None
    fields = item["su"]["M"]
    return Suspension(int(fields["at"]["N"]), fields["by"]["S"], fields["re"]["S"])


def _top_ups_of(item: Item) -> TopUps | None:
    if "tp" not in item:
        return None
    fields = item["tp"]["M"]
    units = sorted((model_id, int(value["N"])) for model_id, value in fields["us"]["M"].items())
    return TopUps(int(fields["un"]["N"]), tuple(units))


def _pending_order_of(item: Item) -> PendingOrder | None:
    if "po" not in item:
        return None
    fields = item["po"]["M"]
    return PendingOrder(
        number=int(fields["on"]["N"]),
        kind=OrderKind(fields["kd"]["S"]),
        lapses_at_ms=int(fields["un"]["N"]),
        key_hash=optional_binary(fields, "kh"),
        key_tail=fields["kt"]["S"] if "kt" in fields else None,
    )


def lines_item(models: Iterable[Limits], sale: Sale | None) -> Item:
    """The lines of a list as they are stored, with what they were sold for where that is known."""
    return {"L": [{"M": fields} for fields in _with_prices(map(_limits, models), sale)]}


def models_of(lines: Item) -> tuple[Limits, ...]:
    """The reverse of `lines_item`, but for the prices."""
    return tuple(_limits_of(value["M"]) for value in lines["L"])


def new_keys_value(subscription: Subscription) -> Item:
    """The attributes that count the new keys of a day; a row of earlier code has none of them."""
    return {"nd": number(subscription.new_key_day), "nn": number(subscription.new_keys)}


def term_row(subscription_id: str, sold: SoldTerm, version: int = schema.NEWEST) -> Item:
    """A row of the history table: a term, its models, and what it was sold for."""
    lines = ({"id": text(model_id), "tr": text(tier)} for model_id, tier in sold.models)
    months = {} if sold.sold_months is None else {"sm": number(sold.sold_months)}
    return {
        **primary_key(term_key(subscription_id, sold.number)),
        "v": number(version),
        "tn": number(sold.number),
        "tz": text(sold.term.time_zone),
        "st": number(sold.term.starts_at_ms),
        "mo": number(sold.term.months),
        "xa": number(sold.term.ends_at_ms),
        "cu": _currency(sold.sale),
        "ms": {"L": [{"M": fields} for fields in _with_prices(lines, sold.sale)]},
        **months,
    }


def added_models(models: Iterable[Limits]) -> Item:
    """The models that come later into a term, as its row in the history has them beside those it began with."""
    return {"SS": sorted(f"{limits.model_id}#{limits.tier}" for limits in models)}


def _added_models_of(item: Item) -> dict[str, Tier]:
    """The reverse of `added_models`; one that was added in several tiers has the last of them by name."""
    pairs = (entry.split("#") for entry in sorted(item.get("am", {"SS": []})["SS"]))
    return {model_id: Tier(tier) for model_id, tier in pairs}


def term_row_of(item: Item) -> SoldTerm:
    """The reverse of `term_row`."""
    item = schema.current(item)
    models = tuple((value["M"]["id"]["S"], Tier(value["M"]["tr"]["S"])) for value in item["ms"]["L"])
    known = {model_id for model_id, _ in models}
    later = ((model_id, tier) for model_id, tier in _added_models_of(item).items() if model_id not in known)
    return SoldTerm(int(item["tn"]["N"]), term_of(item), (*models, *later), _sale_of(item), optional_number(item, "sm"))


def slot_item(account_id: str, slot: Slot, version: int = schema.NEWEST) -> Item:
    """An account's place as it is stored."""
    pk, sk = slot_key(account_id)
    item = {
        **primary_key((pk, sk)),
        "v": number(version),
        "kd": text(slot.kind),
        "id": text(slot.holder_id),
        "un": number(slot.until_ms),
        "pd": number(slot.purchase_day),
        "pn": number(slot.purchases),
        "rv": number(slot.revision),
    }
    if slot.as_of_ms is not None:
        item["ao"] = number(slot.as_of_ms)
    if slot.ended_as_of_ms is not None:
        item["ae"] = number(slot.ended_as_of_ms)
    if slot.sales:
        item["sn"] = number(slot.sales)
    if slot.pending_order is not None:
        item |= {"po": text(slot.pending_order[0]), "pl": number(slot.pending_order[1])}
    if slot.due_at_ms is not None:
        item |= due_attributes(pk, slot.due_at_ms)
    return item


def slot_of(item: Item) -> Slot:
    """The reverse of `slot_item`."""
    item = schema.current(item)
    return Slot(
        kind=SlotKind(item["kd"]["S"]),
        holder_id=item["id"]["S"],
        until_ms=int(item["un"]["N"]),
        purchase_day=int(item["pd"]["N"]),
        purchases=int(item["pn"]["N"]),
        revision=int(item["rv"]["N"]),
        due_at_ms=optional_number(item, "da"),
        as_of_ms=optional_number(item, "ao"),
        ended_as_of_ms=optional_number(item, "ae"),
        sales=optional_number(item, "sn") or 0,
        pending_order=(item["po"]["S"], int(item["pl"]["N"])) if "po" in item else None,
    )


def _sale_of(item: Item) -> Sale | None:
    if item["cu"] == schema.UNKNOWN:
        return None
    return _prices_of(item["cu"]["S"], item["ms"])


def _prices_of(currency: str, lines: Item) -> Sale:
    priced = [line["M"] for line in lines["L"] if "pr" in line["M"]]  # what came later into a term has none in its row
    totals = tuple(line["pt"]["S"] for line in priced) if all("pt" in line for line in priced) else None
    return Sale(currency, tuple(line["pr"]["S"] for line in priced), totals)


def _renewal_body_of(item: Item) -> bytes | None:
    body = item.get("rb", {}).get("M")
    return optional_binary(body, "bd") if body and body["tn"] == item["tn"] else None


def _currency(sale: Sale | None) -> Item:
    return schema.UNKNOWN if sale is None else text(sale.currency)


def _with_prices(lines: Iterable[Item], sale: Sale | None) -> list[Item]:
    if sale is None:
        return list(lines)
    priced = [{**line, "pr": text(price)} for line, price in zip(lines, sale.monthly, strict=True)]
    if sale.totals is None:
        return priced
    return [{**line, "pt": text(total)} for line, total in zip(priced, sale.totals, strict=True)]


def _limits(limits: Limits) -> Item:
    return {
        "id": text(limits.model_id),
        "tr": text(limits.tier),
        "un": text(limits.unit),
        "lc": number(limits.daily_call_limit),
        "lm": number(limits.monthly_cap),
    }


def _limits_of(value: Item) -> Limits:
    return Limits(
        model_id=value["id"]["S"],
        tier=Tier(value["tr"]["S"]),
        unit=Unit(value["un"]["S"]),
        daily_call_limit=int(value["lc"]["N"]),
        monthly_cap=int(value["lm"]["N"]),
    )
