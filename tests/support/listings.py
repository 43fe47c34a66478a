"""Lists subscriptions and events by a query as callers send it: the API's own function reads it, a command answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.api.requests import page_of
from modelpass.subscriptions.commands import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.runtime.deps import Deps


def list_subscriptions(deps: Deps, account: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    return queries.list_subscriptions(deps, account, page_of(query or {}, queries.SUBSCRIPTIONS))


def list_events(deps: Deps, account: str, name: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    return queries.list_events(deps, account, name, page_of(query or {}, queries.EVENTS))
