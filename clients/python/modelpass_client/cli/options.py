"""The arguments and options that several commands have. Rule: the same thing has the same name everywhere."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Optional

import typer


class Tier(str, Enum):
    """A level of service."""

    BASIC = "basic"
    STABLE = "stable"
    ENTERPRISE = "enterprise"


SubscriptionId = Annotated[str, typer.Argument(metavar="SUBSCRIPTION", help="The id of a subscription, sub_….")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="The id of an order, ord_….")]
AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account, as its tokens name it.")]
ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="The id of a model.")]
Reason = Annotated[
    Optional[str],  # noqa: UP045 - Python 3.10 cannot evaluate `str | None` where Typer asks for it
    typer.Option("--reason", metavar="TEXT", help="Why; it is logged, and asked for where it is left out."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether it is meant.")]
IdempotencyKey = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="Makes a repeat safe: what was done under this key is not done again. By default a new one.",
    ),
]
Limit = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--limit", min=1, metavar="N", help="Show the first N alone; by default all."),
]
