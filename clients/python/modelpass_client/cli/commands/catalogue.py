"""The catalogue: what is sold, in which tier, at what price. Rule: a model is changed only as it was seen."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

import typer

from modelpass_client.cli import asking
from modelpass_client.cli.api import Api, segment
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure, Refusal, usage
from modelpass_client.cli.options import ModelId, Reason, Yes
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

group = typer.Typer(help="What is sold: models, their tiers, prices and limits.")

_PRICES: Final = ("base", "perUnit", "perDailyCall")
_MOST: Final = {"dailyCallLimit": 10**9, "monthlyTokenCap": 10**15}
"""What every purchase may have, where a model says nothing else."""
_File = Annotated[
    str,
    typer.Argument(metavar="FILE", help='A model in JSON, or {"models": […]}, as catalogue.json; - is standard input.'),
]
_Confirm = Annotated[
    bool, typer.Option("--confirm", help="Prices that change by a large factor are meant; asked for where left out.")
]
_Withdrawn = Annotated[bool, typer.Option("--withdrawn", help="Show withdrawn models too; operators alone see them.")]


@command(group, "list", "modelpass catalogue list", "modelpass catalogue list --json | jq -r .modelId")
def list_(run: Run, withdrawn: _Withdrawn = False) -> None:
    """List the models with the tiers they are offered in, their prices and their limits."""
    api = run.api(*((Side.OPERATOR,) if withdrawn else (Side.OPERATOR, Side.CUSTOMER)))
    rows: list[tuple[Any, ...]] = []
    with run.out.progress("Reading models") as tell:
        for model in api.pages("/v1/models", "models"):
            if model.get("withdrawn") and not withdrawn:
                continue
            run.out.line(model)
            rows += _rows(model)
            tell(len(rows))
    run.out.table(
        (
            "Model",
            "Kind",
            "Tier",
            "State",
            "Base",
            "Per unit",
            "Per call",
            "Calls a day",
            "Units a month",
        ),
        rows,
        nothing="Nothing is offered.",
    )


def _rows(model: dict[str, Any]) -> list[tuple[Any, ...]]:
    """A row for each tier; a state where it is not simply up, and limits where they are not those of every purchase."""
    if model.get("unreadable"):
        return [(model["modelId"], None, None, "unreadable", *(None,) * 5)]
    limits = [
        None if bounds["max"] == _MOST[name] else f"{bounds['min']:,} to {bounds['max']:,}"
        for name, bounds in model["limits"].items()
    ]
    rows = []
    for tier in model["tiers"]:
        state = "withdrawn" if model.get("withdrawn") else None if tier["available"] else "down"
        price = tier["price"]
        costs = (f"{price['base']} {price['currency']}", price["perUnit"], price["perDailyCall"])
        rows.append((model["modelId"], model["kind"], tier["channelTier"], state, *costs, *limits))
    return rows


@command(
    group,
    "put",
    "modelpass catalogue put model.json --reason 'new prices of December'",
    "modelpass catalogue put catalogue.json --yes --reason 'first deployment'",
    "jq '.tiers[0].price.base = \"6.00\"' model.json | modelpass catalogue put - --yes --reason 'basic costs 6'",
)
def put(run: Run, file: _File, reason: Reason = None, yes: Yes = False, confirm: _Confirm = False) -> None:
    """Offer models as a file says: new ones, and new prices, tiers and limits of those that are there.

    What would change is shown first. A model that somebody changed in between is left as it is (exit status 6), and so
    is one with a price that changes by a large factor, unless that is confirmed.
    """
    models = _read(file)
    api, why = run.api(Side.OPERATOR), asking.reason(reason)
    for model in models:
        path = f"/v1/models/{segment(model['modelId'])}"
        before, tag = _now(api, path)
        changes = _changes(before, model)
        if changes:
            run.out.note(f"{model['modelId']}:\n  " + "\n  ".join(changes))
            asking.confirm(f"{model['modelId']} will be sold so from now on; what was sold stays.", yes=yes)
        seen = {"If-Match": tag, "If-None-Match": None if tag else "*"}
        try:
            answer = api.change("PUT", path, {**model, "confirm": True} if confirm else model, reason=why, headers=seen)
        except Refusal as refusal:
            if refusal.code != "confirmation_required" or yes or not asking.can_answer():
                raise
            asking.confirm(refusal.what, yes=False)
            answer = api.change("PUT", path, {**model, "confirm": True}, reason=why, headers=seen)
        run.out.line(answer.json)
        run.out.say(f"{model['modelId']}: {'changed' if changes else 'is so already'}")


def _read(file: str) -> list[dict[str, Any]]:
    read = asking.json_file(file)
    models = read.get("models", [read]) if isinstance(read, dict) else read
    if not isinstance(models, list) or not models:
        raise usage(f"{file} must hold a model, or a list of models.")
    for model in models:
        if not isinstance(model, dict) or not isinstance(model.get("modelId"), str):
            raise usage(f"Each model in {file} must be an object with a modelId.")
    return models


def _now(api: Api, path: str) -> tuple[dict[str, Any] | None, str | None]:
    """The model as it is, and the tag to change it by; nothing where there never was one."""
    try:
        answer = api.get(path)
    except Refusal as refusal:
        if refusal.status == HTTPStatus.NOT_FOUND and refusal.code == "not_found":
            return None, None
        raise
    return answer.json, answer.headers.get("ETag")


def _changes(before: dict[str, Any] | None, wanted: dict[str, Any]) -> list[str]:
    """Each figure that would change, from what to what; nothing where all is so already."""
    was = _figures(before) if before is not None and not before.get("unreadable") else {}
    will = _figures(wanted)
    if before is not None and "limits" not in wanted:
        was = {name: value for name, value in was.items() if not name.startswith("limits")}
    names = [*was, *(name for name in will if name not in was)]
    return [
        f"{name}: {was.get(name, 'nothing')} -> {will.get(name, 'nothing')}"
        for name in names
        if was.get(name) != will.get(name)
    ]


def _figures(model: dict[str, Any]) -> dict[str, Any]:
    """What of a model can be changed by `put`, by a name for people."""
    found: dict[str, Any] = {"withdrawn": True} if model.get("withdrawn") else {}
    for tier in _dicts(model.get("tiers")):
        price = tier.get("price")
        for name in _PRICES:
            if isinstance(price, dict):
                found[f"{tier.get('channelTier')} {name}"] = price.get(name)
    limits = model.get("limits")
    for name, bounds in limits.items() if isinstance(limits, dict) else ():
        for end, figure in bounds.items() if isinstance(bounds, dict) else ():
            found[f"limits {name} {end}"] = figure
    return found


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


@command(
    group,
    "withdraw",
    "modelpass catalogue withdraw veo-3 --reason 'its upstream ends in May'",
    "modelpass catalogue withdraw veo-3 --reason 'its upstream ends in May' --yes",
)
def withdraw(run: Run, model: ModelId, reason: Reason = None, yes: Yes = False) -> None:
    """Sell a model no more. Subscriptions to it go on until their term ends; `put` brings it back."""
    api, path = run.api(Side.OPERATOR), f"/v1/models/{segment(model)}"
    before, tag = _now(api, path)
    if before is None:
        raise Failure(Exit.NOT_FOUND, f"There never was a model {model}.", "See `modelpass catalogue list`.")
    why = asking.reason(reason)
    asking.confirm(f"{model} is sold and renewed no more.", yes=yes)
    api.change("DELETE", path, reason=why, headers={"If-Match": tag})
    run.out.document({"modelId": model, "withdrawn": True})
    run.out.say(f"{model} is withdrawn.")
