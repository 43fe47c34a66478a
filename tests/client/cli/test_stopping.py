"""Ctrl-C and a reader that goes away end a command quietly, whatever it waits for."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.machine import ROOT
from tests.support.command_line import CommandLine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.service import Service

ORDER = ("buy", "m=stable,50,5M", "--json", "--yes", "--expected-total", "1.00", "--idempotency-key", "order-1")


@pytest.mark.parametrize(("words", "hint"), [(("catalogue", "list"), False), (ORDER, True)], ids=["reading", "buying"])
def test_ctrl_c_ends_a_command_that_waits_with_130_and_says_how_to_repeat_a_sale(
    tmp_path: Path, words: tuple[str, ...], *, hint: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        typed = CommandLine(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}", "a-token")
        process = subprocess.Popen(
            [sys.executable, "-m", "modelpass_client.cli", *words],
            env=typed.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        first, _ = silent.accept()  # it asks for /config.json
        with first:
            first.recv(65_536)
            if hint:
                first.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                second, _ = silent.accept()
                with second:
                    second.recv(65_536)
                    out, err = interrupted(process)
            else:
                out, err = interrupted(process)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("Stopped.\n")
    assert "Traceback" not in err
    how = "Repeat the same command safely with: --idempotency-key order-1 --expected-total 1.00"
    assert (how in err) is hint


def interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=60)


def test_a_reader_that_goes_away_ends_it_without_a_word(service: Service, tmp_path: Path) -> None:
    models = [{"modelId": f"m{number}", "kind": "text", "unreadable": True} for number in range(5000)]
    service.on("GET /v1/models", (200, {"models": models, "next": None}))
    typed = CommandLine(tmp_path, service.url, "a-token")
    line = f"{sys.executable} -m modelpass_client.cli catalogue list --json | head -1"
    ended = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=typed.environment({}), capture_output=True, text=True, check=True
    )
    assert ended.stdout == '{"modelId": "m0", "kind": "text", "unreadable": true}\n'
    assert ended.stderr == ""
