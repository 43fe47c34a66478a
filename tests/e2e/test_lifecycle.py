"""How a stack starts, stops, dies and comes back. Rule: a clear sentence when it cannot start, nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import settings
from local.cloudformation import template
from local.dynamodb import engine as local_engine
from local.machine import HOST, ROOT, free_port
from ops.errors import CommandError
from tests.support import stack as support
from tests.support.concurrency import at_once
from tests.support.stack import Answer, alive, descendants, run_to_end
from tests.support.world import template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Stack

    NewAccount = Callable[[], str]

ENGINE = "node_modules/@dynoxide/linux-x64/dynoxide"


def assert_does_not_start(*words: str, root: Path = ROOT, **settings_given: str) -> None:
    """Run a stack with these settings, on a free port unless they name one: it ends with a sentence of these words."""
    ended = run_to_end(root, **{"PORT": str(free_port()), **settings_given})
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    for word in words:
        assert word in ended.stderr


def test_a_taken_port_is_told_in_a_sentence(stack: Stack) -> None:
    assert_does_not_start(str(stack.port), "PORT=", PORT=str(stack.port))


def test_a_bad_port_is_told_in_a_sentence() -> None:
    assert_does_not_start("PORT must be", PORT="http")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "3000.0", "3000 ", "3_000", "\u00b2", "\uff13\uff10\uff10\uff10"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CommandError, match="PORT must be"):
        settings.port()


BROKEN = {
    "no yaml": ("Resources: [", "broken"),
    "empty": ("", "no Resources"),
    "a list": ("- 1", "no Resources"),
    "no resources": ("Transform: AWS::Serverless-2016-10-31\nResources: {}\n", "Resources"),
    "no API": ("Resources: {Events: {Type: AWS::DynamoDB::Table}}", "AWS::ApiGatewayV2::Api"),
    "no known type": ("Resources: {Function: {Type: AWS::Serverless::Function}}", "Function"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_template_is_told_in_a_sentence(tmp_path: Path, case: str) -> None:
    text, word = BROKEN[case]
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(CommandError, match=word) as told:
        template.read(template.load(path), ROOT, {})
    assert "\n" not in str(told.value)


def test_a_template_that_refers_to_nothing_is_told_in_a_sentence(tmp_path: Path) -> None:
    text = (
        (ROOT / "template.yaml")
        .read_text()
        .replace("CATALOGUE_TABLE: !Ref CatalogueTable", "CATALOGUE_TABLE: !Ref Gone")
    )
    (tmp_path / "template.yaml").write_text(text)
    expanded = template.load(tmp_path / "template.yaml")
    with pytest.raises(CommandError, match="refers to Gone"):
        template.read(expanded, ROOT, template.secret_values(expanded))


WRONG_VALUES = {
    "functions/reset": ("functions/rest", "ResetFunction has no app.py in rest"),
    "Timeout: 15": ("Timeout: soon", "soon"),
    "!Ref ModelpassLayer": ("!Ref Nowhere", "refers to Nowhere"),
    "!GetAtt EventsTable.Arn": ("!GetAtt Nothing.Arn", "refers to Nothing"),
    "rate(1 minute)": ("cron(0 0 * * ? *)", "rate"),
    "CATALOGUE_TABLE:": ("OTHER_TABLE:", "CATALOGUE_TABLE"),
}


@pytest.mark.parametrize("wrong", WRONG_VALUES)
def test_a_template_with_a_wrong_value_is_told_in_a_sentence(tmp_path: Path, wrong: str) -> None:
    value, words = WRONG_VALUES[wrong]
    text = (ROOT / "template.yaml").read_text()
    assert wrong in text
    (tmp_path / "template.yaml").write_text(text.replace(wrong, value))
    assert_does_not_start(words, MODELPASS_TEMPLATE=str(tmp_path / "template.yaml"))


def test_a_missing_template_is_told_in_a_sentence(tmp_path: Path) -> None:
    assert_does_not_start("none.yaml", "No such file", MODELPASS_TEMPLATE=str(tmp_path / "none.yaml"))


def test_the_stack_of_a_broken_template_ends_with_the_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("Resources: [")
    assert_does_not_start("broken.yaml is broken", MODELPASS_TEMPLATE=str(tmp_path / "broken.yaml"))


def test_a_data_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_does_not_start("file/data", DATA=str(tmp_path / "file" / "data"))


def test_a_data_folder_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    with settings.claimed(tmp_path):
        assert_does_not_start("A stack keeps its data", "DATA=", DATA=str(tmp_path))
    settings.claimed(tmp_path).close()


@pytest.mark.parametrize("text", ["{", "[]", '{"models": [{}]}', '{"models": [{"modelId": "m", "kind": "text"}]}'])
def test_a_broken_catalogue_is_told_in_a_sentence(copied_root: Path, text: str) -> None:
    (copied_root / "catalogue.json").unlink()
    (copied_root / "catalogue.json").write_text(text)
    (copied_root / "node_modules").symlink_to(ROOT / "node_modules")
    assert_does_not_start("catalogue.json is broken", root=copied_root)


def test_ctrl_c_at_any_moment_of_the_start_ends_it_quietly(tmp_path: Path) -> None:
    line, environment = support.command()
    for pause in (0.3, 0.5, 0.8, 1.2):
        with subprocess.Popen(
            line,
            cwd=ROOT,
            env={**environment, "PORT": str(free_port()), "DATA": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            time.sleep(pause)  # wherever it is by then, it must end
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=support.STOP_SECONDS)
        assert b"Traceback" not in errors
        assert process.returncode in {0, -signal.SIGINT}


@pytest.mark.skipif("AWS_ENDPOINT_URL_DYNAMODB" in os.environ, reason="another DynamoDB may want credentials")
def test_nothing_that_it_starts_knows_the_credentials_that_somebody_has_exported() -> None:
    exported = {
        "AWS_ACCESS_KEY_ID": "AKIAOFSOMEBODY",
        "AWS_SECRET_ACCESS_KEY": "secret-of-somebody",
        "AWS_SESSION_TOKEN": "token-of-somebody",
    }
    with support.running(**exported) as running:
        running.authorize(running.buy("acct")["apiKey"], "r-1", 10)
        told = {pid: Path(f"/proc/{pid}/environ").read_bytes() for pid in descendants(running.process.pid)}
    assert len(told) > len(template_of("").functions)
    for environment in told.values():
        assert not [value for value in exported.values() if value.encode() in environment]


def test_a_log_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "functions.log").mkdir()
    assert_does_not_start("log", DATA=str(tmp_path))


@pytest.fixture
def copied_root(tmp_path: Path) -> Path:
    """A root of its own, for a look at what happens when its engine or its catalogue is not as it should be."""
    for name in ("local", "ops"):  # copied, for they find the project's folder by where they are themselves
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("deploy", "layers", "functions", "template.yaml", "catalogue.json"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_a_missing_engine_is_told_in_a_sentence(copied_root: Path) -> None:
    assert_does_not_start("make setup", root=copied_root, PATH="")


@pytest.mark.parametrize(("script", "mode"), [("#!/bin/sh\nexit 3\n", 0o700), ("no program", 0o700), ("", 0o600)])
def test_an_engine_that_does_not_run_is_told_in_a_sentence(tmp_path: Path, script: str, mode: int) -> None:
    program = tmp_path / ENGINE
    program.parent.mkdir(parents=True)
    program.write_text(script)
    program.chmod(mode)
    with pytest.raises(CommandError, match="engine"), local_engine.running(modules=tmp_path / "node_modules"):
        pytest.fail("it runs")


def test_an_engine_that_is_not_there_is_told_in_a_sentence() -> None:
    nobody = f"http://{HOST}:{free_port()}"
    assert_does_not_start(nobody, AWS_ENDPOINT_URL_DYNAMODB=nobody)


def test_data_survives_a_kill_of_the_whole_stack(stack: Stack, tmp_path: Path, new_account: NewAccount) -> None:
    account, data = new_account(), str(tmp_path / "new" / "folder")
    with support.running(DATA=data) as killed:
        assert killed.port != stack.port
        before = datetime.now(UTC)
        bought = killed.buy(account)
        assert timedelta(0) <= datetime.fromisoformat(bought["startsAt"]) - before.replace(microsecond=0)
        granted = killed.authorize(bought["apiKey"], "r-1", 4000)
        killed.settle(granted["authorizationId"], 1234)
        open_hold = killed.authorize(bought["apiKey"], "r-2", 77)
        usage = killed.usage(account, bought["subscriptionId"])
        beside = stack.api("GET", f"/v1/subscriptions/{bought['subscriptionId']}", account)
        assert beside.status == 404  # two stacks side by side share nothing
        family = [killed.process.pid, *descendants(killed.process.pid)]
        assert len(family) > 8
        killed.process.kill()
        killed.process.wait(support.STOP_SECONDS)
        wait_until_gone(family)
    with support.running(DATA=data) as back:
        assert counted(back.usage(account, bought["subscriptionId"])) == counted(usage)
        assert back.authorize(bought["apiKey"], "r-2", 77)["authorizationId"] == open_hold["authorizationId"]
        assert back.settle(open_hold["authorizationId"], 7)["monthly"]["used"] == 1241
        assert back.settle(granted["authorizationId"], 1) == {"settled": True, "replayed": True}
        assert back.end(signal.SIGTERM) == (0, "")


def counted(usage: support.Json) -> list[tuple[int, int]]:
    return [(m["monthly"]["used"], m["monthly"]["held"]) for m in usage["models"]]


def wait_until_gone(family: list[int]) -> None:
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in family):
        assert time.monotonic() < deadline, [support.command_of(pid) for pid in family if alive(pid)]


@pytest.fixture(scope="module")
def engine_port() -> int:
    return free_port()


@pytest.fixture
def on_own_engine(tmp_path: Path, engine_port: int) -> Iterator[Stack]:
    """A stack on an engine that the test can stop and start again."""
    url = f"http://{HOST}:{engine_port}"
    with local_engine.running(tmp_path, port=engine_port):
        cleanup = support.running(AWS_ENDPOINT_URL_DYNAMODB=url, DATA=str(tmp_path))
        stack = cleanup.__enter__()
    try:
        yield stack
        assert stack.end(signal.SIGINT) == (0, "")
    finally:
        cleanup.__exit__(None, None, None)


def test_without_a_store_everything_is_refused_and_works_again_after(
    on_own_engine: Stack, tmp_path: Path, engine_port: int, new_account: NewAccount
) -> None:
    stack, account = on_own_engine, new_account()
    with local_engine.running(tmp_path, port=engine_port):
        bought = stack.buy(account)
        held = stack.authorize(bought["apiKey"], "held", 30)
    path = f"/v1/subscriptions/{bought['subscriptionId']}"
    asked: list[Callable[[], Any]] = [
        lambda: stack.api("POST", "/v1/subscriptions", account, support.PURCHASE_BODY),
        lambda: stack.api("POST", f"{path}/renew", account),
        lambda: stack.api("GET", path, account),
        lambda: stack.api("GET", f"{path}/usage", account),
        lambda: stack.api("GET", "/v1/models", account),
        lambda: stack.authorize(bought["apiKey"], "r-1"),
        lambda: stack.settle(held["authorizationId"], 3),
    ]
    for refused in at_once(len(asked), lambda number: asked[number]()):
        assert_temporarily_unavailable(refused)
    assert stack.authorize("sk-custom-mistyped", "r-1")["error"]["code"] == "invalid_api_key"
    with local_engine.running(tmp_path, port=engine_port):
        within_seconds(lambda: stack.api("GET", f"{path}/usage", account).status == 200)
        within_seconds(lambda: stack.settle(held["authorizationId"], 3)["settled"])
        within_seconds(lambda: stack.authorize(bought["apiKey"], "r-1")["allowed"])
        assert stack.authorize(bought["apiKey"], "r-1")["daily"]["used"] == 2
        monthly = stack.usage(account, bought["subscriptionId"])["models"][0]["monthly"]
        assert (monthly["used"], monthly["held"]) == (3, 10)


def within_seconds(works: Callable[[], bool]) -> None:
    """A process that has met a sick store asks it again by itself, after a rest of at most 4 seconds."""
    ends = time.monotonic() + 10
    while not works():
        assert time.monotonic() < ends


def assert_temporarily_unavailable(refused: Any) -> None:
    """Over HTTP, or of a router function."""
    if isinstance(refused, Answer):
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        refused = {"statusCode": 503, "settled": False, **refused.json}
    assert refused.get("allowed", refused.get("settled")) is False
    assert (refused["statusCode"], refused["retryAfter"]) == (503, 1)
    assert refused["error"]["code"] == "temporarily_unavailable"
    assert refused["error"]["type"] == "service_unavailable_error"


def test_two_clients_at_once_do_not_wait_for_one_that_says_nothing(stack: Stack) -> None:
    with closing(socket.create_connection((HOST, stack.port))) as silent:
        silent.sendall(b"POST /v1/subscriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        assert stack.send("GET", "/health").status == 200
