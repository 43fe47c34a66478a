"""What each function loads at its start: which packages of others, and which rooms of ours. Rule: its line, no more.

A fresh interpreter loads a handler, as a cold start does, and says which modules that took. What a function does not
need must not slow its start down. What a room is, `tests/support/rooms.py` says.
"""

from __future__ import annotations

import sys
from typing import Final

import pytest

from tests.support.rooms import DOORS
from tests.support.start import ROOT, modules_of, outermost

STORE: Final = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})
ROUTES: Final = frozenset({"aws_lambda_powertools"})
BODY: Final = frozenset({"annotated_types", "pydantic", "pydantic_core", "typing_inspection"})
NOT_COUNTED: Final = {
    "certifi",  # loaded by botocore where it is installed; it is not shipped
    "tzdata",  # its name and its path: it has no code
    "typing_extensions",  # as the version of Python wants it
}
MAY_LOAD: Final = {
    "authorize": frozenset(),
    "settle": frozenset(),
    "describe_key": frozenset(),
    "reset": STORE,
    "synthetic": STORE,
    "not_found": ROUTES | {"botocore", "jmespath"},  # Powertools looks whether they are there
    "approve": STORE | ROUTES | BODY,
    "cancel": STORE | ROUTES,
    "change": STORE | ROUTES | BODY,
    "top_up": STORE | ROUTES | BODY,
    "key": STORE | ROUTES,
    "models": STORE | ROUTES,
    "orders": STORE | ROUTES,
    "withdraw_order": STORE | ROUTES,
    "regenerate": STORE | ROUTES,
    "subscriptions": STORE | ROUTES,
    "catalogue": STORE | ROUTES | BODY,
    "correct": STORE | ROUTES | BODY,
    "extend": STORE | ROUTES | BODY,
    "look": STORE | ROUTES | BODY,
    "suspend": STORE | ROUTES | BODY,
    "update_subscription": STORE | ROUTES | BODY,
    "plan": STORE | ROUTES | BODY,
    "purchase": STORE | ROUTES | BODY,
    "quote": STORE | ROUTES | BODY,
    "renew": STORE | ROUTES | BODY,
}
"""Packages that are neither Python's own nor ours, by function. What a function need not load is not in its line."""
CATALOGUE, ENTITLEMENTS, SUBSCRIPTIONS = "catalogue.commands", "entitlements.commands", "subscriptions.commands"
ROOMS: Final = {
    "authorize": {"router", ENTITLEMENTS},
    "settle": {"router", ENTITLEMENTS},
    "describe_key": {"router", CATALOGUE, SUBSCRIPTIONS},
    "reset": {"schedule", CATALOGUE, ENTITLEMENTS, SUBSCRIPTIONS},
    "synthetic": {"schedule"},
    "not_found": {"api"},
    "catalogue": {"api", CATALOGUE},
    "models": {"api", CATALOGUE},
    "approve": {"api", CATALOGUE, SUBSCRIPTIONS},
    "cancel": {"api", CATALOGUE, SUBSCRIPTIONS},
    "key": {"api", CATALOGUE, SUBSCRIPTIONS},
    "plan": {"api", CATALOGUE, SUBSCRIPTIONS},
    "withdraw_order": {"api", SUBSCRIPTIONS},
    "regenerate": {"api", CATALOGUE, SUBSCRIPTIONS},
    "look": {"api", CATALOGUE, SUBSCRIPTIONS},
    "suspend": {"api", CATALOGUE, SUBSCRIPTIONS},
    "correct": {"api", CATALOGUE, ENTITLEMENTS, SUBSCRIPTIONS},
    "change": {"api", CATALOGUE, SUBSCRIPTIONS},
    "extend": {"api", CATALOGUE, SUBSCRIPTIONS},
    "orders": {"api", CATALOGUE, SUBSCRIPTIONS},
    "top_up": {"api", CATALOGUE, SUBSCRIPTIONS},
    "update_subscription": {"api", CATALOGUE, SUBSCRIPTIONS},
    "purchase": {"api", CATALOGUE, SUBSCRIPTIONS},
    "quote": {"api", CATALOGUE, SUBSCRIPTIONS},
    "renew": {"api", CATALOGUE, SUBSCRIPTIONS},
    "subscriptions": {"api", CATALOGUE, SUBSCRIPTIONS},
}
"""By function: the door that requests come in by, and the wings whose commands it loads.

Pure files, `dynamodb` and `runtime` are not listed, for every door may share them.
"""
OF_THE_ROUTER: Final = frozenset({"authorize", "settle", "describe_key"})
OF_THE_API: Final = frozenset(MAY_LOAD) - OF_THE_ROUTER - {"reset", "synthetic"}


