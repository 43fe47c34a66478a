"""What `If-Match` and `If-None-Match` demand: their forms as RFC 9110 has them, and what they let through."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.api.tags import preconditions_of
from modelpass.errors import ErrorCode, Refused
from modelpass.preconditions import NONE, Preconditions, Tags
from tests.support.http_events import event_of

A = Tags(strong=frozenset({"a"}))


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("*", Tags(every=True)),
        (" * ", Tags(every=True)),
        ('"a"', A),
        (' "a" ', A),
        ('"a","b"', Tags(strong=frozenset("ab"))),
        (', "a" ,, \t"b",', Tags(strong=frozenset("ab"))),
        ('W/"a"', Tags(weak=frozenset({"a"}))),
        ('W/"a", "b"', Tags(strong=frozenset({"b"}), weak=frozenset({"a"}))),
        ('""', Tags(strong=frozenset({""}))),
        ('"*"', Tags(strong=frozenset("*"))),
        ('"a,b"', Tags(strong=frozenset({"a,b"}))),
        ('"W/x\xe9!"', Tags(strong=frozenset({"W/x\xe9!"}))),
    ],
)
def test_header_is_a_star_or_a_list_of_tags(value: str, tags: Tags) -> None:
    assert preconditions_of(event_of(if_match=value)) == Preconditions(if_match=tags)
    assert preconditions_of(event_of(if_none_match=value)) == Preconditions(if_none_match=tags)


def test_request_without_the_headers_demands_nothing() -> None:
    assert preconditions_of(event_of()) == NONE


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            ",",
            "a",
            '"a',
            'a"',
            '"a" "b"',
            '"a""b"',
            "*,*",
            '*, "a"',
            '"a", *',
            "'a'",
            'w/"a"',
            'W/ "a"',
            "W/a",
        ),
        *('"a b"', '"a";', '"a\x7f"', '"\u0100"', "\u00a0*", '"a"\n'),
    ],
)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_header_of_another_form_is_refused_by_name(header: str, value: str) -> None:
    with pytest.raises(Refused) as caught:
        preconditions_of(event_of(if_match=value) if header == "If-Match" else event_of(if_none_match=value))
    refusal = caught.value.refusal
    assert (refusal.code, refusal.param) == (ErrorCode.INVALID_REQUEST, header)


def test_long_header_is_read_in_one_go() -> None:
    assert preconditions_of(event_of(if_match=" ," * 20_000 + '"a"')).if_match == A


@pytest.mark.parametrize(
    ("demanded", "tag", "param"),
    [
        ({}, None, None),
        ({"if_match": A}, "a", None),
        ({"if_match": A}, "b", "If-Match"),
        ({"if_match": A}, None, "If-Match"),
        ({"if_match": Tags(weak=frozenset({"a"}))}, "a", "If-Match"),
        ({"if_match": Tags(every=True)}, "a", None),
        ({"if_match": Tags(every=True)}, None, "If-Match"),
        ({"if_none_match": Tags(every=True)}, None, None),
        ({"if_none_match": Tags(every=True)}, "a", "If-None-Match"),
        ({"if_none_match": A}, "a", "If-None-Match"),
        ({"if_none_match": Tags(weak=frozenset({"a"}))}, "a", "If-None-Match"),
        ({"if_none_match": A}, "b", None),
        ({"if_match": A, "if_none_match": Tags(every=True)}, "a", "If-None-Match"),
        ({"if_match": A, "if_none_match": Tags(every=True)}, None, "If-Match"),
    ],
)
def test_what_is_demanded_of_a_tag_is_compared_strongly_or_weakly(
    demanded: dict[str, Any], tag: str | None, param: str | None
) -> None:
    refusal = Preconditions(**demanded).refusal(tag)
    assert (None if refusal is None else (refusal.code, refusal.param)) == (
        None if param is None else (ErrorCode.PRECONDITION_FAILED, param)
    )
