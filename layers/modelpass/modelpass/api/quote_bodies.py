"""The JSON body of a quote of a sale to a subscription: the body of that sale, by its name. Rule: its form only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from modelpass.api.change_bodies import ChangeRequest, TopUpRequest, parse_change, parse_top_up
from modelpass.api.subscription_bodies import ExtensionRequest, RenewalRequest, parse_extension, parse_renewal
from modelpass.api.validation import Strict, validated
from modelpass.errors import Refused, invalid, member_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.subscriptions.orders import ChangeOrder, ExtensionOrder, RenewalOrder, TopUpOrder


class QuoteRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/quotes`: the body of one call, whose price is asked."""

    renew: Annotated[RenewalRequest | None, Field(description="the body of a renewal")] = None
    extend: Annotated[ExtensionRequest | None, Field(description="the body of an extension")] = None
    change: Annotated[ChangeRequest | None, Field(description="the body of a change")] = None
    top_up: Annotated[TopUpRequest | None, Field(description="the body of a top-up")] = None


_PARSERS: dict[str, Callable[[object], RenewalOrder | ExtensionOrder | ChangeOrder | TopUpOrder]] = {
    "renew": parse_renewal,
    "extend": parse_extension,
    "change": parse_change,
    "topUp": parse_top_up,
}


def parse_quote(raw: object) -> RenewalOrder | ExtensionOrder | ChangeOrder | TopUpOrder:
    """Check what is to be priced, which is one sale; raises `invalid_request` or `duplicate_model` naming the field."""
    validated(QuoteRequest, raw)
    members = raw if isinstance(raw, dict) else {}
    asked = [name for name in _PARSERS if members.get(name) is not None]
    if not asked:
        raise invalid(next(iter(_PARSERS)), f"One of {', '.join(_PARSERS)} is required.")
    if len(asked) > 1:
        raise invalid(asked[1], "The price of one sale is asked for at a time.")
    try:
        return _PARSERS[asked[0]](members[asked[0]])
    except Refused as refused:
        param = refused.refusal.param
        raise Refused(refused.refusal._replace(param=member_path(asked[0], param))) from None
