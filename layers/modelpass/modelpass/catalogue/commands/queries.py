"""The questions that callers ask of the catalogue. Rule: reads only; nobody's request makes another one's wait.

What is answered is kept by the process for two seconds, page by page, so that the catalogue is read at a rate that
customers cannot raise by asking more often. Nothing that decides a sale or a grant is kept here.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from modelpass import schema
from modelpass.catalogue.answers import models_answer
from modelpass.catalogue.items import MODELS, listed_model_of
from modelpass.catalogue.tiers import CATALOGUE, TiersDown, tiers_down_key, tiers_down_of
from modelpass.dynamodb import pages, transport
from modelpass.dynamodb.pages import Listing
from modelpass.runtime import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.catalogue.model import ListedModel
    from modelpass.dynamodb.pages import Page
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request

Json = dict[str, Any]

MODEL_LISTING: Final = Listing(MODELS, re.compile(rf"{MODELS}.{{1,140}}", re.DOTALL), rising=True)
"""The listing of the models, for its cursors; one may name an item that is not shown."""
KEPT_SECONDS: Final = 2.0
"""How long a process answers a page from what it has read."""
MOST_KEPT: Final = 64
"""How many pages a process keeps; the one that was read first goes first."""
_MOST_QUERIES: Final = 4
"""How many pages of the store one page may be put together from, where much of it is not shown."""


class ModelPages:
    """The pages of models that a process has read in the last `KEPT_SECONDS`.

    `monotonic` is a steady clock in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[Page, tuple[float, Json]] = OrderedDict()

    def recall(self, page: Page) -> Json | None:
        """The answer that is kept of a page; None when it has to be read."""
        until, answer = self._kept.get(page, (0.0, None))
        return answer if self._monotonic() < until else None

    def keep(self, page: Page, answer: Json, read_at: float) -> None:
        """Keep the answer of a page that was asked for at `read_at`, in place of an earlier one."""
        self._kept.pop(page, None)  # so that the oldest always comes first
        self._kept[page] = (read_at + KEPT_SECONDS, answer)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def get_models(deps: Deps, kept: ModelPages, page: Page, *, fresh: bool) -> Json:
    """A page of the models that are offered, in the order of their ids, as `GET /v1/models` shows them.

    It may be as old as `KEPT_SECONDS` and the store's eventual consistency make it. With `fresh` it is read now,
    strongly consistent, so that an operator sees what he has just changed. An item that cannot be read is passed over
    and reported. Where many are not shown, a page has fewer than its limit, or none, and still a next one.

    Raises `Refused` (`temporarily_unavailable`) while the store cannot be read.
    """
    answer = None if fresh else kept.recall(page)
    if answer is None:
        asked = deps.pacing.monotonic()
        answer = deps.retry_budget().persist(lambda: _read(deps, page, _is_offered, consistent=fresh))
        kept.keep(page, answer, asked)
    return answer


def get_all_models(deps: Deps, page: Page) -> Json:
    """A page of all models that can be read, as operators see it: those that were withdrawn are marked.

    It is read now, strongly consistent. An item that cannot be read is passed over and reported. Raises `Refused`
    (`temporarily_unavailable`) while the store cannot be read.
    """
    return deps.retry_budget().persist(lambda: _read(deps, page, _is_there, consistent=True))


def _is_offered(listed: ListedModel) -> bool:
    return not listed.withdrawn


def _is_there(_: ListedModel) -> bool:
    return True


def _read(deps: Deps, page: Page, is_shown: Callable[[ListedModel], bool], *, consistent: bool) -> Json:
    table = deps.tables.catalogue
    request = {**pages.request(table, CATALOGUE, MODEL_LISTING, page), "ConsistentRead": consistent}
    shown, following = _shown(deps, request, page.limit, is_shown)
    return models_answer(shown, _down(deps, consistent=consistent), following)


def _shown(
    deps: Deps, request: Request, limit: int, is_shown: Callable[[ListedModel], bool]
) -> tuple[list[ListedModel], str | None]:
    """The models of a page and its next cursor, from as few pages of the store as it takes, and a bounded number."""
    table = request["TableName"]
    shown: list[ListedModel] = []
    last = ""
    for number, stored in enumerate(transport.pages(deps.send, request), start=1):
        for item in stored:
            for listed in unreadable.read_each(table, [item], listed_model_of):
                if not is_shown(listed):
                    continue
                if len(shown) == limit:
                    return shown, pages.cursor_of(last)
                shown.append(listed)
            last = item["sk"]["S"]
        if number == _MOST_QUERIES:
            return shown, pages.cursor_of(last)
    return shown, None


def _down(deps: Deps, *, consistent: bool) -> TiersDown:
    """The tiers that are down, by the copy that is there to be shown; no request of a customer reads the other item."""
    table = deps.tables.catalogue
    request = {"TableName": table, "Key": schema.primary_key(tiers_down_key()), "ConsistentRead": consistent}
    item = deps.send("GetItem", request).get("Item")
    found = tiers_down_of(item)
    if item is not None and not found.complete:
        unreadable.report(table, item)
    return found
