"""What a caller demands of a resource before it is changed (RFC 9110, section 13). Rule: pure; values alone.

A resource has a tag as long as it can be shown. Tags are compared strongly where the caller demands one (`If-Match`),
and weakly where the caller demands that it is none of some (`If-None-Match`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from modelpass.errors import ErrorCode, Refusal


class Tags(NamedTuple):
    """What a header names: `every` tag that there may be (`*`), or those that it lists, `strong` and `weak` ones."""

    every: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()


class Preconditions(NamedTuple):
    """What the headers `If-Match` and `If-None-Match` of a request demand; None for a header that was not sent."""

    if_match: Tags | None = None
    if_none_match: Tags | None = None

    def refusal(self, tag: str | None) -> Refusal | None:
        """Why a resource with this tag is not to be changed; None when it may be. `tag` is None where there is none."""
        wanted, unwanted = self.if_match, self.if_none_match
        if wanted is not None and (tag is None or not (wanted.every or tag in wanted.strong)):
            return Refusal(ErrorCode.PRECONDITION_FAILED, param="If-Match")
        if unwanted is not None and tag is not None and (unwanted.every or tag in unwanted.strong | unwanted.weak):
            return Refusal(ErrorCode.PRECONDITION_FAILED, param="If-None-Match")
        return None


NONE: Final = Preconditions()
"""Those of a request that demands nothing."""
