"""Invokes other functions of the deployment, as a router and API Gateway do. Rule: once, and in a bounded time.

What cannot be invoked, and a function that fails, is one failure; it names its kind and quotes nothing that was sent.
"""

from __future__ import annotations

import json
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_CONNECT_SECONDS: Final = 2
_ANSWER_SECONDS: Final = 18
"""Longer than any function of a request may take, which is 15 seconds."""


class InvocationFailedError(Exception):
    """A function could not be invoked, or failed; `kind` is the name of the error."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class LambdaInvoker:
    """Lambda's Invoke, with the credentials, the Region and the endpoint of the environment."""

    def __init__(self) -> None:
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_ANSWER_SECONDS,
            retries={"total_max_attempts": 1},  # a customer that is refused once is what is looked for
        )
        self._client = boto3.client("lambda", config=config)

    def invoke(self, function: str, event: object) -> Any:
        """What a function answers; raises `InvocationFailedError` where it does not."""
        try:
            answer = self._client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
            if "FunctionError" in answer:
                raise InvocationFailedError(answer["FunctionError"])
            return json.loads(answer["Payload"].read())
        except ClientError as error:
            raise InvocationFailedError(error.response["Error"]["Code"]) from None
        except (BotoCoreError, ValueError) as error:
            raise InvocationFailedError(type(error).__name__) from None
