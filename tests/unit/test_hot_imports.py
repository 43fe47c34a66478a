"""What authorize and settle load at their start is listed here. Rule: whatever joins or leaves turns this red.

Every module costs start time: a small one of ours about 0.06 ms, `decimal` 0.9 ms, `dataclasses` 4 ms; and a model
router waits for it with each new process of a function. So what is needed rarely is imported inside the function that
needs it: `router/authorize.py` loads the code that explains why a model is missing at the first refusal of that kind.
"""

from __future__ import annotations

import sys
from typing import Final

import pytest

from tests.support.start import modules_of, outermost

OURS_IN_BOTH: Final = frozenset(
    {
        "modelpass",
        *("modelpass.api_keys", "modelpass.encoding", "modelpass.errors", "modelpass.ids", "modelpass.macs"),
        *("modelpass.outbox", "modelpass.schema", "modelpass.time_zones", "modelpass.times"),
        *("modelpass.catalogue", "modelpass.catalogue.tiers"),
        "modelpass.dynamodb",
        "modelpass.dynamodb.circuit_breaker",
        *("modelpass.dynamodb.endpoint", "modelpass.dynamodb.http1", "modelpass.dynamodb.lean_client"),
        *("modelpass.dynamodb.retries", "modelpass.dynamodb.root_certificates", "modelpass.dynamodb.sigv4"),
        *("modelpass.dynamodb.transport", "modelpass.dynamodb.wire_json"),
        "modelpass.entitlements",
        *("modelpass.entitlements.accounting", "modelpass.entitlements.answers"),
        *("modelpass.entitlements.authorization_ids", "modelpass.entitlements.change"),
        "modelpass.entitlements.contract",
        *("modelpass.entitlements.events", "modelpass.entitlements.history", "modelpass.entitlements.items"),
        *("modelpass.entitlements.model", "modelpass.entitlements.rules", "modelpass.entitlements.thresholds"),
        *("modelpass.entitlements.transactions", "modelpass.entitlements.updates", "modelpass.entitlements.windows"),
        *("modelpass.entitlements.commands", "modelpass.entitlements.commands.decision_loop"),
        *("modelpass.router", "modelpass.router.row", "modelpass.router.validation"),
        *("modelpass.runtime", "modelpass.runtime.config", "modelpass.runtime.deps"),
        *("modelpass.runtime.telemetry", "modelpass.runtime.wiring"),
    }
)
OURS: Final = {
    "authorize": OURS_IN_BOTH
    | {
        "modelpass.entitlements.commands.authorize",
        "modelpass.entitlements.commands.tier_cache",
        "modelpass.entitlements.refusal_cache",
        "modelpass.router.authorize",
    },
    "settle": OURS_IN_BOTH | {"modelpass.entitlements.commands.settle", "modelpass.router.settle"},
}
"""Every module of the package, by its whole name; a package, such as `modelpass.router`, is a module as well."""
OF_OTHERS: Final = frozenset({"tzdata"})
"""Whatever is neither Python's own nor ours."""
OF_PYTHON: Final = frozenset(
    {
        *(
            "__future__",
            "base64",
            "binascii",
            "collections",
            "contextlib",
            "contextvars",
            "copyreg",
            "datetime",
            "enum",
        ),
        *("functools", "hashlib", "hmac", "itertools", "json", "keyword", "math", "operator", "re", "reprlib"),
        *("struct", "types", "typing", "warnings", "weakref", "zlib"),
        *("array", "errno", "select", "selectors", "socket", "ssl"),  # for the connection
        *("zoneinfo", "sysconfig"),
        "threading",  # `sysconfig` loads it since Python 3.13
    }
)
"""Whatever of Python's own is not private and not there before any program begins, by its outermost name."""
NEVER: Final = ("modelpass.api", "modelpass.schedule", "modelpass.subscriptions", "dataclasses", "decimal")
"""What must not join a list above either: too costly, or of no use for what is granted."""
HEAVY: Final = frozenset({"boto3", "botocore", "urllib3", "email", "http", "logging", "urllib"})


@pytest.mark.parametrize("function", OURS)
def test_function_of_the_hot_path_loads_just_the_modules_of_ours_that_are_listed(function: str) -> None:
    loaded = {name for name in modules_of(function, store_client="lean") if name.partition(".")[0] == "modelpass"}
    assert sorted(loaded - OURS[function]) == [], "loaded, and not in the list"
    assert sorted(OURS[function] - loaded) == [], "in the list, and not loaded"


@pytest.mark.parametrize("function", OURS)
def test_function_of_the_hot_path_loads_what_is_listed_of_python_and_others_and_no_more(function: str) -> None:
    loaded = outermost(modules_of(function, store_client="lean"))
    of_python = {name for name in loaded if name in sys.stdlib_module_names}
    assert loaded - of_python - {"modelpass"} == OF_OTHERS
    assert {name for name in of_python if not name.startswith("_")} <= OF_PYTHON
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize("function", OURS)
def test_what_must_never_be_loaded_is_in_no_list(function: str) -> None:
    listed = {*OURS[function], *OF_PYTHON}
    assert [name for name in sorted(listed) if any(f"{name}.".startswith(f"{never}.") for never in NEVER)] == []


def test_what_is_heavy_is_seen_where_it_is_loaded() -> None:
    assert outermost(modules_of("authorize", store_client="boto3")) >= HEAVY
