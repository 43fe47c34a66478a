"""`make restore`: a deployment holds what restored tables hold, is conserved, and writes only what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from local.cloudformation.template import REGION
from ops import restore
from tests.support.audit import assert_audited
from tests.support.handlers import create_stack
from tests.support.world import World, new_world

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def restored(engine: str) -> Iterator[World]:
    """Tables for what a world holds at one moment, as point-in-time recovery makes them."""
    made = new_world(engine)
    yield made
    made.drop_tables()


def copied(source: World, target: World) -> None:
    for mine, other in zip(source.names(), target.names(), strict=True):
        restore.replace_items(source.dynamodb, mine, other)


def stored(world: World) -> list[Any]:
    return [restore.stored(world.dynamodb, table) for table in world.names()]


def test_what_was_done_since_is_gone_and_what_was_there_goes_on(world: World, restored: World) -> None:
    key = world.buy()["apiKey"]
    granted = world.authorize(key, "before", 10)
    copied(world, restored)
    assert world.settle(granted["authorizationId"], 7)["settled"]
    assert world.authorize(key, "after", 5)["allowed"]
    world.buy("another")
    copied(restored, world)
    assert stored(world) == stored(restored)
    assert_audited(world)
    assert world.settle(granted["authorizationId"], 7)["monthly"]["used"] == 7


def test_only_what_differs_is_written_so_no_event_is_told_again(world: World, restored: World) -> None:
    world.buy()
    copied(world, restored)
    world.buy("another")
    table = restored.tables.events
    assert restore.replace_items(world.dynamodb, table, world.tables.events) == (0, 1)
    assert restore.replace_items(world.dynamodb, table, world.tables.events) == (0, 0)


def test_it_is_told_what_was_written_and_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK", "modelpass")
    monkeypatch.setenv("FROM", "{}")  # the tables themselves: nothing differs
    with mock_aws():
        create_stack("modelpass")
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        assert restore.main() == 0
        assert "entitlements: 0 items put, 0 deleted, 0 differ\n" in capsys.readouterr().out
        monkeypatch.setenv("FROM", "{}-restored")
        assert restore.main() == 2
        assert "not found" in capsys.readouterr().err
        monkeypatch.setenv("STACK", "another")
        assert restore.main() == 2


@pytest.mark.parametrize(("stack", "pattern"), [("", "{}-x"), ("modelpass", ""), ("modelpass", "x")])
def test_it_asks_for_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: str, pattern: str
) -> None:
    monkeypatch.setenv("STACK", stack)
    monkeypatch.setenv("FROM", pattern)
    assert restore.main() == 2
    assert "make restore STACK" in capsys.readouterr().err
