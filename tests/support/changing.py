"""Changes of a running list and top-ups in a world, as customers ask for them. Rule: through bodies and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.api import change_bodies
from modelpass.subscriptions import answers
from modelpass.subscriptions.commands import change as change_command
from modelpass.subscriptions.commands import top_up as top_up_command
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from tests.support.world import World

Json = dict[str, Any]


def change(world: World, subscription_id: str, *models: Json, key: str | None = None, **more: Any) -> Json:
    """Change the list to these models."""
    account = more.pop("account", "acct")
    order = change_bodies.parse_change({"models": list(models), **more})
    told = change_command.change(world.deps, account, subscription_id, order, key)
    return {**answers.outcome(told), "replayed": told.replayed}


def top_up(
    world: World, subscription_id: str, units: int, model_id: str = TEXT_MODEL, key: str | None = None, **more: Any
) -> Json:
    """Buy units for the current month of a model."""
    account = more.pop("account", "acct")
    order = change_bodies.parse_top_up({"modelId": model_id, "units": units, **more})
    told = top_up_command.top_up(world.deps, account, subscription_id, order, key)
    return {**answers.outcome(told), "replayed": told.replayed}
