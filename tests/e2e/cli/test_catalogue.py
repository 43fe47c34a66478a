"""The catalogue and its tiers by the command line: changed as it was seen, and large changes are asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local.machine import ROOT
from tests.support.stack import IMAGE_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.command_line import CommandLine


@pytest.fixture
def as_it_was(operator: CommandLine) -> Iterator[None]:
    """The catalogue as its file has it, and every tier up, whatever came of a test."""
    yield
    for tier in ("basic", "stable"):
        assert operator.typed("tiers", "up", IMAGE_MODEL, tier, "--reason", "the test is over").status == 0
    put = ("catalogue", "put", str(ROOT / "catalogue.json"), "--yes", "--confirm", "--reason", "the test is over")
    assert operator.typed(*put).status == 0


@pytest.mark.usefixtures("as_it_was")
def test_a_tier_goes_down_and_comes_back(operator: CommandLine) -> None:
    assert operator.typed("tiers", "down", IMAGE_MODEL, "basic").status == 2
    down = operator.typed("tiers", "down", IMAGE_MODEL, "basic", "--reason", "its upstream fails", "--json").json
    assert (down["available"], down["reason"]) == (False, "its upstream fails")
    assert operator.typed("tiers", "down", IMAGE_MODEL, "gold", "--reason", "x").status == 2
    assert operator.typed("tiers", "up", IMAGE_MODEL, "basic", "--reason", "well again").out.strip().endswith("is up.")
    assert operator.typed("tiers", "up", "no-such-model", "basic", "--reason", "x").status == 4


@pytest.mark.usefixtures("as_it_was")
def test_a_model_is_offered_changed_as_it_was_seen_and_withdrawn(operator: CommandLine, tmp_path: Path) -> None:
    price = {"currency": "USD", "base": "1.00", "perUnit": "0.01", "perDailyCall": "0.01"}
    model = {"modelId": "cli/new-model", "kind": "image", "tiers": [{"channelTier": "basic", "price": price}]}
    file = tmp_path / "model.json"

    def put(*words: str, base: str) -> tuple[int, str]:
        file.write_text(json.dumps({**model, "tiers": [{"channelTier": "basic", "price": {**price, "base": base}}]}))
        ended = operator.typed("catalogue", "put", str(file), "--reason", "ticket 9", *words)
        return ended.status, ended.err + ended.out

    assert put(base="1.00")[0] == 2, "nobody is there to confirm it"
    status, told = put("--yes", base="1.00")
    assert (status, "basic base: nothing -> 1.00" in told) == (0, True)
    assert put(base="1.00") == (0, "cli/new-model: is so already\n")
    status, told = put("--yes", base="2.00")
    assert (status, "basic base: 1.00 -> 2.00" in told) == (0, True)
    status, told = put("--yes", base="200.00")
    assert (status, "(confirmation_required)" in told) == (6, True)
    assert put("--yes", "--confirm", base="200.00")[0] == 0
    gone = ("catalogue", "withdraw", "cli/new-model", "--reason", "ticket 9")
    assert operator.typed(*gone).status == 2
    assert operator.typed(*gone, "--yes", "--json").json == {"modelId": "cli/new-model", "withdrawn": True}
    assert "cli/new-model" not in operator.typed("catalogue", "list").out
    (row,) = (r for r in operator.typed("catalogue", "list", "--withdrawn").out.splitlines() if "cli/new-model" in r)
    assert " withdrawn " in row
    assert operator.typed("catalogue", "withdraw", "never/there", "--reason", "x", "--yes").status == 4


@pytest.mark.usefixtures("as_it_was")
def test_a_large_change_of_price_is_asked_for_by_its_own_question(operator: CommandLine, tmp_path: Path) -> None:
    (model,) = (m for m in operator.typed("catalogue", "list", "--json").lines if m["modelId"] == IMAGE_MODEL)
    model["tiers"][0]["price"]["base"] = "3000.00"
    file = tmp_path / "model.json"
    file.write_text(json.dumps(model))
    words = ("catalogue", "put", str(file), "--reason", "ticket 10")
    first = ("what was sold stays. Go on? [y/N]:", "y")
    assert operator.at_terminal(*words, answers=(first, ("(confirmation_required) Go on? [y/N]:", "n"))).status == 7
    assert operator.at_terminal(*words, answers=(first, ("(confirmation_required) Go on? [y/N]:", "y"))).status == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "a model, or a list"),
        ("[1]", "must be an object with a modelId"),
        ("3", "a model, or a list"),
    ],
)
def test_a_file_that_holds_no_models_is_refused_before_anything_is_sent(
    operator: CommandLine, text: str, words: str
) -> None:
    ended = operator.typed("catalogue", "put", "-", "--reason", "x", "--yes", given=text)
    assert (ended.status, words in ended.err) == (2, True)
