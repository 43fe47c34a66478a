"""The lean way, the SDK's way and the local stack: the same answers, whatever the function and however it is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.aws.invoke import InvokeBackend
from modelpass_client.aws.sigv4 import Credentials
from modelpass_client.backend import BackendError
from tests.support.stack import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

ANY = Credentials("any", "any")


def lean(stack: Stack, **settings: Any) -> InvokeBackend:
    return InvokeBackend(stack.url, region="eu-west-1", credentials=ANY, **settings)


@pytest.mark.parametrize("qualifier", ["", ":$LATEST", ":live"])
@pytest.mark.parametrize("prefix", ["", "arn:aws:lambda:eu-west-1:123456789012:function:"])
def test_a_request_is_granted_and_settled_however_a_function_is_named(
    stack: Stack, new_account: Callable[[], str], prefix: str, qualifier: str
) -> None:
    key = stack.buy(new_account())["apiKey"]
    names = {f"{word}_function": f"{prefix}{word.title()}Function{qualifier}" for word in ("authorize", "settle")}
    backend = lean(stack, **names)
    granted = backend.authorize(
        {"apiKey": key, "modelId": TEXT_MODEL, "requestId": "r-1", "estimatedUsage": 10, "attempt": "a"}
    )
    assert granted["allowed"]
    report = {"authorizationId": granted["authorizationId"], "actualUsage": 7}
    assert backend.settle(report)["monthly"]["used"] == 7
    assert backend.settle(report) == {"settled": True, "replayed": True}
    backend.close()


def test_a_refusal_is_an_answer(stack: Stack) -> None:
    backend = lean(stack)
    refused = backend.authorize(
        {"apiKey": "sk-custom-nothing", "modelId": TEXT_MODEL, "requestId": "r-1", "estimatedUsage": 10}
    )
    assert (refused["allowed"], refused["statusCode"]) == (False, 401)
    backend.close()


def test_a_function_that_is_not_there_was_not_run(stack: Stack) -> None:
    backend = lean(stack, settle_function="Settle-nowhere")
    with pytest.raises(BackendError, match=r"404 ResourceNotFoundException") as raised:
        backend.settle({"authorizationId": "x", "actualUsage": 1})
    assert not raised.value.maybe_done
    backend.close()
