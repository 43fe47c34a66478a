"""Batches of DynamoDB: what is handed back is asked for again, after pauses that grow, and never lost in silence."""

from __future__ import annotations

from typing import Any

import pytest

from ops import batches

TABLE = "t"


class Store:
    """A DynamoDB that carries out a few of each batch and hands back the rest."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.sizes: list[int] = []
        self.written: list[Any] = []

    def batch_get_item(self, RequestItems: Any, ReturnConsumedCapacity: str) -> Any:  # noqa: N803
        assert ReturnConsumedCapacity == "TOTAL"
        asked = RequestItems[TABLE]
        keys = asked["Keys"]
        assert asked["ConsistentRead"]
        self.sizes.append(len(keys))
        left = keys[self.at_once :]
        return {
            "Responses": {TABLE: keys[: self.at_once]} if self.at_once else {},
            "UnprocessedKeys": {TABLE: {**asked, "Keys": left}} if left else {},
        }

    def batch_write_item(self, RequestItems: Any, ReturnConsumedCapacity: str) -> Any:  # noqa: N803
        assert ReturnConsumedCapacity == "TOTAL"
        requests = RequestItems[TABLE]
        self.sizes.append(len(requests))
        self.written += requests[: self.at_once]
        left = requests[self.at_once :]
        return {"UnprocessedItems": {TABLE: left} if left else {}}


def keys(count: int) -> list[Any]:
    return [{"pk": {"S": str(number)}} for number in range(count)]


def test_every_key_is_read_though_dynamodb_hands_some_back() -> None:
    store, answers, pauses = Store(40), list[Any](), list[float]()
    assert batches.read(store, TABLE, keys(230), answered=answers.append, sleep=pauses.append) == keys(230)
    assert store.sizes == [100, 60, 20, 100, 60, 20, 30]
    assert len(answers) == len(store.sizes)
    assert pauses == [0.05, 0.1, 0.05, 0.1]


def test_every_write_is_carried_out_though_dynamodb_hands_some_back() -> None:
    store, pauses = Store(10), list[float]()
    requests = [{"DeleteRequest": {"Key": key}} for key in keys(30)]
    batches.write(store, TABLE, requests, sleep=pauses.append)
    assert store.written == requests
    assert store.sizes == [25, 15, 5, 5]


def test_nothing_is_asked_for_nothing() -> None:
    store = Store(1)
    assert batches.read(store, TABLE, []) == []
    batches.write(store, TABLE, [])
    assert store.sizes == []


def test_a_store_that_hands_everything_back_is_given_up_on_by_name() -> None:
    pauses: list[float] = []
    with pytest.raises(batches.UnansweredError, match=f"^{TABLE}$"):
        batches.read(Store(0), TABLE, keys(1), sleep=pauses.append)
    assert len(pauses) == batches.ROUNDS
    assert pauses == sorted(pauses)
    assert max(pauses) == 2
    with pytest.raises(batches.UnansweredError):
        batches.write(Store(0), TABLE, [{"DeleteRequest": {"Key": keys(1)[0]}}], sleep=pauses.append)
