"""Cold start: a fresh interpreter loads a handler, and says which modules that took. Each function may load these."""

from __future__ import annotations

import sys
from typing import Final

import pytest

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
    "reset": STORE,
    "not_found": ROUTES | {"botocore", "jmespath"},  # Powertools looks whether they are there
    "cancel": STORE | ROUTES,
    "models": STORE | ROUTES,
    "regenerate": STORE | ROUTES,
    "renew": STORE | ROUTES,
    "subscriptions": STORE | ROUTES,
    "availability": STORE | ROUTES | BODY,
    "catalogue": STORE | ROUTES | BODY,
    "correct": STORE | ROUTES | BODY,
    "plan": STORE | ROUTES | BODY,
    "purchase": STORE | ROUTES | BODY,
    "quote": STORE | ROUTES | BODY,
}
"""Of what is not Python's own, by function. What a function need not load is not in its line."""
HOT: Final = frozenset({"authorize", "settle"})
OF_THE_API: Final = frozenset(MAY_LOAD) - HOT - {"reset"}


def start_of(function: str, tracing: str = "Disabled") -> frozenset[str]:
    """What a function loads as it is deployed by default, or while requests are traced."""
    return modules_of(function, store_client="lean" if function in HOT else "boto3", tracing=tracing)


def packages(modules: frozenset[str]) -> set[str]:
    """What is neither Python's own nor ours, by its outermost name."""
    return set(outermost(modules)) - {"__mp_main__", "modelpass"} - set(sys.stdlib_module_names) - NOT_COUNTED


def loaded(modules: frozenset[str], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if any(m == name or m.startswith(f"{name}.") for m in modules)]


def test_every_function_has_a_line() -> None:
    assert set(MAY_LOAD) == {app.parent.name for app in ROOT.glob("functions/*/app.py")}


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


@pytest.mark.parametrize("function", ["authorize", "settle", "reset"])
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
