"""The model router as the demo plays it: `lambda.invoke` with boto3. Rule: sends and reads, decides nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.cloudformation.template import REGION
from ops.api_client import TIMEOUT_SECONDS, json_of

if TYPE_CHECKING:
    from ops.api_client import Json


class Router:
    """The model router: asks before every request, and reports what it used."""

    def __init__(self, url: str) -> None:
        self._client = boto3.client(
            "lambda",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 (the stack checks none)
            config=Config(retries={"total_max_attempts": 1}, read_timeout=TIMEOUT_SECONDS),
        )

    def invoke(self, function: str, payload: Json) -> Any:
        """The result of a function, or the report of its failure, which no step expects."""
        response = self._client.invoke(FunctionName=function, Payload=json.dumps(payload))
        return json_of(response["Payload"].read())
