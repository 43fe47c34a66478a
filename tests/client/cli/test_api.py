"""A token goes to the address it is for and nowhere else, and a lost answer is told apart from a refusal."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from modelpass_client.cli import api
from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure, Refusal, Unreachable
from tests.client.cli.service import Service, serving

if TYPE_CHECKING:
    from modelpass_client.cli.api import Api

TOKEN = "a-token-that-nobody-may-see"


@pytest.fixture
def there(service: Service) -> Api:
    return api.Api(service.url, TOKEN)


@pytest.mark.parametrize(
    "url", ["https://a.example", "https://a.example/v/", "http://127.0.0.1:3000", "http://localhost", "http://[::1]:1"]
)
def test_addresses_that_may_get_a_token_are_taken(url: str) -> None:
    assert api.checked_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "ftp://a.example",
        "http://a.example",
        "https://",
        "https://u:p@a.example",
        "https://a.example/?x",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(Failure, match="--url must be") as refused:
        api.checked_url(url)
    assert refused.value.exit_status is Exit.USAGE
    assert "u:p" not in str(refused.value)


def test_a_redirect_is_not_followed(service: Service, there: Api) -> None:
    with serving() as other:
        service.on("GET /v1/models", (302, None, {"Location": f"{other.url}/v1/models"}))
        with pytest.raises(Unreachable, match="sends on to another address"):
            there.get("/v1/models")
        assert other.asked == []


def test_reading_is_repeated_once_after_a_lost_answer_and_changing_is_not(service: Service, there: Api) -> None:
    service.on("GET /a", None, (200, {"a": 1}))
    assert there.get("/a").json == {"a": 1}
    service.on("POST /b", None)
    with pytest.raises(Unreachable) as lost:
        there.change("POST", "/b", {})
    assert lost.value.maybe_done
    assert "may have been carried out" in lost.value.todo
    assert [request.target for request in service.asked] == ["/a", "/a", "/b"]


def test_what_nobody_heard_was_not_carried_out() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = api.Api(f"http://127.0.0.1:{nobody.getsockname()[1]}", TOKEN)
        with pytest.raises(Unreachable, match="does not answer: Connection refused") as refused:
            dead.change("POST", "/b", {})
    assert not refused.value.maybe_done
    assert "carried out" not in refused.value.todo


def test_no_text_of_a_failure_holds_what_was_sent(service: Service, there: Api) -> None:
    answers: list[Any] = [None, (500, {"message": "x"}), (200, b"<html>"), (200, [])]
    for answer in answers:
        service.on("POST /b", answer)
        with pytest.raises(Failure) as failed:
            there.change("POST", "/b", {"apiKey": "sk-custom-secret"}).json  # noqa: B018 - it is read there
        shown = f"{failed.value!r} {failed.value} {failed.value.todo} {failed.value.__cause__!r} {there!r}"
        assert TOKEN not in shown
        assert "sk-custom-secret" not in shown


def test_what_is_sent_has_the_token_the_reason_and_the_headers(service: Service, there: Api) -> None:
    service.on("PUT /v1/x", (200, {}))
    there.change(
        "PUT",
        "/v1/x",
        {"a": "ä"},
        query={"asOf": "2026-01-01T00:00:00+01:00", "no": None},
        reason="weil ä/b",
        headers={"If-Match": '"t"', "If-None-Match": None},
    )
    (sent,) = service.asked
    assert sent.target == "/v1/x?asOf=2026-01-01T00%3A00%3A00%2B01%3A00"
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["X-Request-Reason"] == "weil%20%C3%A4%2Fb"
    assert sent.headers["If-Match"] == '"t"'
    assert "If-None-Match" not in sent.headers
    assert sent.body == b'{"a": "\\u00e4"}'


def test_every_page_is_read_also_after_an_empty_one(service: Service, there: Api) -> None:
    service.on(
        "GET /v1/orders",
        (200, {"orders": [{"a": 1}], "next": "c1"}),
        (200, {"orders": [], "next": "c2"}),
        (200, {"orders": [{"a": 2}], "next": None}),
    )
    assert list(there.pages("/v1/orders", "orders")) == [{"a": 1}, {"a": 2}]
    assert [request.target for request in service.asked] == [
        "/v1/orders?limit=100",
        "/v1/orders?limit=100&cursor=c1",
        "/v1/orders?limit=100&cursor=c2",
    ]


def test_what_answers_without_a_list_is_no_modelpass(service: Service, there: Api) -> None:
    service.on("GET /v1/orders", (200, {"hello": "world"}))
    with pytest.raises(Unreachable, match="no Modelpass"):
        list(there.pages("/v1/orders", "orders"))


def test_a_refusal_is_raised_with_its_words(service: Service, there: Api) -> None:
    service.on("GET /v1/x", (404, {"error": {"code": "not_found", "message": "No.", "param": None}}))
    with pytest.raises(Refusal) as refused:
        there.get("/v1/x")
    assert (refused.value.code, refused.value.exit_status) == ("not_found", Exit.NOT_FOUND)


def test_ids_are_encoded_twice() -> None:
    assert api.segment("openai/gpt-4o") == "openai%252Fgpt-4o"
