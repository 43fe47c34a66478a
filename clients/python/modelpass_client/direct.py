"""Decisions in this process, by the service's own code: one request to DynamoDB each, and no function between.

Rule: it holds what the service is trusted with, the deployment key, and shows it nowhere. `docs/direct.md` says what
that means, and which rights it needs. The package `modelpass` is imported when a backend is made, and not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelpass_client.backend import Json

_MISSING: Final = (
    "the direct way needs Python 3.11 and the service's own package, which is not the modelpass of PyPI: "
    "pip install ./layers/modelpass"
)
_TABLES: Final = ("Entitlements", "Subscriptions", "History", "Events", "Catalogue", "Tiers")
_OF_STACK: Final = {
    "MaxOpenHolds": "MAX_OPEN_HOLDS",
    "SaleApproval": "SALE_APPROVAL",
    "SchemaVersionWritten": "SCHEMA_VERSION_WRITTEN",
}
"""Parameters of a stack that decisions depend on, and their settings."""
NAMES: Final = {
    **{f"MODELPASS_{table.upper()}_TABLE": f"{table.upper()}_TABLE" for table in _TABLES},
    "MODELPASS_DEPLOYMENT_KEY": "DEPLOYMENT_KEY",
    "MODELPASS_DEPLOYMENT_KEYS_ACCEPTED": "DEPLOYMENT_KEYS_ACCEPTED",
    "MODELPASS_MAX_OPEN_HOLDS": "MAX_OPEN_HOLDS",
    "MODELPASS_SALE_APPROVAL": "SALE_APPROVAL",
    "MODELPASS_SCHEMA_VERSION_WRITTEN": "SCHEMA_VERSION_WRITTEN",
    "MODELPASS_STORE_ENDPOINT": "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_REGION": "AWS_REGION",
}
"""The names in a router's environment, and those of the functions' settings that they stand for."""


class Credentials(Protocol):
    """What requests to the store are signed with; those that do not end have no session token."""

    @property
    def access_key_id(self) -> str:
        """Names the secret; AWS never gives an id a second one."""

    @property
    def secret_access_key(self) -> str:
        """Signs requests."""

    @property
    def session_token(self) -> str | None:
        """Goes with each request."""


class _Decisions(Protocol):
    """What is used of the service's package; answers are those of its functions."""

    def authorize(self, event: Json) -> Json: ...
    def settle(self, event: Json) -> Json: ...
    def describe_key(self, event: Json) -> Json: ...
    def clock_difference_ms(self) -> int | None: ...
    def close(self) -> None: ...


class DirectBackend:
    """A backend without a hop: any number of threads may use it, and each call blocks while the store answers.

    `settings` are those of the deployment's functions, by their names there (the values of `NAMES`). `credentials` is
    called for each request, must be quick, and may raise: then nothing is granted. `log` is called with each line of
    the log, which holds no secret; without it, nothing is written. Raises `ConfigurationError`, which names what is
    missing or wrong and never shows its value.

    Answers are those of the functions, `temporarily_unavailable` included, so no method raises `BackendError`.
    """

    clock_checked: Final = True
    """The clock that decides is held against the store's, which is what leases ask of this way."""

    def __init__(
        self,
        settings: Mapping[str, str],
        credentials: Callable[[], Credentials],
        *,
        log: Callable[[str], object] | None = None,
    ) -> None:
        try:
            embedded: Any = import_module("modelpass.embedded.decisions")
            output: Any = import_module("modelpass.runtime.telemetry")
        except ImportError:
            raise ConfigurationError(_MISSING) from None

        def parts() -> tuple[str, str, str | None]:
            now = credentials()
            return now.access_key_id, now.secret_access_key, now.session_token

        failure = ""
        try:
            self._decisions: _Decisions = embedded.Decisions(settings, parts, output.Output(log))
        except embedded.ConfigError as error:  # it names a setting, never its value
            failure = str(error)
        if failure:
            raise ConfigurationError(failure)

    def __repr__(self) -> str:
        return "DirectBackend()"

    @classmethod
    def from_env(
        cls,
        environment: Mapping[str, str],
        *,
        credentials: Callable[[], Credentials] | None = None,
        log: Callable[[str], object] | None = None,
    ) -> DirectBackend:
        """A backend as an environment says, by the names of `NAMES`.

        Without `credentials`, they are the environment's, or else what botocore's chain finds.
        """
        settings = {setting: environment[name] for name, setting in NAMES.items() if environment.get(name)}
        settings.setdefault("AWS_REGION", environment.get("AWS_DEFAULT_REGION", ""))
        for name, setting in NAMES.items():
            if not settings.get(setting) and setting.endswith(("_TABLE", "_KEY", "_REGION")):
                raise ConfigurationError(f"{name} is missing")
        if credentials is None:
            credentials = import_module("modelpass_client.aws.credentials").default_credentials(environment)
        return cls(settings, credentials, log=log)

    @property
    def clock_ahead_ms(self) -> int | None:
        """By how much this machine's clock is ahead of the service's for certain, in milliseconds; below 0: behind.

        0 within 2 seconds. None when it is not known. Unless it is 0, nothing is granted.
        """
        return self._decisions.clock_difference_ms()

    def authorize(self, payload: Json) -> Json:
        """Ask whether a request may be made, and reserve what it may use."""
        return self._decisions.authorize(payload)

    def settle(self, payload: Json) -> Json:
        """Report what a request used."""
        return self._decisions.settle(payload)

    def describe_key(self, payload: Json) -> Json:
        """Ask what an API key may use."""
        return self._decisions.describe_key(payload)

    def close(self) -> None:
        """Close the connections to the store."""
        self._decisions.close()


def settings_of_stack(stack: Mapping[str, Any], *, region: str, deployment_key: str) -> dict[str, str]:
    """The settings for a deployed stack, as `describe_stacks` of CloudFormation shows it (one of its `Stacks`).

    Tables are its outputs, and what decisions depend on besides its parameters. The deployment key is in no output.
    Raises `ConfigurationError` when it is not a stack of Modelpass.
    """
    outputs = {told["OutputKey"]: told["OutputValue"] for told in stack.get("Outputs", ())}
    parameters = {told["ParameterKey"]: told.get("ParameterValue", "") for told in stack.get("Parameters", ())}
    settings = {"AWS_REGION": region, "DEPLOYMENT_KEY": deployment_key}
    for table in _TABLES:
        if f"{table}TableName" not in outputs:
            raise ConfigurationError(f"the stack has no output {table}TableName")
        settings[f"{table.upper()}_TABLE"] = outputs[f"{table}TableName"]
    chosen = {setting: parameters.get(name, "") for name, setting in _OF_STACK.items()}
    return {**settings, **{setting: value for setting, value in chosen.items() if value}}
