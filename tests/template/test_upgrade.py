"""`make upgrade` finds the tables of a deployment by the names that the template gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from moto import mock_aws

from local.cloudformation.template import REGION
from modelpass import schema
from ops import stack_tables, upgrade
from tests.support.handlers import create_stack

if TYPE_CHECKING:
    import pytest


def test_upgrade_goes_over_every_table_of_the_stack_that_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK", "modelpass")
    with mock_aws():
        tables = create_stack("modelpass")
        found = stack_tables.table_names(boto3.client("cloudformation", REGION), "modelpass")
        assert set(found.values()) == set(tables.values())
        item = {"pk": {"S": "x"}, "sk": {"S": "day#1"}, "v": {"N": str(schema.PREVIOUS)}}
        boto3.client("dynamodb", REGION).put_item(TableName=found["history"], Item=item)
        assert upgrade.main() == 0
    assert capsys.readouterr().out == (
        f"1 items brought to version {schema.NEWEST}, 0 orders made of what was sold before, "
        "0 items left for another run\n"
    )


def test_upgrade_asks_for_a_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACK", raising=False)
    assert upgrade.main() == 2
