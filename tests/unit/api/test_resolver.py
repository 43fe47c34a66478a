"""Routes: what API Gateway has matched reaches the handler, whatever characters a path variable holds."""

from __future__ import annotations

import json

import pytest

from local.awslambda.process import Context
from modelpass.api.resolver import resolver


@pytest.mark.parametrize(
    "name", ["acct_1", "a b", "é", "😀", 'a"b', "a#b", "a?b", "a\\b", "a`b", "\x18", "a\n", "%", "."]
)
def test_any_text_in_a_path_reaches_the_function(name: str) -> None:
    app = resolver("test")
    app.get("/v1/accounts/<account_id>/plan")(lambda account_id: {"came": account_id})
    asked = {"http": {"method": "GET", "path": f"/v1/accounts/{name}/plan"}, "stage": "$default", "requestId": "r"}
    event = {"version": "2.0", "rawPath": f"/v1/accounts/{name}/plan", "headers": {}, "requestContext": asked}
    context = Context("r", "f", "128", "arn", 0.0)
    answer = app.resolve(event, context)  # type: ignore[arg-type] # what Lambda gives, as far as we read it
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"came": name})
