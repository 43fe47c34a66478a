"""The commands of operators on what is offered. Rule: each change is told once, as what it was, with who made it.

Each command brings about a state: where that is so already, nothing is written and nothing is told. A write is guarded
by all that was read before it, so of two operators who change a model at once, one reads again. An item that cannot be
read stands in nobody's way: it is shown as such, and replaced or taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from modelpass import schema
from modelpass.catalogue import answers, items, transactions
from modelpass.catalogue.changes import tag_of, tag_of_unreadable, unconfirmed
from modelpass.catalogue.commands import repository
from modelpass.catalogue.model import CatalogueModel, ListedModel, require_currency
from modelpass.catalogue.tiers import tiers_down_key, tiers_down_of
from modelpass.catalogue.transactions import ModelChange
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import StoreBusyError
from modelpass.errors import ErrorCode, Refusal, Refused, invalid, raise_if_refused, temporarily_unavailable
from modelpass.ids import is_model_id
from modelpass.preconditions import NONE
from modelpass.runtime import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.catalogue.model import Offer
    from modelpass.catalogue.tiers import TiersDown
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.preconditions import Preconditions
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Item, Request

Json = dict[str, Any]
_T = TypeVar("_T")


class Shown(NamedTuple):
    """A model as it is answered, and its tag."""

    body: Json
    tag: str


@dataclass(frozen=True, slots=True)
class _Found:
    """All that decides about a model, read at one moment: the items as they are stored, and what is down.

    `listed` is the model, None where there is none that can be read. `currency` is likewise that of the settings.
    """

    item: Item | None
    listed: ListedModel | None
    settings: Item | None
    currency: str | None
    down: TiersDown

    @property
    def tag(self) -> str | None:
        """The tag of the model; None where there is none."""
        if self.listed is not None:
            return tag_of(self.listed)
        return None if self.item is None else tag_of_unreadable(self.item)

    @property
    def offered(self) -> CatalogueModel | None:
        """What is offered now, as far as it can be read."""
        return None if self.listed is None or self.listed.withdrawn else self.listed.model


class _Writer:
    """Sends the writes of one command, and knows whether one of them may have been carried out with its reply lost."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._lost_on: list[Item | None] = []

    def send(self, found: _Found, actions: list[Request]) -> None:
        """Send the actions as one transaction, which is guarded by what was found."""
        try:
            self._deps.send("TransactWriteItems", {"TransactItems": actions})
        except StoreBusyError:
            self._lost_on.append(found.item)
            raise

    def is_unsure(self, found: _Found) -> bool:
        """Whether the model has changed since a write whose reply was lost, and so perhaps by it."""
        return any(item != found.item for item in self._lost_on)


