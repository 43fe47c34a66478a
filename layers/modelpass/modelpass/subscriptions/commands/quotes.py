"""Quotes: what a sale to a subscription would cost now, and when it would bind. Rule: priced as the sale prices it.

A quote changes nothing. It is refused as the sale is, but for what may have changed by then: whether the account's
place is free, and how much the day has sold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.entitlements.windows import segment_at
from modelpass.errors import Refused, raise_if_refused
from modelpass.subscriptions import pricing, rules
from modelpass.subscriptions.commands import upkeep
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.orders import ChangeOrder, ExtensionOrder, RenewalOrder, TopUpOrder
from modelpass.subscriptions.sales.change import Change
from modelpass.subscriptions.sales.extension import Extension
from modelpass.subscriptions.sales.top_up import ToppingUp
from modelpass.times import rfc3339, whole_second

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.order_records import Order, Price
    from modelpass.subscriptions.sales.kinds import SaleKind

Quoted = RenewalOrder | ExtensionOrder | ChangeOrder | TopUpOrder
"""What a price may be asked for."""
_IN_THE_BODY: Final = {
    ExtensionOrder: ("extend.", ("months",)),
    ChangeOrder: ("change.", ("models",)),
    TopUpOrder: ("topUp.", ("modelId", "units")),
}
"""Where in the body of a quote the fields are that a sale may refuse, and which.

An extension refuses lines as well: those of the subscription, which stand in no body.
"""


def quote_sale(deps: Deps, account_id: str, subscription_id: str, asked: Quoted) -> Json:
    """The price of a sale to a subscription at this moment, and when it would bind (`bindsAt`).

    A renewal would begin now, or at the end of the term; the months of an extension begin at the end of the term. A
    change binds now, or with the next month window where some of it waits for that. Raises `not_found`, and what the
    sale refuses; of a renewal only `subscription_not_expired`, for a cancelled subscription.
    """
    if not isinstance(asked, RenewalOrder):
        require_version_3(deps)
    budget = deps.retry_budget()
    found = upkeep.own_subscription(deps, budget, account_id, subscription_id).now
    if isinstance(asked, RenewalOrder):
        return _quote_renewal(deps, budget, found)
    try:
        return _quote(deps, budget, found, asked)
    except Refused as refused:
        prefix, fields = _IN_THE_BODY[type(asked)]
        refusal, param = refused.refusal, refused.refusal.param
        if param is None or not param.startswith(fields):
            raise
        raise Refused(refusal._replace(param=prefix + param)) from None


def _quote(
    deps: Deps, budget: RetryBudget, found: Subscription, asked: ExtensionOrder | ChangeOrder | TopUpOrder
) -> Json:
    now_ms = deps.now_ms()
    kind = _kind_of(asked)
    raise_if_refused(kind.refuse(found, now_ms))
    offered = catalogue_repository.offered(deps, budget, kind.model_ids(found))
    order = kind.order(found, offered, now_ms)
    return _answer(order.price, _binds_at_ms(found, asked, order, now_ms))


def _quote_renewal(deps: Deps, budget: RetryBudget, found: Subscription) -> Json:
    models = found.models_to_come
    offered = catalogue_repository.offered(deps, budget, (limits.model_id for limits in models))
    price = pricing.price_months(offered, models, found.months_to_renew)
    raise_if_refused(rules.refuse_future_renewal(found))
    return _answer(price, max(found.expires_at_ms, whole_second(deps.now_ms())))


def _kind_of(asked: ExtensionOrder | ChangeOrder | TopUpOrder) -> SaleKind:
    match asked:
        case ExtensionOrder():
            return Extension(asked.months)
        case ChangeOrder():
            return Change(asked.lines)
        case TopUpOrder():
            return ToppingUp(asked.model_id, asked.units)


def _binds_at_ms(found: Subscription, asked: Quoted, order: Order, now_ms: int) -> int:
    if isinstance(asked, ExtensionOrder):
        return found.expires_at_ms
    wanted = {limits.model_id for limits in order.models}
    waits = bool(order.waiting) or any(limits.model_id not in wanted for limits in found.models)
    return segment_at(found.term, now_ms).month_end_ms if isinstance(asked, ChangeOrder) and waits else now_ms


def _answer(price: Price, binds_at_ms: int) -> Json:
    return {**pricing.price_answer(price), "bindsAt": rfc3339(binds_at_ms)}
