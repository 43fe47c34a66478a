"""The estimate is an upper bound of what the request may use, or the request is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass_client.errors import Refused
from modelpass_client.litellm.estimates import Estimate, estimate

IMAGE = {"type": "image_url", "image_url": {"url": "data:" + "A" * 1000}}


def of(kind: Any, size: int = 100, **body: Any) -> Estimate:
    return of_body(kind, body, size)


def of_body(kind: Any, body: dict[str, Any], size: int = 100) -> Estimate:
    return estimate(kind, body, size, unknown_output=4096, least_output=256, image_tokens=5000)


def test_the_prompt_is_bounded_by_its_bytes_and_what_frames_it() -> None:
    small, large = of("chat", 100, max_tokens=1), of("chat", 100_100, max_tokens=1)
    assert large.units - small.units == 100_000
    assert small.prompt > 100
    assert of("chat", messages=[{}] * 50).prompt - of("chat", messages=[]).prompt >= 50 * 4
    assert of("chat", tools=[{}] * 5).prompt > of("chat").prompt


def test_an_image_counts_as_its_tokens_and_not_as_its_bytes() -> None:
    with_image = of("chat", 1105, messages=[{"role": "user", "content": [IMAGE]}]).prompt
    without = of("chat", 100, messages=[{"role": "user", "content": []}]).prompt
    assert with_image == without + 5000


def test_the_output_is_what_the_customer_bounds_times_its_choices() -> None:
    one, three = of("chat", max_tokens=500), of("chat", max_tokens=500, n=3)
    assert one.units == one.prompt + 500
    assert three.units == three.prompt + 1500
    assert one.minimum is None, "a bound of the customer's is not lowered"
    assert one.bound is None


def test_the_larger_of_two_bounds_counts() -> None:
    both = of("chat", max_tokens=500, max_completion_tokens=900)
    assert both.units == both.prompt + 900


@pytest.mark.parametrize(("kind", "field"), [("chat", "max_tokens"), ("responses", "max_output_tokens")])
def test_without_a_bound_one_is_set_by_what_is_held(kind: str, field: str) -> None:
    unbounded = of(kind)
    assert unbounded.units == unbounded.prompt + 4096
    assert unbounded.minimum == unbounded.prompt + 256
    assert unbounded.bound == field
    assert unbounded.output_for(unbounded.prompt + 300) == 300
    assert of("chat", n=2).output_for(of("chat", n=2).prompt + 301) == 150


def test_thoughts_come_on_top() -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}
    bounded = of("messages", max_tokens=500, thinking=thinking)
    assert bounded.units == bounded.prompt + 2500
    unbounded = of("chat", thinking=thinking)
    assert unbounded.units == unbounded.prompt + 6096
    assert of("messages", max_tokens=500, thinking={"type": "adaptive"}).units == bounded.prompt + 500


def test_images_and_embeddings() -> None:
    assert of("images").units == 1
    assert of("images", n=4).units == 4
    assert of("embeddings", 100).units == of("chat", 100).prompt


@pytest.mark.parametrize("figure", ["50", -5, 0, 1.0, True, 10**12, [5], {}, float("nan")])
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("chat", "max_tokens"),
        ("chat", "max_completion_tokens"),
        ("chat", "n"),
        ("responses", "max_output_tokens"),
        ("messages", "max_tokens"),
        ("images", "n"),
        ("messages", "thinking.budget_tokens"),
    ],
)
def test_a_figure_that_bounds_nothing_is_refused_by_name(kind: str, field: str, figure: object) -> None:
    outer, _, inner = field.partition(".")
    with pytest.raises(Refused) as caught:
        of_body(kind, {outer: {inner: figure} if inner else figure})
    assert (caught.value.code, caught.value.param) == ("invalid_request", field)
