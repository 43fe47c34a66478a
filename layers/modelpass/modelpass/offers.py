"""What the catalogue offers of what somebody wants to buy. Rule: every price is that of the moment of asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass.entitlements.model import Limits
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.subscriptions import pricing

if TYPE_CHECKING:
    from modelpass.api.subscription_bodies import PurchaseBody
    from modelpass.catalogue.model import Catalogue, CatalogueModel
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Sale

_BOUNDED: Final = ("dailyCallLimit", "monthlyTokenCap")


def bought(offered: Catalogue, body: PurchaseBody) -> tuple[tuple[Limits, ...], Sale]:
    """What a purchase body buys, and for how much; raises `Refused` naming the first model that is not offered so."""
    limits = []
    for index, wanted in enumerate(body.models):
        model = _offered(offered, index, wanted.model_id, wanted.channel_tier)
        figures = (wanted.daily_call_limit, wanted.monthly_token_cap)
        for name, figure, bounds in zip(_BOUNDED, figures, (model.calls, model.cap), strict=True):
            if not bounds.least <= figure <= bounds.most:
                param = f"models[{index}].{name}"
                raise invalid(param, f"{param} must be from {bounds.least} to {bounds.most} for this model.")
        limits.append(Limits(wanted.model_id, wanted.channel_tier, model.unit, *figures))
    return tuple(limits), _priced(offered, limits)


def bought_again(offered: Catalogue, models: tuple[Limits, ...]) -> Sale:
    """For how much the models of a subscription are sold now; raises `Refused` when one is not offered any more."""
    for index, limits in enumerate(models):
        _offered(offered, index, limits.model_id, limits.tier)
    return _priced(offered, models)


def _offered(offered: Catalogue, index: int, model_id: str, tier: Tier) -> CatalogueModel:
    model = offered.models.get(model_id)
    if model is None:
        raise Refused(Refusal(ErrorCode.UNKNOWN_MODEL, param=f"models[{index}].modelId"))
    if tier not in model.tiers:
        raise Refused(Refusal(ErrorCode.TIER_NOT_OFFERED, param=f"models[{index}].channelTier"))
    return model


def _priced(offered: Catalogue, models: tuple[Limits, ...] | list[Limits]) -> Sale:
    prices = [offered.models[m.model_id].tiers[m.tier] for m in models]
    return pricing.sale_of(zip(models, prices, strict=True), prices[0].currency)
