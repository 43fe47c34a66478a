"""`GET /v1/models` as its function answers it: its `ETag`, what caches may do, and who is shown what is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.handlers import Answer, Service, http_sample

if TYPE_CHECKING:
    from tests.support.handlers import Json

pytestmark = pytest.mark.usefixtures("clock")


def models(service: Service, *, operator: bool = False, tags: str | None = None, **query: Any) -> Answer:
    """The answer to a customer or to an operator."""
    event: Json = http_sample("get-models", "acct_models", headers={} if tags is None else {"if-none-match": tags})
    if query:
        event["queryStringParameters"] = query
    if operator:
        event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"] = "operator"
    return service.answer("get-models", event)


def turn(service: Service, *, available: bool) -> None:
    event = http_sample("availability", "operator", body=json.dumps({"available": available, "reason": "a test"}))
    assert service.answer("availability", event).status == 200


def test_answer_has_a_tag_of_its_body_and_says_what_caches_may_do(service: Service) -> None:
    customers, operators = models(service), models(service, operator=True)
    assert customers.body == operators.body
    assert customers.headers["ETag"] == operators.headers["ETag"]
    assert customers.headers["Cache-Control"] == "private, max-age=2"
    assert operators.headers["Cache-Control"] == "private, no-cache"
    assert models(service, limit="2").headers["ETag"] != customers.headers["ETag"]


@pytest.mark.parametrize("form", ["{}", " {} ", "W/{}", '"other", {}', '"a,b" , W/{},"c"', "*"])
@pytest.mark.parametrize("operator", [True, False])
def test_who_has_the_body_already_is_told_so_without_it(service: Service, form: str, *, operator: bool) -> None:
    whole = models(service, operator=operator)
    answer = models(service, operator=operator, tags=form.format(whole.headers["ETag"]))
    assert (answer.status, answer.body) == (304, "")
    kept = ("ETag", "Cache-Control")
    assert {name: answer.headers[name] for name in kept} == {name: whole.headers[name] for name in kept}
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("form", ["", "x", '"other"', "W/*", "**", "{}x", '"', ",", "*, {}"])
def test_who_has_not_gets_the_body(service: Service, form: str) -> None:
    tag = models(service).headers["ETag"]
    answer = models(service, tags=form.format(tag[:-2]))
    assert (answer.status, answer.headers["ETag"]) == (200, tag)


def test_change_is_another_body_and_another_tag(service: Service) -> None:
    before = models(service, operator=True)
    turn(service, available=False)
    try:
        after = models(service, operator=True, tags=before.headers["ETag"])
        assert (after.status, after.headers["ETag"] != before.headers["ETag"]) == (200, True)
        assert after.body != before.body
    finally:
        turn(service, available=True)
    assert models(service, operator=True, tags=before.headers["ETag"]).status == 304


def test_pages_are_followed_to_the_end(service: Service) -> None:
    whole = models(service).json
    assert whole["next"] is None
    found: list[Any] = []
    query: dict[str, Any] = {"limit": "1"}
    while True:
        page = models(service, **query).json
        found += page["models"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert found == whole["models"]
    assert [m["modelId"] for m in found] == sorted(m["modelId"] for m in found)


@pytest.mark.parametrize(
    ("query", "param"), [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"cursor": "x"}, "cursor")]
)
def test_page_that_is_none_is_refused_by_name(service: Service, query: Json, param: str) -> None:
    answer = models(service, **query)
    assert (answer.status, answer.error) == (400, ("invalid_request", param))
    assert "ETag" not in answer.headers