def start_of(function: str, tracing: str = "Disabled") -> frozenset[str]:
    """What a function loads as it is deployed by default, or while requests are traced."""
    return modules_of(function, store_client="lean" if function in OF_THE_ROUTER else "boto3", tracing=tracing)


def packages(modules: frozenset[str]) -> set[str]:
    """What is neither Python's own nor ours, by its outermost name."""
    return set(outermost(modules)) - {"__mp_main__", "modelpass"} - set(sys.stdlib_module_names) - NOT_COUNTED


def rooms(modules: frozenset[str]) -> set[str]:
    """The doors and the rooms of commands among these modules, as `router` and `catalogue.commands`."""
    ours = [name.split(".")[1:] for name in modules if name.startswith("modelpass.")]
    doors = {parts[0] for parts in ours if parts[0] in DOORS}
    return doors | {f"{parts[0]}.commands" for parts in ours if "commands" in parts}


def loaded(modules: frozenset[str], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if any(m == name or m.startswith(f"{name}.") for m in modules)]


def test_every_function_has_a_line() -> None:
    assert set(MAY_LOAD) == set(ROOMS) == {app.parent.name for app in ROOT.glob("functions/*/app.py")}


@pytest.mark.parametrize("function", ROOMS)
def test_function_loads_its_own_door_and_the_commands_of_its_line_and_no_others(function: str) -> None:
    assert rooms(start_of(function)) == ROOMS[function]


def test_each_function_has_one_door() -> None:
    assert [function for function, its in ROOMS.items() if len(its & set(DOORS)) != 1] == []


@pytest.mark.parametrize("function", MAY_LOAD)
def test_function_starts_with_what_its_line_says_and_no_more(function: str) -> None:
    modules = start_of(function)
    assert sorted(packages(modules) - MAY_LOAD[function]) == [], "loaded, and not in its line"
    assert sorted(MAY_LOAD[function] - packages(modules)) == [], "in its line, and not loaded"


@pytest.mark.parametrize("function", sorted(OF_THE_API))
def test_function_of_the_api_loads_the_resolver_and_none_of_the_hot_path(function: str) -> None:
    modules = start_of(function)
    assert "modelpass.api.resolver" in modules
    assert (
        loaded(
            modules,
            (
                "modelpass.router.authorize",
                "modelpass.router.settle",
                "modelpass.entitlements.commands.authorize",
                "modelpass.entitlements.commands.settle",
            ),
        )
        == []
    )


@pytest.mark.parametrize("function", ["authorize", "settle", "describe_key", "reset", "synthetic"])
def test_other_functions_load_no_resolver_and_no_tracer_whatever_is_traced(function: str) -> None:
    modules = start_of(function, "Active")
    assert (
        loaded(
            modules,
            ("modelpass.api.requests", "modelpass.api.tracing", "aws_lambda_powertools", "aws_xray_sdk", "pydantic"),
        )
        == []
    )
    assert modules == start_of(function)


def test_function_of_the_api_loads_the_tracer_when_requests_are_traced() -> None:
    assert loaded(start_of("cancel", "Active"), ("aws_xray_sdk", "wrapt")) == ["aws_xray_sdk", "wrapt"]
