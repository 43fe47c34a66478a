"""`make audit` as it is called: it finds the tables to look at, prints what it found, and ends with a status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from local import audit
from local.cloudformation.template import REGION
from local.dynamodb import engine
from local.dynamodb.provisioning import CREDENTIALS
from local.machine import ROOT, free_port
from local.settings import claimed
from modelpass import schema
from modelpass.subscriptions import items as subscription_items
from modelpass.times import rfc3339
from ops.audit import command
from ops.audit.targets import names_of
from tests.support.handlers import deployed_on_moto
from tests.support.world import World, new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.handlers import Service

CHOOSING = ("STACK", "DATA", "PORT", "AT", "MAX_OPEN_HOLDS", "PARAMETERS", "AWS_ENDPOINT_URL_DYNAMODB")
NAMES = ("ENTITLEMENTS_TABLE", "SUBSCRIPTIONS_TABLE", "HISTORY_TABLE", "EVENTS_TABLE")
SILENT = r"Read: (\d+ \w+(, )?)+\. Equations: \d+\. Breaches: 0\.\n"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CHOOSING, *NAMES):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)


def choose(monkeypatch: pytest.MonkeyPatch, **chosen: str) -> None:
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)


def by_name(world: World, engine_url: str) -> dict[str, str]:
    named = {f"{name.upper()}_TABLE": table for name, table in names_of(world.tables).items()}
    return {**named, "AWS_ENDPOINT_URL_DYNAMODB": engine_url, "AT": rfc3339(world.clock.now_ms)}


def test_tables_named_are_audited_as_of_the_time_named(
    engine: str, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = world.buy()
    choose(monkeypatch, **by_name(world, engine))
    assert command.main() == 0
    assert re.fullmatch(SILENT, capsys.readouterr().out)
    key = schema.primary_key(subscription_items.slot_key("acct"))
    world.dynamodb.delete_item(TableName=world.tables.subscriptions, Key=key)
    assert command.main() == 1
    breach, summary = capsys.readouterr().out.splitlines()
    until_ms = world.subscription(made["subscriptionId"]).expires_at_ms
    assert breach == f"place: {made['subscriptionId']}: expected the place held until {until_ms}, found None"
    assert summary.endswith("Breaches: 1.")
    # At its end, the subscription needs no place.
    choose(monkeypatch, AT=rfc3339(until_ms).replace("Z", ".0000000-00:00"))
    assert command.main() == 0


@pytest.fixture
def stack_of_moto() -> Iterator[Service]:
    """A service whose tables are those of a stack of CloudFormation."""
    with deployed_on_moto() as service:
        yield service


def test_tables_of_a_stack_are_found_and_one_may_be_named_beside_it(
    stack_of_moto: Service, account: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = stack_of_moto
    service.buy(account)
    choose(monkeypatch, STACK=f"modelpass-{service.number}")
    assert command.main() == 0
    assert " 5 subscriptions" in capsys.readouterr().out
    choose(monkeypatch, HISTORY_TABLE=service.tables["CatalogueTable"])
    assert command.main() == 1
    assert "terms: " in capsys.readouterr().out


def test_folder_of_data_is_audited_while_no_stack_uses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with engine.running(tmp_path) as url:
        world = new_world(url, prefix="")
        world.buy()
    choose(monkeypatch, DATA=str(tmp_path), AT=rfc3339(world.clock.now_ms))
    assert audit.main() == 0
    assert " 5 subscriptions" in capsys.readouterr().out
    with claimed(tmp_path):
        assert audit.main() == 2
    assert "A stack keeps its data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"DATA": str(ROOT / "nowhere")}, "There is no data in"),
        ({"PORT": str(free_port())}, "No stack answers at"),
        ({"PORT": "x"}, "PORT must be"),
        ({"AT": "tomorrow"}, "AT must be"),
        ({"AT": "2026-12-24 00:00:00Z"}, "AT must be"),
        ({"MAX_OPEN_HOLDS": "many"}, "MAX_OPEN_HOLDS must be"),
        ({"STACK": "modelpass"}, "`make audit STACK=…`, or `python -m ops audit`"),
        ({"HISTORY_TABLE": "there"}, "`make audit STACK=…`, or `python -m ops audit`"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_read_ends_with_status_2_and_says_why(
    engine: str,
    chosen: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    choose(monkeypatch, AWS_ENDPOINT_URL_DYNAMODB=engine, **chosen)
    assert_it_cannot(audit.main, said, capsys)
    assert not (ROOT / "nowhere").exists()


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, "Say what to audit"),
        ({"ENTITLEMENTS_TABLE": "there"}, "no SUBSCRIPTIONS_TABLE, HISTORY_TABLE, EVENTS_TABLE."),
        (dict.fromkeys(NAMES, "nowhere"), "ResourceNotFoundException"),
    ],
    ids=["nothing", "one table", "none there"],
)
def test_deployment_that_cannot_be_read_ends_with_status_2_and_says_why(
    engine: str,
    chosen: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    choose(monkeypatch, AWS_ENDPOINT_URL_DYNAMODB=engine, **chosen)
    assert_it_cannot(command.main, said, capsys)


def assert_it_cannot(audit_them: Callable[[], int], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit_them() == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
