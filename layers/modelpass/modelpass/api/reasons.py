"""Why an operator calls: the header `X-Request-Reason`. Rule: reads a request and nothing else, and writes nothing.

Headers carry ASCII alone, so a reason comes percent-encoded, as `encodeURIComponent` and its like make it. It is kept
nowhere but in the line of the call. So what looks like a secret is refused, and the refusal repeats nothing of it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from modelpass.errors import invalid
from modelpass.ids import may_be_logged

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

HEADER: Final = "X-Request-Reason"
MOST_CHARACTERS: Final = 200
"""How many characters a reason may have, once it is decoded."""
REASON_PATTERN: Final = f"([!-$&-~]|%[0-9A-Fa-f]{{2}}){{1,{4 * MOST_CHARACTERS}}}"
"""Visible ASCII and percent codes, for up to as many bytes as so many characters take in UTF-8."""
REASON_RULE: Final = f"1 to {MOST_CHARACTERS} printable characters in UTF-8, percent-encoded"
_ENCODED: Final = re.compile(REASON_PATTERN)
_NOT_PRINTABLE: Final = frozenset({"Cc", "Cs", "Cn", "Zl", "Zp"})


def reason_of(event: APIGatewayProxyEventV2) -> str | None:
    """The reason that the header gives, decoded; None where it was not sent.

    Raises `invalid_request`, which names the header, for another form, more characters, blanks alone, control
    characters, and text in which an API key, an authorization id or a token is found.
    """
    value = event.headers.get(HEADER.lower())
    if value is None:
        return None
    reason = _decoded(value)
    if not reason.strip() or len(reason) > MOST_CHARACTERS or not _is_printable(reason):
        raise invalid(HEADER, f"{HEADER} must be {REASON_RULE}.")
    if not may_be_logged(reason):
        raise invalid(HEADER, f"{HEADER} must hold no key, authorization id or token.")
    return reason


def _decoded(value: str) -> str:
    """The text that is encoded; empty where the value is of another form."""
    if _ENCODED.fullmatch(value) is None:
        return ""
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return ""


def _is_printable(text: str) -> bool:
    return all(unicodedata.category(character) not in _NOT_PRINTABLE for character in text)
