"""One stack, one upstream and one real proxy for all tests of this folder, and customers of the stack.

Rule: `make test-litellm` sets up what is needed; the clients are those of the proxy's environment, and our own packages
come before its.
"""

from __future__ import annotations

import importlib
import itertools
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.litellm import gate as gates
from tests.litellm import proxy as proxies
from tests.litellm import upstream as upstreams
from tests.litellm.customers import GROUPS, Customer, offer_models
from tests.litellm.speaking import close_clients

sys.path.append(str(next((proxies.ENVIRONMENT / "lib").glob("python3.*")) / "site-packages"))
for client in ("anthropic", "openai", "httpx2", "tiktoken"):  # here, for a first import in several threads may fail
    importlib.import_module(client)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Stack

_ACCOUNTS = itertools.count(1)


@pytest.fixture(scope="session")
def upstream() -> Iterator[upstreams.Upstream]:
    with upstreams.running() as running:
        yield running
    assert running.strays == [], "a request of no plan reached the upstream"


@pytest.fixture(scope="session")
def config(upstream: upstreams.Upstream) -> dict[str, Any]:
    made = proxies.config_of(
        upstream.url,
        GROUPS,
        router_settings={
            "num_retries": 1,
            "optional_pre_call_checks": ["enforce_model_rate_limits"],
            "retry_after": 0,
            "disable_cooldowns": True,
            "fallbacks": [
                {"falling::stable": ["spare::stable"]},
                {"crossing::stable": ["gpt-chat::basic"]},
            ],
        },
    )
    limited = next(entry for entry in made["model_list"] if entry["model_name"] == "limited::stable")
    limited["litellm_params"]["rpm"] = 1
    return made


@pytest.fixture(scope="session")
def service(stack: Stack) -> Stack:
    """The stack with the models of these tests on sale."""
    offer_models(stack)
    return stack


@pytest.fixture(scope="session")
def proxy(
    gate: gates.Gate, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[proxies.Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    with proxies.running(folder, config, gate.url, MODELPASS_AUTHORIZE_SECONDS="2") as running:
        yield running


@pytest.fixture(scope="session")
def gate(service: Stack) -> Iterator[gates.Gate]:
    """What the proxy reaches the service through."""
    with gates.before(service.port) as gate:
        yield gate


@pytest.fixture(autouse=True)
def _closed_clients() -> Iterator[None]:
    yield
    close_clients()


@pytest.fixture
def buy(service: Stack) -> Callable[..., Customer]:
    """A customer of an account of its own: `buy()` with everything, or with other limits."""

    def bought(*, calls: int = 1_000, cap: int = 10_000_000) -> Customer:
        return Customer.of(service, f"acct_litellm_{next(_ACCOUNTS)}", calls, cap)

    return bought


@pytest.fixture
def customer(buy: Callable[..., Customer]) -> Customer:
    return buy()
