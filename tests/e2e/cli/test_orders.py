"""Orders that wait for their payment, by the command line, against a stack that lets every sale wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import stack as support
from tests.support.command_line import CommandLine
from tests.support.stack import IMAGE_MODEL, jwt_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.stack import Stack


@pytest.fixture(scope="module")
def approving(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose sales wait until they are confirmed."""
    data = str(tmp_path_factory.mktemp("approving"))
    given = {"AWS_ENDPOINT_URL_DYNAMODB": engine, "DATA": data, "PARAMETERS": "SaleApproval=required"}
    with support.running(**given) as running:
        yield running


def test_an_order_waits_is_confirmed_or_rejected_and_told_once(approving: Stack, tmp_path: Path) -> None:
    operator = CommandLine(tmp_path, approving.url, jwt_of("operator", "operator"))
    ordered = {}
    for account in ("acct_pays", "acct_does_not"):
        customer = CommandLine(tmp_path, approving.url, jwt_of(account))
        file = tmp_path / account
        ended = customer.typed("buy", f"{IMAGE_MODEL}=basic,20,200", "--yes", "--key-file", str(file))
        assert (ended.status, "waits until" in ended.out) == (0, True)
        (order,) = customer.typed("orders", "list", "--mine", "--json").lines
        ordered[account] = order["orderId"]
        assert order["status"] == "pending"
    pays, does_not = ordered.values()
    listed = operator.typed("orders", "list", "--json").lines
    assert {order["orderId"]: order["accountId"] for order in listed} == {pays: "acct_pays", does_not: "acct_does_not"}
    confirm = ("orders", "confirm", pays, "--reference", "pi_3", "--reason", "paid by transfer")
    assert [operator.typed(*confirm, "--json").json["status"] for _ in range(2)] == ["done", "done"]
    reject = ("orders", "reject", does_not, "--reason", "nobody paid")
    ended = operator.at_terminal(*reject, answers=(("Go on? [y/N]:", "n"),))
    assert ended.status == 7
    assert operator.typed(*reject, "--yes").out == f"{does_not} is rejected.\n"
    late = operator.typed("orders", "confirm", does_not, "--reference", "pi_4", "--reason", "paid after all")
    assert (late.status, "(order_lapsed)" in late.err) == (6, True)
    early = operator.typed("orders", "reject", pays, "--reason", "x", "--yes")
    assert (early.status, "(order_confirmed)" in early.err) == (6, True)
    assert operator.typed("orders", "list").err == "There are no orders.\n"
