"""Fixtures of the stories in a browser: Chromium, a stack per module, people with a browser of their own.

Rule: a story that finds a script error or a breach of the Content-Security-Policy on its pages fails at its end.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from local.machine import ROOT
from tests.browser.people import Person
from tests.support import stack as support

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.people import NewPerson
    from tests.support.stack import Stack

PLAYWRIGHT: Final = ROOT / ".tools" / "browser"
AXE: Final = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
BUILT: Final = ROOT / "console" / "dist" / "index.html"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser on this machine: what CHROMIUM names, or one that PATH has."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def why_not() -> str | None:
    """Why there is no browser to be had, as a sentence; None where there is one."""
    if chromium() is None:
        return "There is no Chromium on this machine: install it, or name one with CHROMIUM=…"
    if PLAYWRIGHT.is_dir() and str(PLAYWRIGHT) not in sys.path:
        sys.path.append(str(PLAYWRIGHT))
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not set up: make browser"
    return None if BUILT.is_file() else "The console is not built: make console"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium without a window, gone at the end of the module: Playwright's event loop runs as long as it is there,
    and the tests of other modules in this process have loops of their own.
    """
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where it is set up

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe, which looks at a page as those see it who need help to."""
    if not AXE.is_file():
        pytest.skip("axe-core is not set up: npm ci in console/")
    return AXE.read_text("utf-8")


@pytest.fixture(scope="module")
def console_parameters() -> str:
    """The parameters of the module's stack; a module may have its own."""
    return ""


@pytest.fixture(scope="module")
def console_stack(browser: Any, console_parameters: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack with an engine of its own, whose clock goes on until it is moved."""
    assert browser.is_connected()
    data = str(tmp_path_factory.mktemp("console"))
    with support.running(DATA=data, **({"PARAMETERS": console_parameters} if console_parameters else {})) as running:
        yield running
        status, errors = running.end()
    assert (status, errors) == (0, "")


@pytest.fixture(scope="module")
def console_url(console_stack: Stack) -> str:
    return console_stack.url


@pytest.fixture
def new_person(browser: Any, console_url: str) -> Iterator[NewPerson]:
    """Makes people who look at the console, each in a browser context that shares nothing with another's."""
    people: list[Person] = []

    def make(**settings: Any) -> Person:
        chosen = {"locale": "en-GB", "timezone_id": "Europe/Berlin", **settings}
        person = Person(browser.new_context(**chosen), console_url)
        people.append(person)
        return person

    yield make
    problems = [problem for person in people for problem in person.problems]
    for person in people:
        person.context.close()
    assert problems == []


@pytest.fixture
def customer(new_person: NewPerson, new_account: Callable[[], str]) -> Person:
    """A customer whom nobody has sold anything yet, signed in."""
    person = new_person()
    person.sign_in(new_account())
    return person


@pytest.fixture
def operator(new_person: NewPerson) -> Person:
    """An operator, signed in."""
    person = new_person()
    person.sign_in("op_ann", as_operator=True)
    return person
