"""The switches of tiers. Rule: a tier goes down with a reason, and what it serves is refused, not moved."""

from __future__ import annotations

from typing import Annotated

import typer

from modelpass_client.cli import asking
from modelpass_client.cli.api import segment
from modelpass_client.cli.options import ModelId, Reason, Tier
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

group = typer.Typer(help="Take a tier of a model down while its upstream fails, and bring it back.")

_Tier = Annotated[Tier, typer.Argument(metavar="TIER", help="basic, stable or enterprise.")]


@command(group, "down", "modelpass tiers down claude-opus-4-6 stable --reason 'its upstream is failing'")
def down(run: Run, model: ModelId, tier: _Tier, reason: Reason = None) -> None:
    """Refuse a tier of a model everywhere within 5 seconds; nothing is charged, and other tiers go on."""
    _turn(run, model, tier, reason, available=False)


@command(group, "up", "modelpass tiers up claude-opus-4-6 stable --reason 'it is well again'")
def up(run: Run, model: ModelId, tier: _Tier, reason: Reason = None) -> None:
    """Serve a tier of a model again, within 5 seconds."""
    _turn(run, model, tier, reason, available=True)


def _turn(run: Run, model: str, tier: Tier, reason: str | None, *, available: bool) -> None:
    api, why = run.api(Side.OPERATOR), asking.reason(reason)
    path = f"/v1/models/{segment(model)}/tiers/{tier.value}/availability"
    answer = api.change("PUT", path, {"available": available, "reason": why}, reason=why)
    run.out.document(answer.json)
    run.out.say(f"{model} {tier.value} is {'up' if available else 'down'}.")
