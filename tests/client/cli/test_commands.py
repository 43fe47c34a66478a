"""What commands send and show beside what the running stack is asked: reasons, questions, pages, refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from typer.testing import CliRunner

from modelpass_client.cli.app import app

if TYPE_CHECKING:
    from tests.client.cli.service import Service

PRICE: Final = {"currency": "USD", "lines": [], "monthlyTotal": "29.00", "months": 1, "total": "29.00"}
ORDER: Final = {
    "orderId": "ord_1",
    "accountId": "acct_1",
    "kind": "purchase",
    "status": "pending",
    "subscriptionId": "sub_1",
    "label": "",
    "price": PRICE,
    "at": "2026-11-24T16:11:00Z",
    "by": "acct_1",
    "lapsesAt": "2026-11-24T17:11:00Z",
}


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPASS_TOKEN", "a-token")


def run(service: Service, *words: str, given: str = "") -> Any:
    return CliRunner().invoke(app, [*words, "--url", service.url], input=given)


def test_orders_of_all_accounts_that_wait_are_listed_page_by_page(service: Service) -> None:
    other = {**ORDER, "orderId": "ord_2", "accountId": "acct_2"}
    answers = ((200, {"orders": [ORDER], "next": "c"}), (200, {"orders": [other], "next": None}))
    service.on("GET /v1/pending-orders", *answers)
    listed = [json.loads(line) for line in run(service, "orders", "list", "--json").stdout.splitlines()]
    assert listed == [ORDER, other]
    service.on("GET /v1/pending-orders", *answers)
    header, *rows = run(service, "orders", "list").stdout.splitlines()
    assert header.split() == ["Order", "Account", "Kind", "Status", "Total", "Ordered", "Lapses", "Subscription"]
    assert [row.split()[:2] for row in rows] == [["ord_1", "acct_1"], ["ord_2", "acct_2"]]
    service.on("GET /v1/pending-orders", *answers)
    assert len(run(service, "orders", "list", "--limit", "1", "--json").stdout.splitlines()) == 1
    service.on("GET /v1/pending-orders", (200, {"orders": [], "next": None}))
    ended = run(service, "orders", "list")
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", "There are no orders.\n")


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("--account", "a/b"), "/v1/accounts/a%252Fb/orders"),
        (("--subscription", "sub_1"), "/v1/subscriptions/sub_1/orders"),
        (("--mine",), "/v1/orders"),
    ],
)
def test_orders_of_an_account_a_subscription_and_ones_own_are_listed(
    service: Service, words: tuple[str, ...], path: str
) -> None:
    service.on(f"GET {path}", (200, {"orders": [ORDER], "next": None}))
    assert run(service, "orders", "list", *words, "--json").exit_code == 0
    assert run(service, "orders", "list", *words, "--account", "x", "--mine").exit_code == 2


@pytest.mark.parametrize(
    ("words", "line", "body"),
    [
        (("confirm", "ord_1", "--reference", "pi_3"), "POST /v1/orders/ord_1/confirmation", {"reference": "pi_3"}),
        (("reject", "ord_1", "--yes"), "POST /v1/orders/ord_1/rejection", {"reason": "weil ä"}),
    ],
)
def test_an_order_that_waits_is_decided_with_a_reason(
    service: Service, words: tuple[str, ...], line: str, body: dict[str, str]
) -> None:
    service.on(line, (200, {**ORDER, "status": "done"}))
    assert run(service, "orders", *words).exit_code == 2, "nobody said why"
    ended = run(service, "orders", *words, "--reason", "weil ä")
    assert (ended.exit_code, "ord_1 is done" in ended.stdout) == (0, True)
    sent = service.asked[-1]
    assert json.loads(sent.body) == body
    assert sent.headers["X-Request-Reason"] == "weil%20%C3%A4"


def test_rejecting_and_releasing_ask_first_and_nobody_is_asked_where_nobody_is(service: Service) -> None:
    holding(service, "m")
    for words in (("orders", "reject", "ord_1"), ("subscriptions", "release", "sub_1", "--all")):
        ended = run(service, *words, "--reason", "x")
        assert (ended.exit_code, "Repeat it with --yes" in ended.stderr) == (2, True)
    assert {request.method for request in service.asked} == {"GET"}


def holding(service: Service, *models: str) -> None:
    """Let a hold of 100 units of each model be open, with `auth_1` and so on."""
    held = {"heldUsage": 100, "heldCalls": 1, "authorizedAt": "a", "holdExpiresAt": "b"}
    shown = [
        {"modelId": model, "holds": [{**held, "authorizationId": f"auth_{number}"}]}
        for number, model in enumerate(models, 1)
    ]
    service.on("GET /v1/subscriptions/sub_1/holds", (200, {"subscriptionId": "sub_1", "models": shown}))


def released(service: Service) -> list[str]:
    return [request.target.rpartition("/")[2] for request in service.asked if request.method == "DELETE"]


def test_holds_are_released_one_by_one_until_one_is_refused(service: Service) -> None:
    holding(service, "m", "n", "m")
    path = "/v1/subscriptions/sub_1/holds"
    refused = {"error": {"code": "authorization_not_found", "message": "There is no such authorization."}}
    service.on(f"DELETE {path}/auth_1", (204, None))
    service.on(f"DELETE {path}/auth_2", (404, refused))
    words = ("subscriptions", "release", "sub_1", "--reason", "lost", "--yes", "--json")
    ended = run(service, *words, "--all")
    assert (ended.exit_code, ended.stdout) == (4, '{"authorizationId": "auth_1", "released": true}\n')
    assert "(authorization_not_found)" in ended.stderr
    assert released(service) == ["auth_1", "auth_2"]
    assert service.asked[-1].headers["X-Request-Reason"] == "lost"
    service.on(f"DELETE {path}/auth_3", (204, None))
    assert run(service, *words, "--model", "m").exit_code == 0
    assert released(service)[2:] == ["auth_1", "auth_3"]
    ended = run(service, *words, "--model", "other")
    assert (ended.exit_code, ended.stderr) == (0, "No such hold is open.\n")


def test_which_holds_are_meant_has_to_be_said_where_nobody_can_be_asked(service: Service) -> None:
    holding(service, "m")
    ended = run(service, "subscriptions", "release", "sub_1", "--reason", "x", "--yes")
    assert (ended.exit_code, "--all, or --model" in ended.stderr, released(service)) == (2, True, [])


def test_ids_of_authorizations_are_shown_to_programs_alone(service: Service) -> None:
    holding(service, "m", "n")
    assert "auth_" not in run(service, "subscriptions", "holds", "sub_1").output
    assert "auth_2" in run(service, "subscriptions", "holds", "sub_1", "--json").stdout


def test_a_plan_is_shown_or_told_to_be_none(service: Service) -> None:
    plan = {"planId": "plan_team", "expiresAt": "2027-01-01T00:00:00Z", "asOf": None}
    service.on(
        "GET /v1/accounts/acct_1/plan-subscription",
        (200, {"planSubscription": plan}),
        (200, {"planSubscription": None}),
    )
    shown = run(service, "plans", "show", "acct_1").stdout
    assert [line.split() for line in shown.splitlines()] == [["Plan", "plan_team"], ["Ends", "2027-01-01T00:00:00Z"]]
    assert run(service, "plans", "show", "acct_1").stdout == "No plan holds the place of acct_1.\n"
    assert json.loads(run(service, "plans", "show", "acct_1", "--json").stdout) == {"planSubscription": None}


def test_withdrawn_models_and_those_that_cannot_be_read_are_listed_as_what_they_are(service: Service) -> None:
    price = {"currency": "USD", "base": "1.00", "perUnit": "0.01", "perDailyCall": "0.01"}
    tiers = [{"channelTier": "basic", "available": False, "price": price}]
    bounds = {"min": 1, "max": 10}
    model = {
        "kind": "text",
        "unit": "tokens",
        "tiers": tiers,
        "limits": {"dailyCallLimit": bounds, "monthlyTokenCap": bounds},
    }
    models = [
        {"modelId": "a", **model},
        {"modelId": "b", **model, "withdrawn": True},
        {"modelId": "c", "kind": None, "unreadable": True},
    ]
    service.on("GET /v1/models", (200, {"models": models, "next": None}))
    states = [line.split() for line in run(service, "catalogue", "list").stdout.splitlines()[1:]]
    assert [(row[0], "down" in row, "unreadable" in row) for row in states] == [("a", True, False), ("c", False, True)]
    with_all = run(service, "catalogue", "list", "--withdrawn").stdout.splitlines()[1:]
    assert [line.split()[0] for line in with_all] == ["a", "b", "c"]
    assert "withdrawn" in with_all[1]


def test_a_model_that_somebody_changed_in_between_is_left_as_it_is(service: Service) -> None:
    model = {"modelId": "a/b", "kind": "text", "tiers": []}
    path = "/v1/models/a%252Fb"
    service.on(f"GET {path}", (200, {**model, "unit": "tokens", "limits": {}}, {"ETag": '"seen"'}))
    service.on(f"PUT {path}", (412, {"error": {"code": "precondition_failed", "message": "It has changed."}}))
    service.on(f"DELETE {path}", (412, {"error": {"code": "precondition_failed", "message": "It has changed."}}))
    ended = run(service, "catalogue", "put", "-", "--reason", "x", "--yes", given=json.dumps(model))
    assert (ended.exit_code, "run the command anew" in ended.stderr) == (6, True)
    assert run(service, "catalogue", "withdraw", "a/b", "--reason", "x", "--yes").exit_code == 6
    sent = [request for request in service.asked if request.method in ("PUT", "DELETE")]
    assert [request.headers["If-Match"] for request in sent] == ['"seen"', '"seen"']


def test_a_model_that_never_was_is_put_only_where_nobody_else_did(service: Service) -> None:
    service.on("GET /v1/models/new", (404, {"error": {"code": "not_found", "message": "No."}}))
    service.on("PUT /v1/models/new", (200, {"modelId": "new"}))
    ended = run(
        service,
        "catalogue",
        "put",
        "-",
        "--reason",
        "x",
        "--yes",
        given='{"modelId": "new", "kind": "text", "tiers": []}',
    )
    assert ended.exit_code == 0
    assert service.asked[-1].headers["If-None-Match"] == "*"


@pytest.mark.parametrize("reason", ["", " ", "a\nb", "x" * 201, "\x1b[31m"])
def test_a_reason_is_a_line_that_the_log_takes(service: Service, reason: str) -> None:
    ended = run(service, "subscriptions", "resume", "sub_1", "--reason", reason)
    assert (ended.exit_code, "A reason is one line of 1 to 200 characters." in ended.stderr) == (2, True)


def test_what_others_wrote_does_not_steer_the_terminal(service: Service) -> None:
    evil = {**ORDER, "label": "\x1b[2J[red]x[/red]", "status": "do\x07ne"}
    service.on("GET /v1/orders", (200, {"orders": [evil], "next": None}))
    shown = run(service, "orders", "list", "--mine").stdout
    assert "�[2J[red]x[/red]" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
    refused = {"error": {"code": "invalid_request", "message": "not \x1b[31m"}}
    service.on("GET /v1/orders", (400, refused))
    assert "\x1b" not in run(service, "orders", "list", "--mine").stderr


def test_a_page_is_followed_from_subscriptions_events_and_days(service: Service) -> None:
    day = {"date": "2026-11-24", "modelId": "m", "calls": 2, "units": 3, "closed": True}
    service.on(
        "GET /v1/subscriptions/sub_1/history",
        (200, {"days": [day], "terms": [], "next": "c"}),
        (200, {"days": [{**day, "date": "2026-11-25"}], "terms": [], "next": None}),
    )
    words = ("subscriptions", "history", "sub_1", "--from", "2026-11-24", "--to", "2026-11-25")
    shown = run(service, *words).stdout.splitlines()
    assert [line.split() for line in shown[-2:]] == [["2026-11-25", "m", "2", "3", "yes"], ["all", "4", "6"]]
    assert [request.target for request in service.to("/v1/subscriptions/sub_1/history")] == [
        "/v1/subscriptions/sub_1/history?limit=1000&from=2026-11-24&to=2026-11-25",
        "/v1/subscriptions/sub_1/history?limit=1000&cursor=c&from=2026-11-24&to=2026-11-25",
    ]


def test_a_pending_change_and_a_revoked_key_are_shown(service: Service) -> None:
    line = {"modelId": "m", "channelTier": "basic", "dailyCallLimit": 5, "monthlyTokenCap": 7, "unit": "tokens"}
    shown = {
        "subscriptionId": "sub_1", "status": "active", "term": 2, "apiKeyMasked": None, "startsAt": "a",
        "expiresAt": "b", "timezone": "UTC", "autoRenew": True, "autoRenewMonths": 3, "label": "x", "models": [line],
        "price": None,
        "pendingChange": {"bindsAt": "c", "models": [{**line, "monthlyTokenCap": 1000}]},
        "renewalBlockedBy": "unknown_model",
    }  # fmt: skip
    service.on("GET /v1/subscriptions/sub_1", (200, shown))
    told = [line.split() for line in run(service, "subscriptions", "show", "sub_1").stdout.splitlines()]
    for row in (
        ["Key", "revoked"],
        ["Renews", "itself", "by", "3", "months"],
        ["From", "c:"],
        ["m", "basic", "5", "1,000", "tokens"],
    ):
        assert row in told
    assert ["Renewal", "stopped", "by", "unknown_model"] in told
