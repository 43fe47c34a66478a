"""The client without an SDK by which tests make, fill and look through tables."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.support.plain import Plain, PlainError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World


@pytest.fixture
def plain(engine: str) -> Iterator[Plain]:
    with contextlib.closing(Plain(engine)) as made:
        yield made


def test_refusal_is_raised_by_its_code_as_boto3_raises_it(plain: Plain, world: World) -> None:
    table = world.tables.subscriptions
    with pytest.raises(plain.exceptions.ConditionalCheckFailedException) as caught:
        plain.put_item(
            TableName=table,
            Item={"pk": {"S": "a"}, "sk": {"S": "b"}},
            ConditionExpression="attribute_exists(pk)",
        )
    assert caught.value.response["Error"] == {"Code": "ConditionalCheckFailedException"}
    with pytest.raises(PlainError, match="ResourceNotFoundException"):
        plain.get_item(TableName="nowhere", Key={"pk": {"S": "a"}})


def test_every_item_of_a_table_comes_in_pages(plain: Plain, world: World) -> None:
    large = {"S": "x" * 300_000}
    table = world.tables.subscriptions
    for number in range(5):
        world.dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": str(number)}, "large": large})
    assert [item["sk"]["S"] for item in plain.scan_all(table)] == ["0", "1", "2", "3", "4"]
