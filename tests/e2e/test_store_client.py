"""With one template parameter, authorize and settle use boto3 in place of the lean client, and answer the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import stack as support

if TYPE_CHECKING:
    from tests.support.stack import Stack


def clients_of(stack: Stack) -> set[str]:
    """The values of STORE_CLIENT in the environments of the functions' processes."""
    entries = [
        entry.partition("=")
        for pid in support.descendants(stack.process.pid)
        for entry in Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    ]
    return {value for name, _, value in entries if name == "STORE_CLIENT"}


@pytest.mark.parametrize("chosen", ["boto3"])
def test_requests_are_decided_through_the_sdk_where_a_parameter_says_so(
    engine: str, tmp_path: Path, chosen: str
) -> None:
    with support.running(
        AWS_ENDPOINT_URL_DYNAMODB=engine, DATA=str(tmp_path), PARAMETERS=f"StoreClient={chosen}"
    ) as stack:
        granted = stack.authorize(stack.buy("acct_of_the_sdk")["apiKey"], "r-1", 4000)
        assert granted["allowed"]
        assert stack.settle(granted["authorizationId"], 1234)["monthly"]["used"] == 1234
        assert stack.settle(granted["authorizationId"], 1234) == {"settled": True, "replayed": True}
        assert clients_of(stack) == {chosen}
        stack.note_permissions()


def test_without_it_no_request_is(stack: Stack) -> None:
    stack.authorize("sk-custom-nothing", "r-1")
    assert clients_of(stack) == {"lean"}
