"""What an order costs, and buying it. Rule: what is charged is what was shown, and the key goes where it was asked to.

A key is shown once. It goes to the terminal, to a file of mode 0600 that was not there, or into the JSON that a program
asked for; where none of these is chosen, nothing is bought.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from modelpass_client.cli import asking, formats, looks, repeats
from modelpass_client.cli.failures import usage
from modelpass_client.cli.options import IdempotencyKey, Yes
from modelpass_client.cli.run import Run, command
from modelpass_client.cli.sessions import Side

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from modelpass_client.cli.api import Api, Json

group = typer.Typer()

_Text = Optional[str]  # noqa: UP045 - Python 3.10 cannot evaluate `str | None` where Typer asks for it
_Lines = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(metavar="[MODEL=TIER,CALLS,CAP]…", help="Each model with its tier, calls a day and units a month."),
]
_File = Annotated[
    _Text, typer.Option("--file", metavar="FILE", help="The order in JSON, instead; - is standard input.")
]
_Months = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--months", min=1, max=12, help="For so many months; by default 1."),
]
_TWO = "claude-opus-4-6=stable,50,5M nano-banana-2=basic,20,200"


@command(group, "quote", f"modelpass quote {_TWO}", "modelpass quote claude-opus-4-6=stable,50,5M --months 3 --json")
def quote(run: Run, models: _Lines = None, file: _File = None, months: _Months = None) -> None:
    """Show what an order costs; nothing is bought."""
    body = _body(models, file, {"months": months})
    quoted = run.api(Side.CUSTOMER).change("POST", "/v1/quotes", body).json
    run.out.document(quoted)
    if not run.out.as_json:
        looks.price(run.out, quoted)


@command(
    group,
    "buy",
    f"modelpass buy {_TWO}",
    "modelpass buy claude-opus-4-6=stable,50,5M --months 3 --label 'team a' --key-file team-a.key --yes",
    "modelpass buy --file order.json --json --yes > bought.json",
)
def buy(
    run: Run,
    models: _Lines = None,
    file: _File = None,
    months: _Months = None,
    timezone: Annotated[_Text, typer.Option("--timezone", help="Days begin there, such as Europe/Madrid.")] = None,
    label: Annotated[_Text, typer.Option("--label", help="A line for your own order.")] = None,
    auto_renew: Annotated[bool, typer.Option("--auto-renew", help="Renew it by itself at its end.")] = False,
    key_file: Annotated[
        _Text, typer.Option("--key-file", metavar="FILE", help="Put the API key into this new file, of mode 0600.")
    ] = None,
    expected_total: Annotated[
        _Text, typer.Option("--expected-total", metavar="AMOUNT", help="Buy at this total alone; default: the quote's.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
    yes: Yes = False,
) -> None:
    """Buy a subscription: shows the price and asks, then shows its API key once.

    The key goes to the terminal alone, to `--key-file`, or with `--json` into the JSON, which then has to be kept safe.
    """
    given = {"months": months, "timezone": timezone, "label": label, "autoRenew": auto_renew or None}
    body, key = _body(models, file, given), repeats.key_of(idempotency_key)
    api = run.api(Side.CUSTOMER)
    total = _confirmed_total(run, api, body, expected_total, yes=yes)
    with _place_for_key(run, key_file) as place:
        how = ("--idempotency-key", key, "--expected-total", total)
        with repeats.told_how(run.out, *how):
            sent = {**body, "expectedTotal": total}
            answer = api.change("POST", "/v1/subscriptions", sent, headers={"Idempotency-Key": key})
        _tell(run, answer.json, place)
    if answer.headers.get("Idempotent-Replayed"):
        run.out.note(
            "This was bought before under this key, and not again. The API key was in the first answer: "
            "if nobody has it, make a new one."
        )


def _confirmed_total(run: Run, api: Api, body: Json, expected: str | None, *, yes: bool) -> str:
    """The total to buy at, which whoever buys has named, or seen, and confirmed."""
    if expected is not None:
        asking.confirm(f"{expected} will be charged if that is what it costs.", yes=yes)
        return expected
    quoted = api.change("POST", "/v1/quotes", body).json
    if not yes and not run.out.as_json:
        looks.price(run.out, quoted)
    asking.confirm(f"{looks.money(quoted)} will be charged for {looks.counted(quoted['months'], 'month')}.", yes=yes)
    total: str = quoted["total"]
    return total


@contextlib.contextmanager
def _place_for_key(run: Run, key_file: str | None) -> Iterator[TextIO | None]:
    """An open file for the key, or None for the terminal and for JSON; raises `Failure` where there is no place."""
    if key_file is None:
        if not run.out.as_json and not run.out.is_terminal:
            raise usage("The API key is shown once: say where to put it.", "Use --key-file FILE, or --json.")
        yield None
        return
    path = Path(key_file)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise usage(f"{path} cannot be made: {error.strerror}.", "Nothing was bought.") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
    finally:
        if not path.stat().st_size:
            path.unlink()


def _tell(run: Run, bought: Json, place: TextIO | None) -> None:
    key = bought.get("apiKey")
    if place is not None and key is not None:
        place.write(f"{key}\n")
        bought = {**bought, "apiKey": None}
    run.out.document(bought)
    if run.out.as_json:
        return
    order = bought.get("order")
    if order and order["status"] == "pending":
        run.out.say(f"The order {order['orderId']} waits until {order['lapsesAt']} to be confirmed.")
    looks.subscription(run.out, bought)
    if place is not None and key is not None:
        run.out.say("The API key is in the file that you named.")
    elif key is not None:
        run.out.say(f"The API key, which is shown only now:\n{key}")


def _body(models: list[str] | None, file: str | None, given: Json) -> Json:
    """The order: as it was typed, or from a file, with the options that were given put over it."""
    if bool(models) == (file is not None):
        raise usage("Say what to order: MODEL=TIER,CALLS,CAP for each model, or --file.")
    body: Json = {"models": [formats.line(line) for line in models or ()]}
    if file is not None:
        body = asking.json_file(file)
        if not isinstance(body, dict):
            raise usage(f"{file} must hold an object, as the body of a purchase is.")
    return {**body, **{name: value for name, value in given.items() if value is not None}}
