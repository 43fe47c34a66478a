"""The real proxy in a process of its own. Rule: who starts it ends it; it is spoken to from outside only."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.machine import ROOT, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

ENVIRONMENT = ROOT / ".tools" / "litellm"
MASTER_KEY = "sk-master-of-the-tests"
READY_SECONDS = 90
STOP_SECONDS = 30


@dataclass(frozen=True)
class Proxy:
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, method: str, path: str, key: str | None = None, body: Any = None, **headers: str) -> Any:
        """Status, headers in lower case, and body of a request without any SDK."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["authorization"] = f"Bearer {key}"
        raw = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if raw is not None:
            named.setdefault("content-type", "application/json")
        with contextlib.closing(connection):
            connection.request(method, path, raw, named)
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(STOP_SECONDS)

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8")


def config_of(upstream: str, groups: dict[str, list[str]], **more: Any) -> Json:
    """A configuration with groups, each of some LiteLLM models at the upstream."""
    models = [
        {
            "model_name": group,
            "litellm_params": {
                "model": model,
                "api_base": upstream if model.startswith("anthropic/") else f"{upstream}/v1",
                "api_key": f"sk-upstream-{number}",
            },
        }
        for group, named in groups.items()
        for number, model in enumerate(named)
    ]
    return {
        "model_list": models,
        "general_settings": {
            "master_key": MASTER_KEY,
            "custom_auth": "modelpass_client.litellm.auth.user_api_key_auth",
        },
        "litellm_settings": {"callbacks": ["modelpass_client.litellm.callback.modelpass"], "telemetry": False},
        "router_settings": {"num_retries": 1, "retry_after": 0, "disable_cooldowns": True},
        **more,
    }


@contextlib.contextmanager
def running(folder: Path, config: Json, endpoint: str, **environment: str) -> Iterator[Proxy]:
    """A proxy with a configuration, which asks the service at an endpoint; ready."""
    with started(folder, config, endpoint, **environment) as proxy:
        wait_until_ready(proxy)
        yield proxy


@contextlib.contextmanager
def started(folder: Path, config: Json, endpoint: str, **environment: str) -> Iterator[Proxy]:
    path, log = folder / "config.yaml", folder / "proxy.log"
    path.write_text(json.dumps(config), "utf-8")  # JSON is YAML
    port = free_port()
    named = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT / "clients" / "python"),
        "CONFIG_FILE_PATH": str(path),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "MODELPASS_ENDPOINT": endpoint,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "MODELPASS_SPOOL": str(folder / "spool"),
        **environment,
    }
    line = [
        str(ENVIRONMENT / "bin" / "uvicorn"),
        "modelpass_client.litellm.asgi:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(line, cwd=folder, env=named, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield Proxy(port, process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_ready(proxy: Proxy) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert proxy.process.poll() is None, proxy.said
        with contextlib.suppress(OSError):
            if proxy.send("GET", "/health/liveliness")[0] == 200:
                return
        time.sleep(0.1)
    raise AssertionError(proxy.said)
