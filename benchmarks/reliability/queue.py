"""A queue as SQS keeps one, and the account of what became of its messages. Rule: pure; a message is never forgotten.

A message that was received and not deleted comes again, until it has been received as often as the template allows:
then it is parked. A message may come again although it was deleted, as SQS reserves the right to.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class Fate(StrEnum):
    """What became of a message."""

    BOOKED = "booked"
    PARKED = "parked"
    LOST = "lost"
    TWICE = "booked more than once"


@dataclass(frozen=True, slots=True)
class Message:
    """A report on its way: what is in it, and what it should come to once it is booked (units of its entitlement)."""

    id: str
    kind: str
    body: str
    units: int | None = None
    """None for a report that cannot be booked."""


@dataclass(slots=True)
class Queue:
    """Messages that wait, in the order in which they are received."""

    most_receives: int
    waiting: deque[Message] = field(default_factory=deque)
    parked: dict[str, Message] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)

    def send(self, messages: Iterable[Message]) -> None:
        """Put messages into the queue."""
        self.waiting.extend(messages)

    def receive(self, most: int) -> list[Message]:
        """The next batch; a message that was received too often is parked instead."""
        batch: list[Message] = []
        while self.waiting and len(batch) < most:
            message = self.waiting.popleft()
            if self.received[message.id] >= self.most_receives:
                self.parked[message.id] = message
                continue
            self.received[message.id] += 1
            batch.append(message)
        return batch

    def give_back(self, batch: Iterable[Message], failed: Collection[str]) -> None:
        """Delete of a batch what did not fail."""
        self.waiting.extend(message for message in batch if message.id in failed)


def fates(sent: Iterable[Message], booked: dict[str, int], parked: Collection[str]) -> dict[str, Fate]:
    """What became of each message: `booked` are the units that are stored for it, `parked` the ids that are parked."""
    return {message.id: _fate(message, booked.get(message.id, 0), parked) for message in sent}


def _fate(message: Message, booked: int, parked: Collection[str]) -> Fate:
    if message.units is not None and booked == message.units:
        return Fate.BOOKED
    if booked:
        return Fate.TWICE
    return Fate.PARKED if message.id in parked else Fate.LOST
