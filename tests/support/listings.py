"""Lists subscriptions, events, models and days by a query as callers send it: the API's own code reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.api.requests import MOST_ENTRIES, limit_of, page_of
from modelpass.catalogue.commands import queries as catalogue_queries
from modelpass.catalogue.commands.queries import MODEL_LISTING, ModelPages
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


def list_models(deps: Deps, query: Mapping[str, str] | None = None, kept: ModelPages | None = None) -> dict[str, Any]:
    """A page of the models: as a customer sees it in a process that `kept` pages, else as an operator does."""
    page = page_of(query or {}, MODEL_LISTING, MOST_ENTRIES)
    pages = kept or ModelPages(deps.pacing.monotonic)
    return catalogue_queries.get_models(deps, pages, page, fresh=kept is None)


def list_all_models(deps: Deps, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A page of all models, as an operator sees it."""
    return catalogue_queries.get_all_models(deps, page_of(query or {}, MODEL_LISTING, MOST_ENTRIES))
