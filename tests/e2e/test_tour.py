"""The commands of the README and of the tour, pasted into a shell in their order, are answered as the pages say."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from local.machine import ROOT
from tests.support import stack as support

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.stack import Stack

SHORT = (ROOT / "README.md").read_text("utf-8").partition("## Try it")[2].partition("\n## ")[0]
TOUR = (ROOT / "docs" / "tour.md").read_text("utf-8")
BLOCK = re.compile(r"```sh\n(.*?)```(?:\n```(?:json|text)\n(.*?)```)?", re.DOTALL)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
MARK = "--- the next block ---"


def alike(told: Any, came: Any) -> bool:
    """The same, but for what differs every time: times, waits, and ids and keys, of which the pages show a part."""
    if isinstance(told, dict) and isinstance(came, dict):
        return list(told) == list(came) and all(
            alike(told[name], came[name]) or (name == "retryAfter" and isinstance(came[name], int)) for name in told
        )
    if isinstance(told, list) and isinstance(came, list):
        return len(told) == len(came) and all(map(alike, told, came))
    if isinstance(told, str) and isinstance(came, str):
        if TIME.fullmatch(told):
            return TIME.fullmatch(came) is not None
        start, dots, _ = told.partition("…")
        return came.startswith(start) and len(came) >= len(told) if dots else told == came
    return type(told) is type(came) and bool(told == came)


def readable(text: str) -> Any:
    """JSON as it is, other text line by line with its times taken out."""
    try:
        return json.loads(text)
    except ValueError:
        return [TIME.sub("a time", line) for line in text.strip().splitlines()]


def pasted(commands: list[str], port: int) -> list[str]:
    """What a shell prints for each of these blocks, pasted one after the other; fails when one of them fails."""
    tick = f"curl -s -X PUT http://127.0.0.1:{port}/_local/clock -d '{{\"advanceSeconds\": 1}}' > /dev/null"
    between = f"\necho; echo '{MARK}'\n{tick}\n"  # a reader takes a while; the clock of this stack stands still
    script = between.join(commands).replace("acct_demo", "acct_tour").replace("127.0.0.1:3000", f"127.0.0.1:{port}")
    run = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": "", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.replace("acct_tour", "acct_demo").split(MARK)


@pytest.fixture
def readers_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack and engine for one reader: the commands take a tier down, which others would notice for 5 seconds."""
    with support.running(DATA=str(tmp_path)) as running:
        running.move_clock(advanceSeconds=0)
        yield running


def test_commands_are_answered_as_the_readme_and_the_tour_say(readers_stack: Stack) -> None:
    pages = [BLOCK.findall(SHORT), BLOCK.findall(TOUR)]
    assert [len(blocks) for blocks in pages] == [4, 17]
    for blocks in pages:  # one reader of both, in this order
        answers = pasted([command for command, _ in blocks], readers_stack.port)
        for (command, told), came in zip(blocks, answers, strict=True):
            if told:
                assert alike(readable(told), readable(came)), (command, came)


def test_short_commands_stay_short() -> None:
    assert sum(command.count("\n") for command, _ in BLOCK.findall(SHORT)) <= 25


def test_python_of_the_tour_is_granted(stack: Stack, new_account: Callable[[], str]) -> None:
    ((code),) = re.findall(r"```python\n(.*?)```", TOUR, re.DOTALL)
    key = stack.buy(new_account())["apiKey"]
    names: dict[str, Any] = {}
    exec(code.replace("sk-custom-…", key).replace("127.0.0.1:3000", f"127.0.0.1:{stack.port}"), names)  # noqa: S102
    names["client"].close()
    assert names["answer"]["allowed"] is True, names["answer"]


def test_what_differs_is_seen() -> None:
    told = {"a": "2026-11-24T16:11:00Z", "b": "sub_…", "c": [1], "retryAfter": 5}
    same = {"a": "2027-01-01T00:00:00.250Z", "b": "sub_x", "c": [1], "retryAfter": 7}
    assert alike(told, same)
    for name, value in {"a": "soon", "b": "x", "c": [2], "retryAfter": "7"}.items():
        assert not alike(told, {**same, name: value})
    assert not alike(told, {**same, "d": 1})
    assert not alike({"a": True}, {"a": 1})
