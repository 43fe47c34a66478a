"""What a refused condition costs, by DynamoDB's rules. Rule: all other costs are read from replies.

A condition that fails is charged as a write of the item it looked at, rounded up to whole kilobytes, and as one unit
where there is no item (AWS: "Write capacity unit consumption"). The error response does not say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelpass.schema import Item

KILOBYTE = 1024


def item_bytes(item: Item) -> int:
    """The size DynamoDB takes an item for: names and values in UTF-8, numbers packed, nesting with its overhead."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def units_of_refused_write(item: Item | None) -> int:
    """Write units of an update whose condition did not hold."""
    return 1 if item is None else -(-item_bytes(item) // KILOBYTE)


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "B":
            return len(content.encode() if isinstance(content, str) else bytes(content))
        case "N":
            significant = len(str(content).lstrip("-").strip("0"))
            return 1 + -(-significant // 2) + str(content).startswith("-")
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(inner) for name, inner in content.items())
        case "BOOL" | "NULL":
            return 1
        case _:
            return _bytes_in(kind, content)


def _bytes_in(kind: str, content: Any) -> int:
    match kind:
        case "SS":
            return sum(len(text.encode()) for text in content)
        case "L":
            return 3 + sum(1 + _value_bytes(inner) for inner in content)
        case _:
            raise ValueError(kind)
