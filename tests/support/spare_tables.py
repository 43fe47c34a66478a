"""Tables of worlds that have ended, for those to come: to make tables takes longer than most tests do.

Rule: spare tables hold nothing. They are emptied when a world ends; where that would be much work, they are dropped.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from tests.support import stored_items

if TYPE_CHECKING:
    from local.cloudformation.template import Template

_MOST_ITEMS = 200
_spare: defaultdict[str, deque[str]] = defaultdict(deque)
"""Prefixes of tables by their engine; any thread puts and takes. Those that were put first are taken first."""


def take(endpoint: str) -> str | None:
    """The prefix of tables that are empty and nobody else's, None where there are none."""
    try:
        return _spare[endpoint].popleft()
    except IndexError:
        return None


def put(endpoint: str, dynamodb: Any, prefix: str, template: Template) -> None:
    """Leave the tables with a prefix to a world to come."""
    there = stored_items.read(dynamodb, template)
    if sum(map(len, there.values())) > _MOST_ITEMS:
        drop(dynamodb, template)
        return
    stored_items.write(dynamodb, template, {}, there)
    _spare[endpoint].append(prefix)


def drop(dynamodb: Any, template: Template) -> None:
    """Drop the tables of a template."""
    for table in template.tables:
        dynamodb.delete_table(TableName=table["TableName"])
