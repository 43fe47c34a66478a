"""The catalogue as callers see it. Rule: pure; the wire format and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.catalogue.model import bounds_by_name, price_fields
from modelpass.catalogue.tiers import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.catalogue.tiers import TiersDown

Json = dict[str, Any]


def models_answer(models: Iterable[CatalogueModel], down: TiersDown, following: str | None) -> Json:
    """The answer of `GET /v1/models`: a page of models, and the cursor of the next page."""
    return {"models": [model_answer(model, down) for model in models], "next": following}


def model_answer(model: CatalogueModel, down: TiersDown) -> Json:
    """A model as callers see it."""
    return {
        "modelId": model.model_id,
        "kind": model.kind.value,
        "unit": model.unit.value,
        "tiers": [
            {
                "channelTier": tier.value,
                "available": (model.model_id, tier) not in down.pairs,
                "price": price_fields(price),
            }
            for tier in Tier
            if (price := model.tiers.get(tier)) is not None
        ],
        "limits": {name: {"min": bounds.least, "max": bounds.most} for name, bounds in bounds_by_name(model).items()},
    }
