"""How subscriptions, orders and prices are shown to people. Rule: each figure is one of the answer, none is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from modelpass_client.cli.output import Output

SUBSCRIPTIONS: Final = ("Subscription", "Account", "Status", "Term", "Starts", "Ends", "Models", "Label")
ORDERS: Final = ("Order", "Account", "Kind", "Status", "Total", "Ordered", "Lapses", "Subscription", "Label")
LINES: Final = ("Model", "Tier", "A month", "Total")


def subscription_row(subscription: dict[str, Any]) -> tuple[Any, ...]:
    """A subscription in a row of `SUBSCRIPTIONS`."""
    return (
        subscription["subscriptionId"],
        subscription.get("accountId"),
        subscription["status"],
        subscription["term"],
        subscription["startsAt"],
        subscription["expiresAt"],
        ", ".join(model["modelId"] for model in subscription["models"]),
        subscription.get("label"),
    )


def subscription(out: Output, shown: dict[str, Any]) -> None:
    """A subscription, with its list and what waits."""
    suspension = shown.get("suspension")
    waiting = shown.get("pendingChange")
    out.fields(
        [
            ("Subscription", shown["subscriptionId"]),
            ("Account", shown.get("accountId")),
            ("Status", shown["status"]),
            ("Suspended", suspension and f"{suspension['at']} by {suspension['operatorId']}: {suspension['reason']}"),
            ("Term", shown["term"]),
            ("Starts", shown["startsAt"]),
            ("Ends", shown["expiresAt"]),
            ("Time zone", shown["timezone"]),
            ("Renews itself", f"by {counted(shown['autoRenewMonths'], 'month')}" if shown["autoRenew"] else "no"),
            ("Renewal stopped by", shown.get("renewalBlockedBy")),
            ("Label", shown.get("label") or None),
            ("Key", shown["apiKeyMasked"] or "revoked"),
            ("Price of the term", money(shown["price"])),
            ("Change that waits", waiting and f"binds at {waiting['bindsAt']}"),
        ]
    )
    models(out, shown["models"])
    if waiting:
        out.say(f"From {waiting['bindsAt']}:")
        models(out, waiting["models"])


def models(out: Output, listed: list[dict[str, Any]]) -> None:
    """The list of a subscription."""
    out.table(
        ("Model", "Tier", "Calls a day", "Units a month", "Unit"),
        [
            (model["modelId"], model["channelTier"], model["dailyCallLimit"], model["monthlyTokenCap"], model["unit"])
            for model in listed
        ],
        nothing="It has no models.",
    )


def holds_of(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """The open holds of a subscription in the order they are numbered by, each with its `modelId`."""
    return [{**hold, "modelId": model["modelId"]} for model in shown["models"] for hold in model["holds"]]


def holds(out: Output, listed: list[dict[str, Any]]) -> None:
    """Open holds, numbered from 1."""
    out.table(
        ("#", "Model", "Units", "Calls", "Authorized", "Expires"),
        [
            (number, one["modelId"], one["heldUsage"], one["heldCalls"], one["authorizedAt"], one["holdExpiresAt"])
            for number, one in enumerate(listed, 1)
        ],
        nothing="No hold is open.",
    )


def order_row(order: dict[str, Any]) -> tuple[Any, ...]:
    """An order in a row of `ORDERS`."""
    return (
        order["orderId"],
        order.get("accountId") or order["by"],
        order["kind"],
        order["status"],
        money(order["price"]),
        order["at"],
        order["lapsesAt"] if order["status"] == "pending" else None,
        order["subscriptionId"],
        order.get("label"),
    )


def price(out: Output, quoted: dict[str, Any]) -> None:
    """What something costs, line by line."""
    out.table(
        LINES,
        [(line["modelId"], line["channelTier"], line["monthly"], line["total"]) for line in quoted["lines"]],
        nothing="It costs nothing.",
    )
    out.say(f"Total: {money(quoted)} for {counted(quoted['months'], 'month')}")


def counted(count: int, thing: str) -> str:
    """So many of a thing, in words."""
    return f"1 {thing}" if count == 1 else f"{count} {thing}s"


def money(quoted: dict[str, Any] | None) -> str | None:
    """A total with its currency; None where no price was kept."""
    return f"{quoted['total']} {quoted['currency']}" if quoted else None
