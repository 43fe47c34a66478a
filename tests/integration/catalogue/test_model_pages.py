"""`GET /v1/models` page by page: complete, bounded, kept for two seconds, and not stopped by an item that is bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.catalogue import items as catalogue_items
from modelpass.catalogue.commands.queries import MOST_KEPT, ModelPages
from modelpass.catalogue.items import model_item
from modelpass.catalogue.model import CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.errors import Refused
from tests.support.lines import recorded
from tests.support.listings import list_models
from tests.support.tiers import busy, damage, without
from tests.support.world import IMAGE_MODEL, TEXT_MODEL, World

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
PRICE = Price("USD", "1.00", "0.000001", "0.01")
ODD: dict[str, Json] = {
    "a later version": {"v": {"N": "9"}},
    "no kind": {"kind": None},
    "an unknown kind": {"kind": {"S": "song"}},
    "no tiers": {"tiers": None},
    "an unknown tier": {"tiers": {"M": {"gold": {"M": {}}}}},
    "a price without a base": {"tiers": {"M": {"basic": {"M": {"currency": {"S": "USD"}}}}}},
    "limits that are text": {"limits": {"S": "any"}},
    "no set of tiers it was offered in": {"ever": None},
}


def offer(world: World, *model_ids: str, **changes: Any) -> None:
    """Store models as they are offered, with attributes changed; None takes one away."""
    for model_id in model_ids:
        item = {**model_item(CatalogueModel(model_id, Kind.TEXT, {Tier.BASIC: PRICE})), **changes}
        kept = {name: value for name, value in item.items() if value is not None}
        world.dynamodb.put_item(TableName=world.tables.catalogue, Item=kept)


def pages_of(world: World, limit: int, kept: ModelPages | None = None) -> Iterator[list[str]]:
    """The ids of every page, from the first to the last."""
    query = {"limit": str(limit)}
    while query.get("cursor", "") is not None:
        page = list_models(world.deps, query, kept)
        yield [listed["modelId"] for listed in page["models"]]
        query["cursor"] = page["next"]


@pytest.fixture
def many(world: World) -> list[str]:
    """The ids of all models of the world, to which some were added, in their order."""
    added = [f"m-{number:02d}" for number in range(20)]
    offer(world, *added, "A", "z/z@1")
    return sorted([TEXT_MODEL, IMAGE_MODEL, "veo-3", *added, "A", "z/z@1"])


@pytest.mark.parametrize("limit", [1, 2, 7, 24, 25, 26, 100])
def test_pages_together_are_all_models_each_once_in_the_order_of_their_ids(
    world: World, many: list[str], limit: int
) -> None:
    found = list(pages_of(world, limit))
    assert [model_id for page in found for model_id in page] == many
    assert all(len(page) == limit for page in found[:-1])
    assert len(found) == -(-len(many) // limit)
    assert list(pages_of(world, limit, ModelPages(world.deps.pacing.monotonic))) == found


@pytest.mark.parametrize("limit", [1, 3, 5, 100])
@pytest.mark.parametrize("how", ["withdrawn", "bad"])
def test_what_is_not_shown_makes_no_page_longer_and_leaves_nothing_out(world: World, how: str, limit: int) -> None:
    hidden = {"withdrawn": schema.number(1)} if how == "withdrawn" else {"v": {"N": "9"}}
    offer(world, *(f"m-{number:02d}" for number in range(0, 20, 2)))
    offer(world, *(f"m-{number:02d}" for number in range(1, 20, 2)), "m-99", **hidden)
    with recorded() as output:
        found = list(pages_of(world, limit))
    expected = [TEXT_MODEL, *(f"m-{number:02d}" for number in range(0, 20, 2)), IMAGE_MODEL, "veo-3"]
    assert [model_id for page in found for model_id in page] == expected
    assert all(len(page) <= limit for page in found)
    reported = {line["item"] for line in output.lines()}
    assert len(reported) == (0 if how == "withdrawn" else 11)


def test_long_stretch_of_withdrawn_models_costs_each_request_a_bounded_number_of_reads(world: World) -> None:
    offer(world, *(f"m-{number:02d}" for number in range(60)), withdrawn=schema.number(1))
    found, query = [], {"limit": "5"}
    while query.get("cursor", "") is not None:
        world.recorder.clear()
        page = list_models(world.deps, query)
        assert world.recorder.calls.count("Query") <= 4
        assert page["next"] != query.get("cursor")
        found.append([listed["modelId"] for listed in page["models"]])
        query["cursor"] = page["next"]
    assert [model_id for page in found for model_id in page] == [TEXT_MODEL, IMAGE_MODEL, "veo-3"]
    assert [] in found  # and is followed all the same


@pytest.mark.parametrize("kind", ODD)
def test_model_that_cannot_be_read_is_reported_and_spoils_no_other(world: World, kind: str) -> None:
    offer(world, "m-odd", **ODD[kind])
    with recorded() as output:
        assert list(pages_of(world, 100)) == [[TEXT_MODEL, IMAGE_MODEL, "veo-3"]]
    (line,) = output.lines()
    assert (line["message"], line["item"]) == ("unreadable_item", "catalogue model#m-odd")


@pytest.mark.parametrize("cursor", ["", "x", "bW9kZWwj", "c2V0dGluZ3M", "ZG93bg", "a" * 201, "é"])
def test_cursor_of_nothing_is_refused_by_name(world: World, cursor: str) -> None:
    with pytest.raises(Refused) as caught:
        list_models(world.deps, {"cursor": cursor})
    assert (caught.value.refusal.code.code, caught.value.refusal.param) == ("invalid_request", "cursor")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.0", "", "a", "٣"])
def test_limit_that_is_none_is_refused_by_name(world: World, limit: str) -> None:
    with pytest.raises(Refused) as caught:
        list_models(world.deps, {"limit": limit})
    assert (caught.value.refusal.code.code, caught.value.refusal.param) == ("invalid_request", "limit")


def test_page_is_kept_for_two_seconds_and_an_operator_sees_what_is_so_now(world: World) -> None:
    seconds = [0.0]
    deps = world.deps._replace(pacing=world.deps.pacing._replace(monotonic=lambda: seconds[0]))
    kept = ModelPages(deps.pacing.monotonic)

    def seen() -> int:
        return len(list_models(deps, {}, kept)["models"])

    assert seen() == 3
    offer(world, "m-new")
    seconds[0] = 1.99
    assert seen() == 3
    assert len(list_models(deps)["models"]) == 4
    seconds[0] = 2.0
    assert seen() == 4


def test_pages_are_kept_apart_and_only_so_many(world: World) -> None:
    kept = ModelPages(lambda: 0.0)
    offer(world, *(f"m-{number:03d}" for number in range(MOST_KEPT)))
    assert len(list(pages_of(world, 1, kept))) == MOST_KEPT + 3
    world.recorder.clear()
    again = list(pages_of(world, 1, kept))
    assert len(again) == MOST_KEPT + 3
    assert world.recorder.calls.count("Query") == MOST_KEPT + 3  # each page was the oldest when it was asked for again
    world.recorder.clear()
    list_models(world.deps, {"limit": "2"}, kept)
    for _ in range(3):
        list_models(world.deps, {"limit": "2"}, kept)
    assert world.recorder.calls.count("Query") == 1


def test_page_that_cannot_be_read_is_refused_and_not_kept(world: World) -> None:
    kept = ModelPages(lambda: 0.0)
    broken = world.with_send(without(world.deps.send, world.tables.catalogue, busy))
    with pytest.raises(Refused, match="temporarily_unavailable"):
        list_models(broken.deps, {}, kept)
    assert len(list_models(world.deps, {}, kept)["models"]) == 3


def test_copy_that_cannot_be_read_hides_no_model_and_is_reported(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable")
    for changes in ({"v": {"N": "9"}}, {"tiers": {"SS": [f"{TEXT_MODEL}#stable", "odd"]}}, {"tiers": {"S": "x"}}):
        damage(world, world.tables.catalogue, **changes)
        with recorded() as output:
            (first, *_) = list_models(world.deps)["models"]
        expected = "S" in changes.get("tiers", {})
        assert [tier["available"] for tier in first["tiers"]] == [True, expected, True]
        assert [line["item"] for line in output.lines()] == ["catalogue down"]


def test_key_of_a_model_is_what_its_cursor_names(world: World) -> None:
    longest = "m" * 128
    offer(world, longest, "zz")
    (before,) = (page for page in pages_of(world, 1) if page == [longest])
    assert catalogue_items.model_key(before[0])[1] == f"model#{longest}"
