"""The service's functions through a boto3 client, for those who ask for it. Rule: boto3 is imported in `lambda_client`.

It costs several times the CPU of `InvokeBackend`, and brings what that leaves out: proxies, FIPS endpoints, one's own
botocore session, instrumentation.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.aws.failures import OK, answer_of, failure_of, name_of_error
from modelpass_client.aws.http1 import LONGEST_BODY
from modelpass_client.aws.invoke import named
from modelpass_client.aws.signed import json_bytes
from modelpass_client.backend import BackendError
from modelpass_client.errors import ConfigurationError

if TYPE_CHECKING:
    from modelpass_client.backend import Json

_NOT_SENT: Final = frozenset(
    {
        "ConnectTimeoutError",
        "CredentialRetrievalError",
        "EndpointConnectionError",
        "NoCredentialsError",
        "NoRegionError",
        "PartialCredentialsError",
        "ProxyConnectionError",
        "SSLError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)
"""botocore's failures that come before a request is sent."""


def lambda_client(
    endpoint: str | None = None,
    *,
    region: str | None = None,
    connect_seconds: float = 1.0,
    read_seconds: float = 5.0,
    connections: int = 64,
) -> Any:
    """A boto3 client that is bounded as `InvokeBackend` is, and tries once: the client of this package repeats itself.

    `read_seconds` is here for each piece of a reply, not for the whole of it: botocore offers no such bound.
    """
    try:
        import boto3  # noqa: PLC0415 - only for who asks for it
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError("boto3 is not installed") from None
    config = Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        max_pool_connections=connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return boto3.client("lambda", endpoint_url=endpoint, region_name=region, config=config)


class Boto3Backend:
    """The way to the service through a boto3 client of Lambda (`Backend`), such as `lambda_client` makes.

    The client's own time limits and retries hold; it stays the caller's, and `close` leaves it open.
    """

    def __init__(
        self,
        client: Any,
        *,
        authorize_function: str = "AuthorizeFunction",
        settle_function: str = "SettleFunction",
        describe_key_function: str = "DescribeKeyFunction",
    ) -> None:
        self._client = client
        self._authorize = named("authorize_function", authorize_function)
        self._settle = named("settle_function", settle_function)
        self._describe_key = named("describe_key_function", describe_key_function)

    def authorize(self, payload: Json) -> Json:
        """Ask whether a request may be made."""
        return self._invoke(self._authorize, payload)

    def settle(self, payload: Json) -> Json:
        """Report what a request used."""
        return self._invoke(self._settle, payload)

    def describe_key(self, payload: Json) -> Json:
        """Ask what an API key may use."""
        return self._invoke(self._describe_key, payload)

    def close(self) -> None:
        """Nothing: the client is the caller's."""

    def _invoke(self, function: str, payload: Json) -> Json:
        try:
            response = self._client.invoke(FunctionName=function, Payload=json_bytes(payload))
            with closing(response["Payload"]) as answer:
                body = answer.read(LONGEST_BODY + 1)
        except Exception as error:  # whatever botocore and those who hook into it raise
            failure = _failure(error)
        else:
            if response["StatusCode"] != OK:
                raise failure_of(response["StatusCode"], "")
            return answer_of(body if len(body) <= LONGEST_BODY else b"", failed="FunctionError" in response)
        raise failure


def _failure(error: Exception) -> BackendError:
    told = getattr(error, "response", None)
    if isinstance(told, dict):
        status = told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return failure_of(status, name_of_error(told.get("Error", {}).get("Code", "")))
    kind = type(error).__name__
    return BackendError(f"no answer ({kind})", maybe_done=kind not in _NOT_SENT)