def get_model(deps: Deps, model_id: str) -> Shown:
    """A model as operators see it, also one that was withdrawn or cannot be read.

    Raises `Refused`: `not_found` for a model that was never offered, `temporarily_unavailable`.
    """
    if not is_model_id(model_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    found = deps.retry_budget().persist(lambda: _find(deps, model_id))
    if found.item is None:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    if found.listed is None:
        shown = answers.unreadable_answer(model_id, items.kind_of(found.item))
        return Shown(shown, tag_of_unreadable(found.item))
    return Shown(answers.stored_answer(found.listed, found.down), tag_of(found.listed))


def put_model(deps: Deps, offer: Offer, operator_id: str | None = None, only_if: Preconditions = NONE) -> Shown:
    """Offer a model exactly as given; gives it as callers see it. What is offered so already is not written again.

    Raises `Refused`, in this order: `precondition_failed`; `invalid_request` for another kind than it ever had, another
    currency than the catalogue's, or an availability that is not that of now; `confirmation_required`. And at any time
    `temporarily_unavailable`, after which the model may have been put or not.
    """
    budget, writer, model = deps.retry_budget(), _Writer(deps), offer.model

    def attempt() -> Shown:
        found = budget.persist(lambda: _find(deps, model.model_id))
        shown = Shown(answers.model_answer(model, found.down), tag_of(ListedModel(model, frozenset(), withdrawn=False)))
        is_so, unsure = found.offered == model, writer.is_unsure(found)
        if is_so and unsure:
            return shown
        currency = _unless_unsure(unsure, only_if, lambda: _check(deps, budget, found, offer, only_if))
        actions = [] if is_so else _put(deps, found, model, operator_id)
        actions += _keep_currency(deps, found, currency, is_alone=is_so)
        if actions:
            writer.send(found, actions)
        return shown

    return budget.until_done(attempt)


def withdraw_model(deps: Deps, model_id: str, operator_id: str | None = None, only_if: Preconditions = NONE) -> None:
    """Offer a model no longer; nothing happens when it is not offered, or when there is no such model.

    An item that cannot be read is a model withdrawn from then on or, where not even its kind can be read, gone. Raises
    `Refused`: `precondition_failed`; `temporarily_unavailable`, after which it may have been withdrawn or not.
    """
    if not is_model_id(model_id):
        raise_if_refused(only_if.refusal(None))
        return
    budget, writer = deps.retry_budget(), _Writer(deps)

    def attempt() -> None:
        found = budget.persist(lambda: _find(deps, model_id))
        is_so, unsure = (
            found.item is None or (found.listed is not None and found.listed.withdrawn),
            writer.is_unsure(found),
        )
        if is_so and unsure:
            return
        _unless_unsure(unsure, only_if, lambda: raise_if_refused(only_if.refusal(found.tag)))
        if not is_so:
            writer.send(found, _withdraw(deps, found, model_id, operator_id))

    budget.until_done(attempt)


def _find(deps: Deps, model_id: str) -> _Found:
    pairs = (items.model_key(model_id), items.settings_key(), tiers_down_key())
    keys = [schema.primary_key(pair) for pair in pairs]
    item, settings, down = transport.get_together(deps.send, deps.tables.catalogue, keys)
    listed = repository.readable(item, items.listed_model_of)
    return _Found(item, listed, settings, repository.readable(settings, items.currency_of), tiers_down_of(down))


def _unless_unsure(unsure: bool, only_if: Preconditions, check: Callable[[], _T]) -> _T:  # noqa: FBT001
    """What a check gives; where an own write may have changed what it looks at, no refusal would tell the truth.

    Then whoever asks may look, and ask again; so it is, too, where what was demanded of the model may hold anew.
    """
    try:
        checked = check()
    except Refused:
        if not unsure:
            raise
        raise temporarily_unavailable() from None
    if unsure and only_if != NONE:
        raise temporarily_unavailable()
    return checked


def _check(deps: Deps, budget: RetryBudget, found: _Found, offer: Offer, only_if: Preconditions) -> str:
    """Refuse an offer that must not be made; gives the catalogue's currency."""
    raise_if_refused(only_if.refusal(found.tag))
    kind = None if found.item is None else items.kind_of(found.item)
    if kind not in (None, offer.model.kind):
        raise invalid("kind", f"kind is {kind} for good: subscriptions to this model count in its unit.")
    # Of a new catalogue, one whose settings cannot be read, and one of version 1, which kept none.
    currency = found.currency or repository.currency_of_models(deps, budget) or offer.currency
    require_currency(currency, offer.currency)
    for index, (tier, said) in enumerate(offer.said_available):
        available = (offer.model.model_id, tier) not in found.down.pairs
        if said not in (None, available):
            now = str(available).lower()
            raise invalid(f"tiers[{index}].available", f"available is {now} now: the availability call changes it.")
    if found.listed is not None and not offer.confirmed:
        raise_if_refused(unconfirmed(found.listed.model, offer, deps.price_change_factor))
    return currency


def _put(deps: Deps, found: _Found, model: CatalogueModel, operator_id: str | None) -> list[Request]:
    change = ModelChange(model.model_id, found.item, found.offered, operator_id, deps.now_ms())
    if found.listed is not None:
        return transactions.put_model(deps.tables, change, model, found.listed.ever)
    put = ListedModel(model, repository.tiers_ever(found.item), withdrawn=False)
    return transactions.put_whole_model(deps.tables, change, put)


def _withdraw(deps: Deps, found: _Found, model_id: str, operator_id: str | None) -> list[Request]:
    change = ModelChange(model_id, found.item, found.offered, operator_id, deps.now_ms())
    if found.listed is not None:
        return transactions.withdraw_model(deps.tables, change)
    kind = None if found.item is None else items.kind_of(found.item)
    if kind is None:
        return transactions.delete_model(deps.tables, change)
    put = ListedModel(CatalogueModel(model_id, kind, {}), repository.tiers_ever(found.item), withdrawn=True)
    return transactions.put_whole_model(deps.tables, change, put)


def _keep_currency(deps: Deps, found: _Found, currency: str, *, is_alone: bool) -> list[Request]:
    """The action that holds the settings to the currency; none where they say it and nothing else is written."""
    if found.settings is not None and found.currency is None:
        unreadable.report(deps.tables.catalogue, found.settings)
        return [transactions.replace_settings(deps.tables, found.settings, currency)]
    if found.currency is not None and is_alone:
        return []
    return [transactions.keep_currency(deps.tables, currency)]
