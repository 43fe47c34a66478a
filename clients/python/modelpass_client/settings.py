"""A client as the environment says. Rule: each name is checked here, and an error names it without showing its value.

Ways to the service are imported when they are chosen, so that nobody loads what he does not use.
"""

from __future__ import annotations

import dataclasses
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from modelpass_client.errors import ConfigurationError
from modelpass_client.policies import Policies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelpass_client.backend import Backend, Queue
    from modelpass_client.spool import Spool

BACKENDS: Final = ("invoke", "boto3", "direct")
LEASES: Final = ("off", "hot")

FUNCTIONS: Final = {
    "authorize_function": ("MODELPASS_AUTHORIZE_FUNCTION", "AuthorizeFunction"),
    "settle_function": ("MODELPASS_SETTLE_FUNCTION", "SettleFunction"),
    "describe_key_function": ("MODELPASS_DESCRIBE_KEY_FUNCTION", "DescribeKeyFunction"),
}
"""Arguments of the backends, each with its name in the environment and its default."""

_FUNCTION: Final = re.compile(r"[A-Za-z0-9_:$-]{1,170}")
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")


def policy_name(field: str) -> str:
    """The name of a policy in the environment: `hold_seconds` in capitals, after the prefix of all names."""
    return f"MODELPASS_{field.upper()}"


def arguments(environment: Mapping[str, str]) -> dict[str, Any]:
    """What `Client` and `AsyncClient` are made with; raises `ConfigurationError`."""
    policies = policies_from(environment)  # what is cheap to refuse is refused before anything is opened
    leases = _one_of(environment, "MODELPASS_LEASES", LEASES)
    return {
        "policies": policies,
        "hot_leases": leases == "hot",
        "queue": queue_from(environment),
        "spool": spool_from(environment),
        "backend": backend_from(environment),
    }


def policies_from(environment: Mapping[str, str]) -> Policies:
    """The policies, of which each may be named (see `policy_name`)."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(Policies):
        text = environment.get(policy_name(field.name))
        if text:
            found[field.name] = _policy(field, text)
            try:
                Policies(**{field.name: found[field.name]})
            except ConfigurationError as error:
                raise ConfigurationError(f"{policy_name(field.name)}: {error}") from None
    return Policies(**found)


def backend_from(environment: Mapping[str, str]) -> Backend:
    """The way to the service: by Lambda Invoke unless another is named."""
    chosen = _one_of(environment, "MODELPASS_BACKEND", BACKENDS)
    made: Backend
    if chosen == "direct":
        made = import_module("modelpass_client.direct").DirectBackend.from_env(environment)
    else:
        endpoint = _checked(environment, "MODELPASS_ENDPOINT", _is_url, "a URL such as http://127.0.0.1:3000")
        functions = {argument: _function(environment, *named) for argument, named in FUNCTIONS.items()}
        region = _region(environment)
        if chosen == "boto3":
            boto = import_module("modelpass_client.aws.boto")
            made = boto.Boto3Backend(boto.lambda_client(endpoint, region=region), **functions)
        else:
            made = import_module("modelpass_client.aws.invoke").InvokeBackend(endpoint, region=region, **functions)
    return made


def queue_from(environment: Mapping[str, str]) -> Queue | None:
    """The queue for settles, where one is named."""
    name = "MODELPASS_SETTLE_QUEUE_URL"
    url = _checked(environment, name, _is_url, "the URL of an SQS queue")
    if url is None:
        return None
    try:
        queue: Queue = import_module("modelpass_client.aws.sqs").SqsQueue(url)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None
    return queue


def spool_from(environment: Mapping[str, str]) -> Spool | None:
    """The spool, where a folder is named."""
    folder = environment.get("MODELPASS_SPOOL")
    if not folder:
        return None
    try:
        spool: Spool = import_module("modelpass_client.spool").Spool(folder)
    except ConfigurationError as error:
        raise ConfigurationError(f"MODELPASS_SPOOL: {error}") from None
    return spool


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """One of some words, of which the first is the default."""
    value = environment.get(name) or allowed[0]
    if value not in allowed:
        raise ConfigurationError(f"{name} must be one of {', '.join(allowed)}.")
    return value


def _function(environment: Mapping[str, str], name: str, default: str) -> str:
    told = _checked(environment, name, lambda text: _FUNCTION.fullmatch(text) is not None, "a function's name or ARN")
    return told or default


def _region(environment: Mapping[str, str]) -> str | None:
    name = "AWS_REGION" if environment.get("AWS_REGION") else "AWS_DEFAULT_REGION"
    return _checked(environment, name, lambda text: _REGION.fullmatch(text) is not None, "a Region of AWS")


def _checked(environment: Mapping[str, str], name: str, good: Callable[[str], bool], what: str) -> str | None:
    value = environment.get(name)
    if value and not good(value):
        raise ConfigurationError(f"{name} must be {what}.")
    return value or None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        usable = parts.port != 0  # reading the port checks it
    except ValueError:
        return False
    return usable and parts.scheme in {"http", "https"} and bool(parts.hostname) and text.isprintable()


def _policy(field: dataclasses.Field[Any], text: str) -> object:
    if field.type not in {"int", "float"}:
        return text
    try:
        return int(text) if field.type == "int" else float(text)
    except ValueError:
        kind = "whole number" if field.type == "int" else "number"
        raise ConfigurationError(f"{policy_name(field.name)} must be a {kind}.") from None
