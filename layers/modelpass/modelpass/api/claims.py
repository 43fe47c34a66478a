"""What the claims of a token say, by the names that a deployment gives them. Rule: reads claims and nothing else.

Identity providers differ in which claim tells operators from customers, and in which one names the account. API Gateway
hands claims over as text: a number or a boolean as JSON writes it, a list as `[a b]`, an object in brackets or braces;
a claim that is null is left out. So a text in brackets may have been a list, and one with a blank in it two values. A
real list, a number and so on are read as what they are, should they ever come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.dynamodb.endpoint import ConfigError
from modelpass.ids import is_account

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBJECT: Final = "sub"
"""The claim that names whoever bears the token. RFC 7519 has it a text, so no form of it is taken for a list."""
_BRACKETS: Final = frozenset("[]{}")


class ClaimNames(NamedTuple):
    """Which claim makes an operator, by which of its values, and which claim names the account."""

    operator: str = "scope"
    operator_value: str = "operator"
    account: str = SUBJECT


DEFAULTS: Final = ClaimNames()
"""The names of a deployment that names no others."""


def names_of(environment: Mapping[str, str]) -> ClaimNames:
    """The names that this function was given, or the defaults; raises `ConfigError` for one that is empty."""
    settings = ("OPERATOR_CLAIM", "OPERATOR_VALUE", "ACCOUNT_CLAIM")
    names = ClaimNames(*(environment.get(name, usual) for name, usual in zip(settings, DEFAULTS, strict=True)))
    for setting, name in zip(settings, names, strict=True):
        if not name:
            msg = f"{setting} must not be empty"
            raise ConfigError(msg)
    return names


def makes_operator(claims: Mapping[str, Any], names: ClaimNames) -> bool:
    """Whether the operators' claim has the operators' value: whole and in the same case, alone or among others.

    A claim that is missing or neither text nor a list does not; nor does an object, or a list within a list.
    """
    return names.operator_value in _values(claims.get(names.operator))


def account_in(claims: Mapping[str, Any], names: ClaimNames) -> str | None:
    """The account that the claims name; None where there is none that can name an account.

    A list of organisations is none, for whoever belongs to several would share an account with others by accident.
    """
    value = claims.get(names.account)
    if not is_account(value) or (names.account != SUBJECT and _was_no_text(value)):
        return None
    return value


def _values(claim: object) -> list[str]:
    if isinstance(claim, list):
        return [value for value in claim if isinstance(value, str)]
    if not isinstance(claim, str):
        return []
    is_list = claim.startswith("[") and claim.endswith("]")
    values = claim[1:-1] if is_list else claim
    # What has brackets still was an object or held lists: the words in it are no values of this claim.
    return [] if _BRACKETS & set(values) else values.split(" ")


def _was_no_text(claim: str) -> bool:
    """Whether a claim has the form in which API Gateway shows a list or an object."""
    return claim.startswith(("[", "map[", "{")) and claim.endswith(("]", "}"))
