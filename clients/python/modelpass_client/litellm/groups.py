"""The model groups of the proxy: one for each tier that is sold of a model. Rule: pure.

A group is named `model::tier`. A grant's tier chooses it, so retries inside a group cannot leave the tier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]

TIERS: Final = ("basic", "stable", "enterprise")
_BETWEEN: Final = "::"


def group_of(model: str, tier: str) -> str:
    """The group that serves a model in a tier."""
    return f"{model}{_BETWEEN}{tier}"


def parts_of(group: object) -> tuple[str, str] | None:
    """The model and the tier of a group, None where its name is of another form."""
    if not isinstance(group, str):
        return None
    model, between, tier = group.rpartition(_BETWEEN)
    return (model, tier) if between and model and tier in TIERS else None


def tier_of(group: object) -> str | None:
    """The tier of a group."""
    parts = parts_of(group)
    return parts[1] if parts else None


def sold_groups(catalogue: Json) -> list[str]:
    """The groups that a catalogue needs, in the form in which the service shows it; not of videos."""
    return [
        group_of(model["modelId"], tier["channelTier"])
        for model in catalogue["models"]
        if model.get("kind") != "video"
        for tier in model["tiers"]
    ]


def missing(sold: Iterable[str], groups: Iterable[str]) -> list[str]:
    """Which sold groups the proxy does not have."""
    there = set(groups)
    return [group for group in sold if group not in there]
