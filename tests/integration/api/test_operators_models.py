"""`GET /v1/models` as operators are answered: all of the catalogue, with what was withdrawn, as it is at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.handlers import Answer, deployed_on_failing_store, http_sample
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from tests.support.handlers import Service

pytestmark = pytest.mark.usefixtures("clock")


def all_models(service: Service, tag: str | None = None, **query: str) -> Answer:
    headers = {} if tag is None else {"if-none-match": tag}
    changes: dict[str, Any] = {"queryStringParameters": query} if query else {}
    return service.http("list-models", "anna", headers=headers, **changes)


def test_withdrawn_model_is_marked_for_operators_and_missing_for_customers(own_service: Service) -> None:
    before = own_service.http("get-models", "acct").json
    assert all_models(own_service).json == before
    shown = next(m for m in before["models"] if m["modelId"] == TEXT_MODEL)
    withdrawn = own_service.http("withdraw-model", "anna", pathParameters={"modelId": TEXT_MODEL})
    assert withdrawn.status == 204
    others = [m for m in before["models"] if m is not shown]
    found = all_models(own_service)
    assert found.json == {"models": [{**shown, "withdrawn": True}, *others], "next": None}
    event = http_sample("get-models", "acct", queryStringParameters={"limit": "99"})  # nothing is kept of this page
    assert own_service.answer("get-models", event).json == {"models": others, "next": None}
    listed, query = [], {"limit": "1"}
    while True:
        page = all_models(own_service, **query).json
        listed += page["models"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert listed == found.json["models"]


def test_answer_is_asked_for_anew_each_time_and_not_sent_twice(service: Service) -> None:
    whole = all_models(service)
    assert whole.headers["Cache-Control"] == "private, no-cache"
    again = all_models(service, tag=whole.headers["ETag"])
    assert (again.status, again.body, again.headers["ETag"]) == (304, "", whole.headers["ETag"])
    asked: list[Any] = []
    send = service.module("CatalogueFunction").deps.send

    def keeping(operation: str, request: Any) -> Any:
        asked.append((operation, request.get("ConsistentRead")))
        return send(operation, request)

    with service.sending("CatalogueFunction", keeping):
        all_models(service)
        all_models(service)
    assert asked == [("Query", True), ("GetItem", True)] * 2


@pytest.mark.parametrize(
    ("query", "param"),
    [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"cursor": "x"}, "cursor"), ({"colour": "1"}, "colour")],
)
def test_page_that_is_none_is_refused_by_name(service: Service, query: dict[str, str], param: str) -> None:
    answer = all_models(service, **query)
    assert (answer.status, answer.error) == (400, ("invalid_request", param))


def test_everybody_else_is_forbidden_before_anything_is_read(service: Service) -> None:
    event = http_sample("list-models", "acct", queryStringParameters={"colour": "red"})
    del event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"]
    answer = service.answer("list-models", event)
    assert (answer.status, answer.error) == (403, ("forbidden", None))


def test_store_that_is_busy_is_told_as_temporary(service: Service) -> None:
    with deployed_on_failing_store(400, "ThrottlingException", service.template) as busy, busy.impatient("list-models"):
        answer = all_models(busy)
    assert (answer.status, answer.error, answer.headers["Retry-After"]) == (503, ("temporarily_unavailable", None), "1")
