"""Values that the document shows. Rule: one story: what is bought in one example is seen in the next.

A test checks each of them against the schema it is an example of.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from modelpass import api_keys
from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS

Json = dict[str, Any]

SUBSCRIPTION_ID: Final = "sub_mfrggzdfmztwq2lknnwg23tp"
STARTS: Final = "2026-11-24T16:11:00Z"
EXPIRES: Final = "2026-12-24T16:11:00Z"
_TAIL: Final = "UaMn"
_API_KEY: Final = f"{api_keys.API_KEY_PREFIX}{'EXAMPLE-' * 7}{_TAIL}"

ROOT: Final = Path(__file__).resolve().parents[2]
"""The project's folder."""
PURCHASE_BODY: Final[Json] = json.loads((ROOT / "events" / "purchase-body.json").read_text("utf-8"))
TEXT, IMAGE = PURCHASE_BODY["models"]
TEXT_ID: Final[str] = TEXT["modelId"]

PRICE: Final[Json] = {"currency": "USD", "base": "12.00", "perUnit": "0.000003", "perDailyCall": "0.04"}
MODEL: Final[Json] = {
    "modelId": TEXT_ID,
    "kind": "text",
    "unit": "tokens",
    "tiers": [{"channelTier": "stable", "available": True, "price": PRICE}],
    "limits": {
        "dailyCallLimit": {"min": 1, "max": MAX_CALLS},
        "monthlyTokenCap": {"min": 1000, "max": MAX_UNITS},
    },
}
CATALOGUE: Final[Json] = {"models": [MODEL], "next": None}
WITHDRAWN: Final[Json] = {**MODEL, "withdrawn": True}
WHOLE_CATALOGUE: Final[Json] = {"models": [WITHDRAWN], "next": None}
QUOTE: Final[Json] = {
    "currency": "USD",
    "lines": [
        {"modelId": TEXT_ID, "channelTier": TEXT["channelTier"], "monthly": "29.00", "total": "29.00"},
        {"modelId": IMAGE["modelId"], "channelTier": IMAGE["channelTier"], "monthly": "7.20", "total": "7.20"},
    ],
    "monthlyTotal": "36.20",
    "months": 1,
    "total": "36.20",
}
SETTINGS_BODY: Final[Json] = {"autoRenew": True, "autoRenewMonths": 3, "label": "team a"}
EXPECTED: Final[Json] = {"expectedTotal": QUOTE["total"]}
RENEWAL_QUOTE: Final[Json] = {**QUOTE, "bindsAt": EXPIRES}
SUBSCRIPTION: Final[Json] = {
    "subscriptionId": SUBSCRIPTION_ID,
    "status": "active",
    "term": 1,
    "apiKeyMasked": api_keys.mask(_TAIL),
    "startsAt": STARTS,
    "expiresAt": EXPIRES,
    "timezone": "UTC",
    "autoRenew": False,
    "autoRenewMonths": 1,
    "label": "team a",
    "models": [{**TEXT, "unit": "tokens"}, {**IMAGE, "unit": "generations"}],
    "pendingChange": None,
    "price": QUOTE,
}
SHOWN: Final[Json] = {**SUBSCRIPTION, "renewalBlockedBy": None}
ORDER: Final[Json] = {
    "orderId": "ord_mfrggzdfmztwq2lknnwg23tpaaaaaaab",
    "kind": "purchase",
    "status": "done",
    "subscriptionId": SUBSCRIPTION_ID,
    "label": "team a",
    "price": QUOTE,
    "at": STARTS,
    "by": "acct_demo",
    "startsAt": STARTS,
    "endsAt": EXPIRES,
    "topUp": None,
    "lapsesAt": None,
    "reference": None,
    "reason": None,
}
EXTENSION: Final[Json] = {
    **ORDER,
    "orderId": "ord_mfrggzdfmztwq2lknnwg23tpaaaaaaac",
    "kind": "extension",
    "at": "2026-12-20T09:00:00Z",
    "startsAt": EXPIRES,
    "endsAt": "2027-01-24T16:11:00Z",
}
SOLD: Final[Json] = {**SUBSCRIPTION, "order": ORDER}
EXTENDED: Final[Json] = {**SUBSCRIPTION, "expiresAt": "2027-01-24T16:11:00Z", "order": EXTENSION}
CHANGED: Final[Json] = {
    **SUBSCRIPTION,
    "pendingChange": {"bindsAt": EXPIRES, "models": [{**TEXT, "unit": "tokens"}]},
    "order": {
        **ORDER,
        "orderId": "ord_mfrggzdfmztwq2lknnwg23tpaaaaaaad",
        "kind": "change",
        "at": "2026-12-01T09:00:00Z",
    },
}
TOPPED_UP: Final[Json] = {
    **SUBSCRIPTION,
    "order": {
        **ORDER,
        "orderId": "ord_mfrggzdfmztwq2lknnwg23tpaaaaaaae",
        "kind": "top_up",
        "at": "2026-12-02T09:00:00Z",
        "topUp": {"modelId": TEXT_ID, "units": 1000000},
    },
}
SEEN: Final[Json] = {"accountId": "acct_demo", **SHOWN, "suspension": None}
NEW_KEY: Final[Json] = {**SUBSCRIPTION, "apiKey": _API_KEY}
BOUGHT: Final[Json] = {**NEW_KEY, "order": ORDER}
RENEWED: Final[Json] = {**BOUGHT, "term": 2, "startsAt": "2026-12-26T16:11:01Z", "expiresAt": "2027-01-26T16:11:01Z"}
CANCELLED: Final[Json] = {**SUBSCRIPTION, "status": "cancelled"}
DAILY: Final[Json] = {"limit": 50, "used": 3, "remaining": 47, "resetsAt": "2026-11-25T00:00:00Z"}
MONTHLY: Final[Json] = {
    "limit": 5000000,
    "used": 1200,
    "held": 4000,
    "remaining": 4994800,
    "overrun": 0,
    "resetsAt": EXPIRES,
}
USAGE: Final[Json] = {
    "subscriptionId": SUBSCRIPTION_ID,
    "status": "active",
    "models": [
        {"modelId": TEXT_ID, "channelTier": "stable", "unit": "tokens", "daily": DAILY, "monthly": MONTHLY},
    ],
}
KEY: Final[Json] = {
    "status": "active",
    "subscriptionId": SUBSCRIPTION_ID,
    "term": 1,
    "startsAt": STARTS,
    "expiresAt": EXPIRES,
    "timezone": "UTC",
    "models": [{**TEXT, "unit": "tokens", "daily": DAILY, "monthly": MONTHLY, "openHolds": 1}],
}
KEY_MODELS: Final[Json] = {
    "object": "list",
    "data": [
        {"id": bought["modelId"], "object": "model", "created": 1795536660, "owned_by": "modelpass"}
        for bought in (TEXT, IMAGE)
    ],
}
HISTORY: Final[Json] = {
    "days": [
        {"date": "2026-11-24", "modelId": TEXT_ID, "calls": 41, "units": 180000, "closed": True},
        {"date": "2026-11-25", "modelId": TEXT_ID, "calls": 3, "units": 1200, "closed": False},
    ],
    "terms": [{"term": 1, "startsAt": STARTS, "expiresAt": EXPIRES, "price": QUOTE}],
    "next": None,
}
EVENT: Final[Json] = {
    "id": "evt_EXAMPLE",
    "type": "subscription.purchased",
    "version": 1,
    "at": STARTS,
    "data": {
        "term": 1,
        "startsAt": STARTS,
        "expiresAt": EXPIRES,
        "models": [TEXT_ID, IMAGE["modelId"]],
        "orderId": ORDER["orderId"],
        "price": QUOTE,
    },
}
CORRECTION_BODY: Final[Json] = {
    "modelId": TEXT_ID,
    "units": -3800000,
    "at": "2026-11-24T18:00:00Z",
    "reason": "The router reported bytes instead of tokens.",
}
CALLS_BACK_BODY: Final[Json] = {"modelId": TEXT_ID, "calls": -3, "reason": "The upstream failed three requests."}
CORRECTION: Final[Json] = {
    "subscriptionId": SUBSCRIPTION_ID,
    **CORRECTION_BODY,
    "calls": 0,
    "daily": DAILY,
    "monthly": MONTHLY,
}
PLAN_BODY: Final[Json] = {"planId": "plan_team", "expiresAt": EXPIRES}
PLAN: Final[Json] = {"accountId": "acct_demo", **PLAN_BODY, "asOf": None, "applied": True}
PLAN_KNOWN: Final[Json] = {**PLAN, "asOf": "2026-11-24T18:00:00Z", "applied": False}
