"""Sales and corrections whose answer is lost: what is said makes a repeat safe, and the repeat is the same request."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from modelpass_client.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.service import Service

KEY = "sk-custom-EXAMPLE"
QUOTED = {"currency": "USD", "lines": [], "monthlyTotal": "29.00", "months": 1, "total": "29.00"}
BOUGHT = {
    "subscriptionId": "sub_1",
    "status": "active",
    "term": 1,
    "apiKeyMasked": "sk-custom-…MPLE",
    "startsAt": "2026-11-24T16:11:00Z",
    "expiresAt": "2026-12-24T16:11:00Z",
    "timezone": "UTC",
    "autoRenew": True,
    "autoRenewMonths": 2,
    "label": "",
    "models": [],
    "pendingChange": None,
    "price": QUOTED,
    "apiKey": KEY,
    "order": {"orderId": "ord_1", "status": "done"},
}
ORDER = ("buy", "m=stable,50,5M", "--yes", "--json")
CORRECTION = ("subscriptions", "correct", "sub_1", "m", "--units", "-5", "--reason", "x", "--json")
HOW = re.compile(r"Repeat the same command safely with: (.+)")


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPASS_TOKEN", "a-token")


def run(service: Service, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "--url", service.url])


@pytest.mark.parametrize(
    ("words", "path"),
    [(ORDER, "/v1/subscriptions"), (CORRECTION, "/v1/subscriptions/sub_1/corrections")],
    ids=["buy", "correct"],
)
@pytest.mark.parametrize(
    "lost", [None, (503, {"message": "Service Unavailable"}), (500, {"error": {"code": "internal_error"}})]
)
def test_a_lost_answer_is_told_with_how_to_repeat_the_very_same_request(
    service: Service, words: tuple[str, ...], path: str, lost: Any
) -> None:
    service.on("POST /v1/quotes", (200, QUOTED), (200, {**QUOTED, "total": "99.00"}))
    corrected = {"units": -5, "calls": 0, "at": "x", "daily": None, "monthly": None}
    service.on(f"POST {path}", lost, (200, {**BOUGHT, **corrected}))
    first = run(service, *words)
    assert (first.exit_code, first.stdout) == (5, "")
    (how,) = HOW.findall(first.stderr)
    assert run(service, *words, *shlex.split(how)).exit_code == 0
    one, two = service.to(path)
    assert one.body == two.body
    assert one.headers["Idempotency-Key"] == two.headers["Idempotency-Key"]


def test_every_sale_has_a_key_of_its_own(service: Service) -> None:
    service.on("POST /v1/quotes", (200, QUOTED))
    service.on("POST /v1/subscriptions", (201, BOUGHT))
    for _ in range(3):
        assert run(service, *ORDER).exit_code == 0
    sent = service.to("/v1/subscriptions")
    assert len({request.headers["Idempotency-Key"] for request in sent}) == 3
    assert json.loads(sent[0].body)["expectedTotal"] == "29.00"


def test_a_refusal_is_told_without_how_to_repeat(service: Service) -> None:
    service.on("POST /v1/quotes", (200, QUOTED))
    service.on("POST /v1/subscriptions", (409, {"error": {"code": "price_changed", "message": "It costs more."}}))
    ended = run(service, *ORDER)
    assert (ended.exit_code, HOW.search(ended.stderr)) == (6, None)


@pytest.mark.parametrize("key", ["", "ä", "a b", "x" * 256])
def test_a_key_that_no_header_takes_is_refused_before_anything_is_sent(service: Service, key: str) -> None:
    ended = run(service, *ORDER, "--idempotency-key", key)
    assert (ended.exit_code, service.asked) == (2, [])


def test_the_key_is_in_the_json_or_in_the_file_and_never_in_both(service: Service, tmp_path: Path) -> None:
    service.on("POST /v1/quotes", (200, QUOTED))
    service.on("POST /v1/subscriptions", (201, BOUGHT))
    assert json.loads(run(service, *ORDER).stdout)["apiKey"] == KEY
    file = tmp_path / "key"
    ended = run(service, *ORDER, "--key-file", str(file))
    assert json.loads(ended.stdout)["apiKey"] is None
    assert KEY not in ended.output
    assert file.read_text() == f"{KEY}\n"


def test_an_order_that_waits_says_until_when(service: Service, tmp_path: Path) -> None:
    service.on("POST /v1/quotes", (200, QUOTED))
    order = {"orderId": "ord_1", "status": "pending", "lapsesAt": "2026-11-24T17:11:00Z"}
    waits = {**BOUGHT, "status": "pending", "startsAt": None, "expiresAt": None, "order": order}
    service.on("POST /v1/subscriptions", (202, waits))
    ended = run(service, "buy", "m=stable,50,5M", "--yes", "--key-file", str(tmp_path / "key"))
    assert ended.exit_code == 0
    assert "The order ord_1 waits until 2026-11-24T17:11:00Z to be confirmed." in ended.stdout


def test_a_lost_answer_leaves_no_file_for_the_key(service: Service, tmp_path: Path) -> None:
    service.on("POST /v1/quotes", (200, QUOTED))
    service.on("POST /v1/subscriptions", None)
    assert run(service, "buy", "m=stable,50,5M", "--yes", "--key-file", str(tmp_path / "key")).exit_code == 5
    assert list(tmp_path.glob("key")) == []
