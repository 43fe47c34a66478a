"""Entity tags in headers (RFC 9110, section 8.8.3). Rule: the form of these headers and nothing else.

What a header demands is judged by `preconditions`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from modelpass.errors import invalid
from modelpass.preconditions import Preconditions, Tags

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

_TAG: Final = re.compile(r'(W/)?"([!#-~\x80-\xff]*)"')
_BETWEEN: Final = re.compile(r"[ \t,]*")
_BLANKS: Final = " \t"
_EVERY: Final = "*"


def preconditions_of(event: APIGatewayProxyEventV2) -> Preconditions:
    """What the headers `If-Match` and `If-None-Match` demand.

    Raises `invalid_request`, which names the header, where one is neither `*` nor a list of tags in quotes.
    """
    headers = event.headers
    return Preconditions(
        _tags_of("If-Match", headers.get("if-match")), _tags_of("If-None-Match", headers.get("if-none-match"))
    )


def is_known(event: APIGatewayProxyEventV2, tag: str) -> bool:
    """Whether `If-None-Match` says that the caller has the answer with this tag already; what is no tag is ignored.

    A weak tag counts as its strong one (RFC 9110, section 13.1.2).
    """
    value = event.headers.get("if-none-match", "").strip(_BLANKS)
    return value == _EVERY or tag in [found for _, found in _TAG.findall(value)]


def _tags_of(header: str, value: str | None) -> Tags | None:
    if value is None:
        return None
    if value.strip(_BLANKS) == _EVERY:
        return Tags(every=True)
    found = _listed(value)
    if not found:
        raise invalid(header, f'{header} must be * or tags in quotes, separated by commas, such as "abc".')
    strong, weak = (frozenset(tag for is_weak, tag in found if is_weak is wanted) for wanted in (False, True))
    return Tags(strong=strong, weak=weak)


def _listed(value: str) -> list[tuple[bool, str]]:
    """The tags of a list, each with whether it is weak; none where the value is no list of tags."""
    found: list[tuple[bool, str]] = []
    at, between = 0, ""
    while True:
        gap = _BETWEEN.match(value, at)
        at, between = (gap.end(), gap[0]) if gap else (at, "")
        if at == len(value):
            return found
        tag = _TAG.match(value, at)
        if tag is None or (found and "," not in between):
            return []
        found.append((tag[1] is not None, tag[2]))
        at = tag.end()
