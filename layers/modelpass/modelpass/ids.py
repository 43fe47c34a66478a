"""Ids of accounts, subscriptions and models: which texts can be one, and how a subscription's is made. Rule: pure.

Nothing here says whether such an account, subscription or model exists: commands look that up, and need not for a text
that cannot be an id. No id of a model has a `#` or a `%`: the first joins the parts of keys, the second is code in a
path. API keys are in `api_keys`, ids of orders in `order_ids`, authorization ids in `entitlements.authorization_ids`.
"""

from __future__ import annotations

import re
from typing import Final, TypeGuard

from modelpass.encoding import base32, from_base32

MAX_ACCOUNT_BYTES: Final = 255
MAX_MODEL_ID: Final = 128
MODEL_ID_PATTERN: Final = rf"[A-Za-z0-9._:/@-]{{1,{MAX_MODEL_ID}}}"
MODEL_ID_RULE: Final = f"1 to {MAX_MODEL_ID} of A-Z a-z 0-9 . _ : / @ -"
"""Completes the sentence "… must be …"."""
MODEL_ID: Final = re.compile(MODEL_ID_PATTERN)
SUBSCRIPTION_ID_PATTERN: Final = r"sub_[a-z2-7]{24}"
_SUBSCRIPTION_ID: Final = re.compile(SUBSCRIPTION_ID_PATTERN)
_LIKE_A_SECRET: Final = re.compile(r"sk-custom-|auth_[A-Za-z0-9_-]{100}|eyJ[A-Za-z0-9_-]*\.eyJ")
"""An API key, an authorization id or a JWT, also inside a longer text."""
_SUBSCRIPTION_PREFIX: Final = "sub_"


def is_account(value: object) -> TypeGuard[str]:
    """Whether this can be the id of an account: a text of 1 to 255 bytes of UTF-8."""
    return isinstance(value, str) and 0 < _utf8_bytes(value) <= MAX_ACCOUNT_BYTES


def is_model_id(value: object) -> TypeGuard[str]:
    """Whether this can be the id of a model."""
    return isinstance(value, str) and MODEL_ID.fullmatch(value) is not None


def is_subscription_id(text: str) -> bool:
    """Whether this can be the id of a subscription."""
    return _SUBSCRIPTION_ID.fullmatch(text) is not None


def may_be_logged(text: str) -> bool:
    """Whether a well-formed id that a caller sent may stand in the log: not where it looks like a secret.

    A caller may have put an API key, an authorization id or a token into the wrong field.
    """
    return _LIKE_A_SECRET.search(text) is None


def subscription_id_of(entropy: bytes) -> str:
    """The subscription id that is made of these 15 bytes."""
    return _SUBSCRIPTION_PREFIX + base32(entropy)


def subscription_id_bytes(subscription_id: str) -> bytes:
    """The 15 bytes that a subscription id is made of."""
    return from_base32(subscription_id.removeprefix(_SUBSCRIPTION_PREFIX))


def _utf8_bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:  # a lone surrogate, which no UTF-8 can hold
        return 0
