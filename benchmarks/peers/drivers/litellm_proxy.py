"""LiteLLM's proxy, started as it starts itself, without its server: the check before a call and the report after it.

The check is what the proxy does before a call: authenticate the request, then run every hook. There is no database to
hold keys, so they come from its cache by a custom authentication, as its documents describe. The HTTP server and its
parsing of requests are left out. Rule: whatever is left out makes its figures better, never worse.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any, Final

import litellm
from litellm.proxy import proxy_server
from litellm.proxy._types import UserAPIKeyAuth, hash_token
from litellm.proxy.auth.user_api_key_auth import user_api_key_auth
from litellm.proxy.common_utils.proxy_rate_limit_error import ProxyRateLimitError
from starlette.requests import Request

from benchmarks.peers.drivers.protocol import serve

MODEL: Final = "claude"
WORDS_TOKENS: Final = 1  # what the message below is counted for
CONFIG: Final = """
model_list:
  - model_name: claude
    litellm_params: {model: openai/fake, api_key: none, api_base: "http://127.0.0.1:9"}
general_settings:
  master_key: sk-of-the-bench
  custom_auth_run_common_checks: true
"""
WITH_REDIS: Final = """
router_settings: {redis_host: "%s", redis_port: %s}
litellm_settings:
  cache: true
  cache_params: {type: redis, host: "%s", port: %s}
"""


HEADERS: Final = ("azure_api_key_header", "anthropic_api_key_header", "google_ai_studio_api_key_header")
NO_OTHER_KEYS: Final[dict[str, Any]] = dict.fromkeys((*HEADERS, "azure_apim_header", "custom_litellm_key_header"))


async def cached(request: Any, api_key: str) -> Any:  # noqa: ARG001 - it is called by name
    """The key from the proxy's cache: a copy, as its own look-up gives one."""
    found = await proxy_server.user_api_key_cache.async_get_cache(key=hash_token(api_key), model_type=UserAPIKeyAuth)
    return found.model_copy()


def asked(key: str, data: Any) -> Any:
    """A request as the server hands it over."""
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/chat/completions",
        "raw_path": b"/chat/completions",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"authorization", f"Bearer {key}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 4000),
        "app": proxy_server.app,
        "state": {},
    }
    body = json.dumps(data).encode()

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


class LiteLlm:
    """A grant is the request's data, with which the hooks find what they reserved."""

    reports = True

    def __init__(self) -> None:
        self.started = False

    async def start(self) -> None:
        """Load the configuration and the hooks, as the server does at its start."""
        self.started = True
        address = os.environ.get("PEERS_REDIS_ADDRESS", "")
        host, _, port = address.partition(":")
        text = CONFIG + (WITH_REDIS % (host, port, host, port) if address else "")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "config.yaml"
            path.write_text(text, "utf-8")
            router, _, _ = await proxy_server.proxy_config.load_config(router=None, config_file_path=str(path))
        proxy_server.llm_router = router
        if bool(address) != (proxy_server.redis_usage_cache is not None):
            raise RuntimeError("the proxy did not take the Redis it was given")
        proxy_server.ProxyStartupEvent.initialize_startup_logging(
            llm_router=router,
            proxy_logging_obj=proxy_server.proxy_logging_obj,
            redis_usage_cache=proxy_server.redis_usage_cache,
        )
        proxy_server.user_custom_auth = cached
        self.hook = proxy_server.proxy_logging_obj.get_proxy_hook("parallel_request_limiter")

    async def known(self, key: Any) -> None:
        """Put a key into the proxy's cache, where it would be after its first request."""
        if not self.started:
            await self.start()
        token = hash_token(key["key"])
        auth = UserAPIKeyAuth(token=token, api_key=token, rpm_limit=key["calls"], tpm_limit=key["tokens"])
        await proxy_server.user_api_key_cache.async_set_cache(key=token, value=auth, ttl=3600)

    async def prepare(self, name: str, calls: int, tokens: int, window_seconds: int) -> Any:
        """A key with limits of requests and tokens; the window is the process's."""
        assert int(os.environ["LITELLM_RATE_LIMIT_WINDOW_SIZE"]) == window_seconds
        key = {"key": f"sk-{name}", "calls": calls, "tokens": tokens}
        await self.known(key)
        return key

    async def check(self, key: Any, tokens: int, _: str) -> Any:
        """Authenticate a request, and run the hooks before its call; `max_tokens` is stated."""
        data = {
            "model": MODEL,
            "messages": [{"role": "user", "content": "hello"}],
            "max_tokens": tokens - WORDS_TOKENS,
            "litellm_call_id": str(uuid.uuid4()),
        }
        if not self.started:
            await self.known(key)  # another process has prepared it
        try:
            auth = await user_api_key_auth(asked(key["key"], data), api_key=f"Bearer {key['key']}", **NO_OTHER_KEYS)
            await proxy_server.proxy_logging_obj.pre_call_hook(
                user_api_key_dict=auth, data=data, call_type="acompletion"
            )
        except ProxyRateLimitError:
            return None
        return data

    async def report(self, key: Any, grant: Any, used: int) -> Any:
        """Tell the rate limiter what was used, as the logging after a call does."""
        usage = litellm.Usage(prompt_tokens=WORDS_TOKENS, completion_tokens=used - WORDS_TOKENS, total_tokens=used)
        call = {
            "litellm_call_id": grant["litellm_call_id"],
            "model": MODEL,
            "litellm_params": {"metadata": {"model_group": MODEL}},
            "standard_logging_object": {"metadata": {"user_api_key_hash": hash_token(key["key"])}},
        }
        await self.hook.async_log_success_event(call, litellm.ModelResponse(usage=usage), None, None)

    async def left(self, key: Any) -> Any:
        """The cap less what its counter shows: that of Redis, or else this process's own."""
        if not self.started:
            await self.known(key)
        counter = self.hook.create_rate_limit_keys("api_key", hash_token(key["key"]), "tokens")
        shared = proxy_server.redis_usage_cache
        cache = shared if shared is not None else self.hook.internal_usage_cache.dual_cache.in_memory_cache
        return key["tokens"] - int(float(await cache.async_get_cache(counter) or 0))


if __name__ == "__main__":
    serve(LiteLlm())
