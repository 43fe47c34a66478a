"""The CORS headers that API Gateway gives to browsers of other origins, and who gets none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.apigateway import cors
from local.cloudformation.template import Cors
from local.messages import HttpRequest

ONE, OTHER = "https://console.example", "http://localhost:5173"
CONFIGURED = Cors((ONE, OTHER), ("GET", "PUT"), ("Authorization", "Content-Type"), ("Location", "Retry-After"), 600)
PREFLIGHT = {"access-control-request-method": "PUT"}


def request(method: str = "GET", **headers: str) -> HttpRequest:
    return HttpRequest(method, "/v1/models", "", {n.replace("_", "-"): v for n, v in headers.items()}, b"", "127.0.0.1")


@pytest.mark.parametrize("origin", [ONE, OTHER])
def test_an_allowed_origin_is_told_itself_and_what_it_may_read(origin: str) -> None:
    assert cors.headers(CONFIGURED, request(origin=origin)) == {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Location,Retry-After",
    }


def test_a_preflight_is_told_what_may_be_sent_and_for_how_long() -> None:
    asked = request("OPTIONS", origin=ONE, **PREFLIGHT)
    assert cors.is_preflight(asked)
    assert cors.headers(CONFIGURED, asked) == {
        "Access-Control-Allow-Origin": ONE,
        "Access-Control-Allow-Methods": "GET,PUT",
        "Access-Control-Allow-Headers": "Authorization,Content-Type",
        "Access-Control-Max-Age": "600",
    }


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://console.example.evil", "http://console.example", "null", ""]
)
def test_another_origin_is_told_nothing(origin: str) -> None:
    assert cors.headers(CONFIGURED, request(origin=origin)) == {}
    assert cors.headers(CONFIGURED, request("OPTIONS", origin=origin, **PREFLIGHT)) == {}


def test_without_an_origin_or_a_configuration_nothing_is_told() -> None:
    assert cors.headers(CONFIGURED, request()) == {}
    assert cors.headers(None, request(origin=ONE)) == {}


def test_wildcards_allow_every_origin_or_every_one_of_a_scheme() -> None:
    every = replace(CONFIGURED, origins=("*",))
    assert cors.headers(every, request(origin="https://any.example"))["Access-Control-Allow-Origin"] == "*"
    secure = replace(CONFIGURED, origins=("https://*",))
    assert cors.headers(secure, request(origin=ONE))["Access-Control-Allow-Origin"] == ONE
    assert cors.headers(secure, request(origin=OTHER)) == {}


@pytest.mark.parametrize(
    ("method", "headers"),
    [("GET", {"origin": ONE, **PREFLIGHT}), ("OPTIONS", {"origin": ONE}), ("OPTIONS", PREFLIGHT)],
)
def test_what_lacks_a_part_is_no_preflight(method: str, headers: dict[str, str]) -> None:
    assert not cors.is_preflight(request(method, **headers))


def test_headers_of_a_function_do_not_count() -> None:
    assert cors.without({"ACCESS-control-Allow-Origin": "*", "Location": "/x"}) == {"Location": "/x"}
