"""Somebody who looks at the console: opens its pages, presses what has a name, and reads what stands there.

Rule: only by what people have: names of buttons, labels of fields, headings, words. A style is asked for in one place,
to learn that something is under way.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
KEY: Final = re.compile(r"sk-custom-[A-Za-z0-9_-]{20,}")
REFUSED: Final = ("Content Security Policy", "Refused to")
UNDER_WAY: Final = ".loading, [aria-busy=true]"


class NewPerson(Protocol):
    """Makes somebody, with settings of a browser context."""

    def __call__(self, **settings: Any) -> Person: ...


class Person:
    """One person with one browser context; `page` is the tab in front."""

    def __init__(self, context: Any, url: str) -> None:
        self.context = context
        self.url = url
        self.account = ""
        self.problems: list[str] = []
        context.on("page", self._watch)
        context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.page = context.new_page()

    def _watch(self, page: Any) -> None:
        page.on("console", self._note)
        page.on("dialog", lambda dialog: dialog.accept())  # it asks before a page with a key is left

    def _note(self, message: Any) -> None:
        if any(word in message.text for word in REFUSED):
            self.problems.append(message.text)

    def open(self, route: str = "/") -> None:
        """Open a page of the console, and wait until it has what it asked for."""
        self.page.goto(f"{self.url}/#{route}")
        self.settled()

    def settled(self) -> None:
        """Wait until nothing on the page is under way."""
        self.page.get_by_role("heading", level=1).wait_for()
        self.page.locator(UNDER_WAY).first.wait_for(state="detached")

    def sign_in(self, account: str, *, as_operator: bool = False) -> None:
        """Sign in by the pages of the local provider, and come back to the page that is open."""
        self.account = account
        if self.page.url == "about:blank":
            self.open("/")
        self.press("Sign in as an operator" if as_operator else "Sign in")
        self.page.get_by_label("Account", exact=True).fill(account)
        self.press("Sign in")
        self.page.wait_for_url(f"{self.url}/#/**")
        self.settled()

    def press(self, name: str, *, within: Any = None) -> None:
        """Press a button by its whole name."""
        (within or self.page).get_by_role("button", name=name, exact=True).click()

    def confirm(self, action: str) -> None:
        """Press a button in the dialog that is open, and wait for what comes of it."""
        dialog = self.page.get_by_role("dialog")
        self.press(action, within=dialog)
        dialog.wait_for(state="detached")
        self.settled()

    def fill(self, label: str, value: str, *, within: Any = None) -> None:
        (within or self.page).get_by_label(label, exact=True).fill(value)

    def choose(self, label: str, value: str, *, within: Any = None) -> None:
        (within or self.page).get_by_label(label, exact=True).select_option(value)

    def sees(self, text: str) -> None:
        """Wait until the page has these words, outside of what only a screen reader is told."""
        self.page.get_by_text(text).filter(visible=True).first.wait_for()

    def text(self) -> str:
        """The words of the page."""
        words: str = self.page.locator("main").inner_text()
        return words

    def key(self) -> str:
        """The API key that the page shows."""
        found = KEY.search(self.text())
        assert found is not None, self.text()
        return found[0]

    def storage(self) -> str:
        """All that the page keeps, as text: local storage, session storage and cookies."""
        kept = self.page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
        return f"{kept}{json.dumps(self.context.cookies())}"

    def cards(self) -> dict[str, Json]:
        """What the cards of the models say: the figures of each bar, by model and bar."""
        found: dict[str, Json] = {}
        for card in self.page.get_by_role("region").all():
            bars = [bar.get_attribute("aria-label") for bar in card.get_by_role("img").all()]
            name = card.get_attribute("aria-label")
            if bars and name != "The current subscription":
                found[name] = dict(figures_of(bars))
        return found


def figures_of(bars: list[str]) -> Iterator[tuple[str, Json]]:
    """The figures of bars, from the words that a screen reader is told."""
    for told in bars:
        name, _, words = told.partition(": ")
        figures = {word: _number(words, rf"([\d,.]+) {word}") for word in ("used", "held", "left", "top-up")}
        limit = re.search(r"of ([\d,.]+)", words)
        assert limit is not None, told
        yield name, {**figures, "limit": _whole(limit[1])}


def _number(words: str, pattern: str) -> int:
    found = re.search(pattern, words)
    return _whole(found[1]) if found else 0


def _whole(figure: str) -> int:
    return int(re.sub(r"\D", "", figure))


def violations(page: Any, axe: str) -> list[str]:
    """What axe finds wrong with a page as it is drawn now, each with where."""
    page.evaluate(axe)
    rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", rules)
    return [
        f"{one['id']}: {node['target']}: {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
