"""Lists subscriptions, events and days by a query as callers send it: the API's own functions read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.api.requests import limit_of, page_of
from modelpass.subscriptions.commands import daily_usage, queries
from modelpass.subscriptions.history_pages import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.runtime.deps import Deps


def list_subscriptions(deps: Deps, account: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    return queries.list_subscriptions(deps, account, page_of(query or {}, queries.SUBSCRIPTIONS))


def list_events(deps: Deps, account: str, name: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    return queries.list_events(deps, account, name, page_of(query or {}, queries.EVENTS))


def history(deps: Deps, account: str, name: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    given = query or {}
    return daily_usage.get_history(deps, account, name, given, limit_of(given, MOST_ROWS, MOST_ROWS))
