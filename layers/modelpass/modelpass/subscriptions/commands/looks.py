"""What operators look at: any account's subscriptions, what they hold, and whose a key is. Rule: nothing is changed.

All is shown as it is at the moment, so a term that renews itself is decided first. They see what the customer sees,
with whose it is. All that is looked at is named in the log's line, and no key ever is. Every look raises
`temporarily_unavailable` while the store cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys, schema
from modelpass.dynamodb import transport
from modelpass.entitlements import authorization_ids
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import telemetry, unreadable
from modelpass.subscriptions import answers, items, rules
from modelpass.subscriptions.commands import daily_usage, orders, queries, repository, upkeep
from modelpass.subscriptions.commands.shown import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.dynamodb.pages import Page
    from modelpass.entitlements.model import Entitlement, Hold
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json


def look_at_subscription(deps: Deps, subscription_id: str) -> Json:
    """One subscription of any account, with whose it is and who has suspended it; raises `not_found`."""
    budget = deps.retry_budget()
    found = upkeep.own_subscription(deps, budget, None, subscription_id).now
    return answers.for_operators(found, shown(deps, budget, found))


def look_at_usage(deps: Deps, subscription_id: str) -> Json:
    """The live counters of a subscription of any account; raises `not_found`."""
    return queries.get_usage(deps, None, subscription_id)


def look_at_history(deps: Deps, subscription_id: str, query: Mapping[str, str], limit: int) -> Json:
    """A page of what a subscription of any account used per day and model, as `daily_usage.get_history` gives it."""
    return daily_usage.get_history(deps, None, subscription_id, query, limit)


def look_at_events(deps: Deps, subscription_id: str, page: Page) -> Json:
    """A page of what happened to a subscription of any account, newest first; raises `not_found`."""
    return queries.list_events(deps, None, subscription_id, page)


def look_at_subscriptions(deps: Deps, account_id: str, page: Page) -> Json:
    """A page of an account's subscriptions, newest first; of an account that has bought nothing, an empty one."""
    return queries.list_subscriptions(deps, account_id, page)


def look_at_orders_of_account(deps: Deps, account_id: str, page: Page) -> Json:
    """A page of an account's orders, newest first; of an account that has ordered nothing, an empty one."""
    return orders.list_orders(deps, account_id, page)


def look_at_orders(deps: Deps, subscription_id: str, page: Page) -> Json:
    """A page of the orders of a subscription of any account, newest first; raises `not_found`."""
    return orders.list_orders_of_subscription(deps, None, subscription_id, page)


def look_at_order(deps: Deps, order_id: str) -> Json:
    """One order of any account; raises `not_found`."""
    return orders.get_order(deps, None, order_id)


def look_at_plan(deps: Deps, account_id: str) -> Json:
    """The plan that holds an account's place at this moment, with null where none does."""
    slot = repository.slot_of_account(deps, deps.retry_budget(), account_id)
    return {"planSubscription": answers.plan_in_place(slot, deps.now_ms())}


def look_at_holds(deps: Deps, subscription_id: str) -> Json:
    """The open holds of a subscription's current term, model by model, by their authorization ids; raises `not_found`.

    A model whose entitlement cannot be read is left out, and reported.
    """
    budget = deps.retry_budget()
    found = upkeep.own_subscription(deps, budget, None, subscription_id).now

    def held(entitlement: Entitlement, now_ms: int) -> Json:
        def id_of(hold: Hold) -> str:
            granted = authorization_ids.Authorization(entitlement.id, entitlement.tier_of(hold), hold)
            return authorization_ids.issue_authorization_id(granted, deps.deployment_keys)

        return answers.held_by_model(entitlement, now_ms, id_of)

    models = repository.shown_models(deps, budget, found, held)
    return {"subscriptionId": found.id, "accountId": found.account_id, "models": models}


def find_key(deps: Deps, text: str) -> Json:
    """Whose a key is, and whether it is the one that is current; neither the key nor a part of it is shown or logged.

    Raises `not_found` for text that is no key of this deployment, and where there is no such subscription any more.
    """
    api_key = api_keys.parse_api_key(text, deps.deployment_keys)
    if api_key is None:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    telemetry.note(subscriptionId=api_key.subscription_id)
    budget, table = deps.retry_budget(), deps.tables.subscriptions
    key = schema.primary_key(items.subscription_key(api_key.subscription_id))
    stored = budget.persist(lambda: transport.get(deps.send, table, key))
    found = None if stored is None else unreadable.read_one(table, stored, items.subscription_of)
    if found is None or found.is_gone(deps.now_ms()):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    telemetry.note(accountId=found.account_id)
    found = upkeep.bring_up(deps, budget, found)
    now_ms = deps.now_ms()
    return {
        "subscriptionId": found.id,
        "accountId": found.account_id,
        "status": found.status(now_ms).value,
        "term": api_key.term_number,
        "current": rules.has_key(found, api_key.term_number, api_key.key_hash),
    }
