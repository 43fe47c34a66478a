"""Texts that are nearly a key or an id. Rule: pure; every text here differs from the right one."""

from __future__ import annotations

import string
from typing import Final

ALPHABET: Final = string.ascii_letters + string.digits + "-_"


def mistyped(text: str) -> list[str]:
    """Every text with one character changed, left out, doubled, or swapped with its neighbour."""
    wrong = []
    for at, right in enumerate(text):
        wrong += [text[:at] + other + text[at + 1 :] for other in (*ALPHABET, " ", "=", "+", "é") if other != right]
        wrong += [text[:at] + text[at + 1 :], text[:at] + right + text[at:]]
        if at and text[at - 1] != right:
            wrong.append(text[: at - 1] + right + text[at - 1] + text[at + 1 :])
    return wrong


def around(prefix: str, text: str) -> list[str]:
    """A text that begins with a prefix: shortened, with something around it, and with other characters after it."""
    raw = text.removeprefix(prefix)
    return [
        "",
        " ",
        raw,
        prefix,
        f" {text}",
        f"{text} ",
        f"{text}\n",
        f"{text}=",
        f"{text}\0",
        f"Bearer {text}",
        text.upper(),
        text[:-4],
        text * 2,
        "\ud800",
        prefix + "A" * len(raw),
        prefix + "é" * len(raw),
        prefix + "٣" * len(raw),
    ]
