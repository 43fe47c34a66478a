"""Settings from the environment, read once at cold start. Rule: each function reads the mapping it is given, no more.

A setting that is missing or wrong raises `ConfigError`, which names it and never shows its value. Where DynamoDB is and
with which credentials it is asked is read by `dynamodb.endpoint`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.api_keys import DeploymentKeys
from modelpass.dynamodb.endpoint import CLIENT_SETTING, ConfigError, missing
from modelpass.runtime.deps import (
    DEFAULT_MAX_OPEN_HOLDS,
    DEFAULT_ORDER_MINUTES,
    DEFAULT_PRICE_CHANGE_FACTOR,
    MOST_ORDER_MINUTES,
)
from modelpass.schema import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORTEST_KEY: Final = 32
_SIGNING: Final = "DEPLOYMENT_KEY"
_ACCEPTED: Final = "DEPLOYMENT_KEYS_ACCEPTED"
_LEAST_FACTOR: Final = 2
_MOST_FACTOR: Final = 1_000_000
_VERSION: Final = "SCHEMA_VERSION_WRITTEN"


def tables(environment: Mapping[str, str]) -> Tables:
    """The names of the tables this function was given, and the schema version of the items it makes in them.

    Raises `ConfigError` for a version that this code does not understand.
    """
    return Tables(
        entitlements=environment.get("ENTITLEMENTS_TABLE", ""),
        subscriptions=environment.get("SUBSCRIPTIONS_TABLE", ""),
        history=environment.get("HISTORY_TABLE", ""),
        events=environment.get("EVENTS_TABLE", ""),
        catalogue=environment.get("CATALOGUE_TABLE", ""),
        tiers=environment.get("TIERS_TABLE", ""),
        version=_version_written(environment),
    )


def deployment_keys(environment: Mapping[str, str]) -> DeploymentKeys:
    """The deployment key that signs, and those accepted beside it; none where none is set.

    The accepted ones are separated by blanks. Raises `ConfigError` for a key that is too short or holds a blank, and
    where keys are accepted but none signs.
    """
    signing = environment.get(_SIGNING, "")
    accepted = environment.get(_ACCEPTED, "").split()
    if accepted and not signing:
        raise missing(_SIGNING)
    named = [(_SIGNING, signing)] if signing else []
    named += [(_ACCEPTED, value) for value in accepted]
    for name, value in named:
        if len(value) < _SHORTEST_KEY:
            msg = f"{name} must have at least {_SHORTEST_KEY} characters"
            raise ConfigError(msg)
    if any(character.isspace() for character in signing):
        msg = f"{_SIGNING} must hold no blanks, which separate the keys of {_ACCEPTED}"
        raise ConfigError(msg)
    return DeploymentKeys(tuple(value.encode() for _, value in named))


def signing_keys(environment: Mapping[str, str]) -> DeploymentKeys:
    """The deployment keys of a function that signs; raises `ConfigError` where there is none, too."""
    keys = deployment_keys(environment)
    if not keys.secrets:
        raise missing(_SIGNING)
    return keys


def max_open_holds(environment: Mapping[str, str]) -> int:
    """How many holds may be open per entitlement: a whole number from 1, or `ConfigError`."""
    text = environment.get("MAX_OPEN_HOLDS", str(DEFAULT_MAX_OPEN_HOLDS))
    if not text.isdecimal() or int(text) < 1:
        msg = "MAX_OPEN_HOLDS must be a whole number from 1"
        raise ConfigError(msg)
    return int(text)


def price_change_factor(environment: Mapping[str, str]) -> int:
    """By how much a price may change without being confirmed: a whole number from 2 to 1000000, or `ConfigError`."""
    text = environment.get("PRICE_CHANGE_FACTOR", str(DEFAULT_PRICE_CHANGE_FACTOR))
    if not text.isdecimal() or not _LEAST_FACTOR <= int(text) <= _MOST_FACTOR:
        msg = f"PRICE_CHANGE_FACTOR must be a whole number from {_LEAST_FACTOR} to {_MOST_FACTOR}"
        raise ConfigError(msg)
    return int(text)


def sale_approval(environment: Mapping[str, str]) -> bool:
    """Whether sales wait until they are confirmed: `required` or `none`, or `ConfigError`."""
    chosen = environment.get("SALE_APPROVAL", "none")
    if chosen not in ("none", "required"):
        msg = "SALE_APPROVAL must be none or required"
        raise ConfigError(msg)
    return chosen == "required"


def order_minutes(environment: Mapping[str, str]) -> int:
    """For how long an order waits at most, in minutes: a whole number from 1 to 10080, or `ConfigError`."""
    text = environment.get("ORDER_MINUTES", str(DEFAULT_ORDER_MINUTES))
    if not text.isdecimal() or not 1 <= int(text) <= MOST_ORDER_MINUTES:
        msg = f"ORDER_MINUTES must be a whole number from 1 to {MOST_ORDER_MINUTES}"
        raise ConfigError(msg)
    return int(text)


def lean_client_chosen(environment: Mapping[str, str]) -> bool:
    """Whether this function asks DynamoDB by the lean client; without the setting it uses boto3."""
    chosen = environment.get(CLIENT_SETTING, "boto3")
    if chosen not in ("lean", "boto3"):
        msg = f"{CLIENT_SETTING} must be lean or boto3"
        raise ConfigError(msg)
    return chosen == "lean"


def browsers_may_call(environment: Mapping[str, str]) -> bool:
    """Whether pages of some web origin may call the API; of which one, only API Gateway has to know."""
    return bool(environment.get("CORS_ORIGINS"))


def requests_are_traced(environment: Mapping[str, str]) -> bool:
    """Whether requests to the API are traced by X-Ray."""
    return environment.get("TRACING") == "Active"


def _version_written(environment: Mapping[str, str]) -> int:
    given = environment.get(_VERSION, str(schema.NEWEST))
    if given not in (str(schema.PREVIOUS), str(schema.NEWEST)):
        msg = f"{_VERSION} must be {schema.PREVIOUS} or {schema.NEWEST}"
        raise ConfigError(msg)
    return int(given)
