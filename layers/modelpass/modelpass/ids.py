"""The ids that callers send: of accounts, subscriptions and models. Rule: pure; it says what may be one, and no more.

Whether there is such an account, subscription or model is looked up elsewhere. An id that cannot be one need not be.
"""

from __future__ import annotations

import re
from typing import Final, TypeGuard

from modelpass.encoding import base32, from_base32

MAX_ACCOUNT_BYTES: Final = 255
MODEL_ID_PATTERN: Final = r"[A-Za-z0-9._:-]{1,64}"
MODEL_ID_RULE: Final = "1 to 64 of A-Z a-z 0-9 . _ : -"
"""Completes the sentence "… must be …"."""
MODEL_ID: Final = re.compile(MODEL_ID_PATTERN)
SUBSCRIPTION_ID_PATTERN: Final = r"sub_[a-z2-7]{24}"
_SUBSCRIPTION_ID: Final = re.compile(SUBSCRIPTION_ID_PATTERN)
_PREFIX: Final = "sub_"


def is_account(value: object) -> TypeGuard[str]:
    """Whether this can name an account: 1 to 255 bytes of UTF-8."""
    return isinstance(value, str) and 0 < _utf8_bytes(value) <= MAX_ACCOUNT_BYTES


def is_model_id(value: object) -> TypeGuard[str]:
    """Whether this can name a model."""
    return isinstance(value, str) and MODEL_ID.fullmatch(value) is not None


def is_subscription_id(text: str) -> bool:
    """Whether this can be the id of a subscription."""
    return _SUBSCRIPTION_ID.fullmatch(text) is not None


def subscription_id_of(entropy: bytes) -> str:
    """A subscription id from 15 bytes."""
    return _PREFIX + base32(entropy)


def subscription_id_bytes(subscription_id: str) -> bytes:
    """The reverse of `subscription_id_of`."""
    return from_base32(subscription_id.removeprefix(_PREFIX))


def _utf8_bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:  # a lone surrogate stands for no character
        return 0
