"""A row that is brought to the newest schema version has its reminders due; what is due at once or put off stays so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelpass import schema
from modelpass.times import DAY_MS
from tests.support.builders import NOON, subscription

if TYPE_CHECKING:
    from modelpass.subscriptions.model import Subscription

ENDS = subscription().expires_at_ms
OLD = subscription()._replace(version=schema.PREVIOUS, due_at_ms=ENDS)


@pytest.mark.parametrize(
    ("row", "due_at_ms"),
    [
        (OLD, ENDS - 7 * DAY_MS),
        (OLD._replace(reminded=1), ENDS - DAY_MS),
        (OLD._replace(reminded=3), ENDS),
        (OLD._replace(due_at_ms=None, announced=True), None),
        (OLD._replace(due_at_ms=NOON, key_pending=True), NOON),
        (OLD._replace(due_at_ms=NOON + 900_000, change_pending=True), NOON + 900_000),  # put off
        (OLD._replace(due_at_ms=None, cancelled_at_ms=NOON), None),
    ],
)
def test_row_is_due_as_the_newest_version_has_it(row: Subscription, due_at_ms: int | None) -> None:
    assert row.written_as(schema.NEWEST) == row._replace(version=schema.NEWEST, due_at_ms=due_at_ms)
    assert row.written_as(schema.PREVIOUS) is row


def test_row_of_the_newest_version_is_left_as_it_is() -> None:
    new = OLD._replace(version=schema.NEWEST)
    assert new.written_as(schema.NEWEST) is new
    assert new.written_as(schema.PREVIOUS) is new
