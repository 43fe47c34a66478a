"""The catalogue as callers see it. Rule: pure; the wire format and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.catalogue.model import bounds_by_name, price_fields
from modelpass.catalogue.tiers import Tier, TiersDown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelpass.catalogue.model import CatalogueModel, ListedModel
    from modelpass.catalogue.tiers import Kind

Json = dict[str, Any]


def models_answer(models: Iterable[ListedModel], down: TiersDown, following: str | None) -> Json:
    """The answer of `GET /v1/models`: a page of models, and the cursor of the next page.

    One that was withdrawn, which only operators are shown, has a mark.
    """
    return {"models": [stored_answer(listed, down) for listed in models], "next": following}


def figures(model: CatalogueModel) -> Json:
    """What is offered of a model, as callers see it, without what changes by itself: which tiers are available."""
    shown = model_answer(model, TiersDown())
    for tier in shown["tiers"]:
        del tier["available"]
    return {name: value for name, value in shown.items() if name != "modelId"}


def stored_answer(listed: ListedModel, down: TiersDown) -> Json:
    """A model as operators see it: as callers do, with a mark where it was withdrawn."""
    shown = model_answer(listed.model, down)
    return {**shown, "withdrawn": True} if listed.withdrawn else shown


def unreadable_answer(model_id: str, kind: Kind | None) -> Json:
    """A model whose item cannot be read, as operators see it: that this is so, and its kind where that can be read."""
    return {"modelId": model_id, "kind": kind, "unreadable": True}


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
