"""What operators change of a subscription. Rule: each asks for its reason, and whether it is meant where it loses."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from modelpass_client.cli import asking, formats, looks, repeats
from modelpass_client.cli.commands.subscriptions import group
from modelpass_client.cli.failures import usage
from modelpass_client.cli.options import IdempotencyKey, ModelId, Reason, SubscriptionId, Yes
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

_Figure = Optional[str]  # noqa: UP045 - Python 3.10 cannot evaluate `str | None` where Typer asks for it


@command(
    group,
    "suspend",
    "modelpass subscriptions suspend sub_mfrggzdfmztwq2lknnwg23tp --reason 'the card was stolen'",
    "modelpass subscriptions suspend sub_mfrggzdfmztwq2lknnwg23tp --reason 'the card was stolen' --yes",
)
def suspend(run: Run, subscription: SubscriptionId, reason: Reason = None, yes: Yes = False) -> None:
    """Stop a subscription until it is resumed: from the answer on, its key is refused. Its term goes on."""
    path, api = _path(subscription, "suspension"), run.api(Side.OPERATOR)
    why = asking.reason(reason)
    asking.confirm(f"The key of {subscription} is refused from now on, and its term goes on.", yes=yes)
    shown = api.change("PUT", path, {"reason": why}, reason=why).json
    run.out.document(shown)
    run.out.say(f"{subscription} is {shown['status']}.")


@command(group, "resume", "modelpass subscriptions resume sub_mfrggzdfmztwq2lknnwg23tp --reason 'the card is fine'")
def resume(run: Run, subscription: SubscriptionId, reason: Reason = None) -> None:
    """Let a suspended subscription go on, from the answer on."""
    path, api = _path(subscription, "suspension"), run.api(Side.OPERATOR)
    shown = api.change("DELETE", path, reason=asking.reason(reason)).json
    run.out.document(shown)
    run.out.say(f"{subscription} is {shown['status']}.")


@command(
    group,
    "correct",
    "modelpass subscriptions correct sub_mfrggzdfmztwq2lknnwg23tp claude-opus-4-6 --units -3_800_000 --at 2026-11-24 "
    "--reason 'bytes were reported for tokens'",
    "modelpass subscriptions correct sub_mfrggzdfmztwq2lknnwg23tp claude-opus-4-6 --calls -3 --reason 'they failed' "
    "--idempotency-key ticket-1234",
)
def correct(
    run: Run,
    subscription: SubscriptionId,
    model: ModelId,
    units: Annotated[_Figure, typer.Option("--units", metavar="N", help="Add so many; below 0: take away.")] = None,
    calls: Annotated[_Figure, typer.Option("--calls", metavar="N", help="Add so many; below 0: give back.")] = None,
    at: Annotated[
        _Figure, typer.Option("--at", metavar="TIME", help="In the day of this instant; default: now.")
    ] = None,
    reason: Reason = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Correct what was used of a model: add units or calls, or take them away, with who did it and why."""
    if units is None and calls is None:
        raise usage("Say what to correct: --units, --calls, or both.")
    path, key, api = _path(subscription, "corrections"), repeats.key_of(idempotency_key), run.api(Side.OPERATOR)
    body = {
        "modelId": model,
        "units": units and formats.number(units, "--units"),
        "calls": calls and formats.number(calls, "--calls"),
        "at": at and formats.instant(at, "--at"),
        "reason": (why := asking.reason(reason)),
    }
    with repeats.told_how(run.out, "--idempotency-key", key):
        answer = api.change("POST", path, body, reason=why, headers={"Idempotency-Key": key})
    shown = answer.json
    run.out.document(shown)
    if answer.headers.get("Idempotent-Replayed"):
        run.out.note("This was corrected before under this key; it was not done again.")
    daily, monthly = shown["daily"], shown["monthly"]
    run.out.fields(
        [
            ("Corrected", f"{shown['units']:+,} units, {shown['calls']:+,} calls at {shown['at']}"),
            ("Day", daily and f"{daily['used']:,} of {daily['limit']:,} calls used, {daily['remaining']:,} left"),
            ("Month", monthly and f"{monthly['used']:,} of {monthly['limit']:,} used, {monthly['remaining']:,} left"),
        ]
    )


@command(
    group,
    "release",
    "modelpass subscriptions release sub_mfrggzdfmztwq2lknnwg23tp",
    "modelpass subscriptions release sub_mfrggzdfmztwq2lknnwg23tp --all --reason 'its router was lost' --yes",
    "modelpass subscriptions release sub_mfrggzdfmztwq2lknnwg23tp --model veo-3 --reason 'its upstream is gone'",
)
def release(
    run: Run,
    subscription: SubscriptionId,
    every: Annotated[bool, typer.Option("--all", help="All that are open now.")] = False,
    model: Annotated[_Figure, typer.Option("--model", metavar="MODEL", help="All of this model.")] = None,
    reason: Reason = None,
    yes: Yes = False,
) -> None:
    """Give the units of open holds back now, as if they had expired. A report that comes later is still booked.

    Without `--all` and `--model`, it shows them and asks which.
    """
    path, api = _path(subscription, "holds"), run.api(Side.OPERATOR)
    listed = looks.holds_of(api.get(path).json)
    chosen = [hold for hold in listed if model in (None, hold["modelId"])]
    if chosen and not every and model is None:
        chosen = _picked(run, chosen)
    if not chosen:
        run.out.note("No such hold is open.")
        return
    why, units = asking.reason(reason), sum(hold["heldUsage"] for hold in chosen)
    asking.confirm(f"{units:,} units of {looks.counted(len(chosen), 'hold')} go to whoever asks first.", yes=yes)
    for hold in chosen:
        api.change("DELETE", f"{path}/{formats.opaque(hold['authorizationId'], 'authorizationId')}", reason=why)
        run.out.line({"authorizationId": hold["authorizationId"], "released": True})
    run.out.say(f"{looks.counted(len(chosen), 'hold')} released.")


def _picked(run: Run, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the holds that a person names by their numbers; raises `Failure` for any other answer."""
    if not asking.can_answer():
        raise usage("Say which holds: --all, or --model MODEL.")
    looks.holds(run.out, listed)
    words = typer.prompt("Which (such as 1,3 or all)", err=True).replace(" ", "").split(",")
    if words == ["all"]:
        return listed
    if not all(word.isdecimal() and 1 <= int(word) <= len(listed) for word in words):
        raise usage(f"Name holds by their numbers, from 1 to {len(listed)}.")
    return [listed[number - 1] for number in sorted({int(word) for word in words})]


def _path(subscription: str, rest: str) -> str:
    return f"/v1/subscriptions/{formats.opaque(subscription, 'SUBSCRIPTION')}/{rest}"
