"""Settles that come by the queue: what can be booked is booked, and what cannot is parked, never thrown away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.entitlements import authorization_ids
from modelpass.times import DAY_MS
from tests.support.asked import FORGED
from tests.support.handlers import Service, batch
from tests.support.lines import recorded
from tests.support.world import IMAGE_MODEL

if TYPE_CHECKING:
    from tests.support.handlers import Json
    from tests.support.world import Clock

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def granted(service: Service, bought: Json) -> str:
    """The id of a grant of 4,000 tokens and 5 calls."""
    answer = service.authorize(bought["apiKey"], calls=5)
    return str(answer["authorizationId"])


def figures(service: Service, bought: Json) -> tuple[int, int, int]:
    """Of the text model: calls of the day, units used and units held."""
    model = service.http("get-usage", bought["account"], bought["subscriptionId"]).json["models"][0]
    return model["daily"]["used"], model["monthly"]["used"], model["monthly"]["held"]


def events(service: Service, bought: Json) -> list[Json]:
    told: list[Json] = service.http("get-events", bought["account"], bought["subscriptionId"]).json["events"]
    return told


def parked(service: Service, *bodies: object) -> list[str]:
    answer = service.invoke("SettleFunction", batch(*bodies))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


NOT_IDS: tuple[Any, ...] = (FORGED, "", 7, ["auth_"], {})
NOT_TIERS: tuple[Any, ...] = ("gold", "", 1, ["basic"], {}, False)
UNBOOKABLE: list[Any] = [
    -555,
    -1,
    None,
    1234.5,
    0.1,
    float("nan"),
    float("inf"),
    1e300,
    2.0**60,
    "1234",
    "",
    True,
    [],
    {},
]
UNBOOKABLE += [10**15 + 1, 10**30]


@pytest.mark.parametrize("used", UNBOOKABLE, ids=repr)
def test_usage_that_is_no_number_of_units_parks_the_message_and_is_booked_once_mended(
    service: Service, bought: Json, granted: str, used: Any
) -> None:
    message = {"authorizationId": granted, "actualUsage": used}
    assert parked(service, message) == ["m-0"]
    assert figures(service, bought) == (5, 0, 4000)
    assert parked(service, {**message, "actualUsage": 1234}) == []
    assert figures(service, bought) == (5, 1234, 0)


def test_mended_message_is_booked_when_its_hold_has_long_expired(
    service: Service, bought: Json, granted: str, clock: Clock
) -> None:
    assert parked(service, {"authorizationId": granted}) == ["m-0"]
    clock.now_ms += DAY_MS
    service.authorize(bought["apiKey"], requestId="another")
    assert parked(service, {"authorizationId": granted, "actualUsage": 1234}) == []
    assert figures(service, bought)[1] == 1234


@pytest.mark.parametrize(
    "message",
    ["", "no JSON", "[]", "1", '"text"', "null", "{}", {"actualUsage": 5}, {"authorizationId": None, "actualUsage": 5}]
    + [{"authorizationId": value, "actualUsage": 5} for value in NOT_IDS],
    ids=repr,
)
def test_message_that_names_no_authorization_is_parked(service: Service, message: Any) -> None:
    assert parked(service, message, message) == ["m-0", "m-1"]


BOOKABLE: list[tuple[Json, int, int, str, str | None, int | None]] = [
    # what the message says beside its id; calls counted, units booked, and what the line says: tier breached,
    # fields passed over, unknown fields
    ({}, 5, 1234, "kept", None, None),
    ({"actualUsage": 1234.0}, 5, 1234, "kept", None, None),
    ({"actualUsage": 1.234e3}, 5, 1234, "kept", None, None),
    ({"actualUsage": 0.0}, 5, 0, "kept", None, None),
    ({"latencyMs": 12, "trace": {"calls": 1}}, 5, 1234, "kept", None, 2),
    *(({"continue": how}, 5, 1234, "kept", None, None) for how in ({"calls": 1}, {}, None, 7, "yes")),
    ({"continue": {"calls": 1}, "calls": 2}, 2, 1234, "kept", None, None),
    *(({"usageSource": said}, 5, 1234, "kept", None, None) for said in ("reported", "counted", "estimated", None)),
    *(({"usageSource": said}, 5, 1234, "kept", "usageSource", None) for said in ("guessed", "", 3, ["counted"])),
    ({"latencyMs": None}, 5, 1234, "kept", None, 1),
    ({"calls": None, "servedTier": None}, 5, 1234, "kept", None, None),
    ({"calls": 2}, 2, 1234, "kept", None, None),
    ({"calls": 2.0}, 2, 1234, "kept", None, None),
    ({"calls": 6}, 5, 1234, "kept", "calls", None),
    *(({"calls": calls}, 5, 1234, "kept", "calls", None) for calls in (-1, 1.5, "2", True, [2], 10**30)),
    *(({"servedTier": tier}, 5, 1234, "kept", "servedTier", None) for tier in NOT_TIERS),
    *(({"servedTier": tier}, 5, 1234, "kept", None, None) for tier in ("stable", "Stable", " STABLE ")),
    *(({"servedTier": tier}, 5, 1234, "breached", None, None) for tier in ("basic", "Basic", "BASIC\n")),
    ({"calls": "all", "servedTier": "?", "x": 1, "y": 2}, 5, 1234, "kept", "calls,servedTier", 2),
    ({"actualUsage": 0, "calls": 0}, 0, 0, "kept", None, None),
]


@pytest.mark.parametrize(("said", "calls", "units", "tier", "unusable", "unknown"), BOOKABLE, ids=repr)
def test_what_can_be_booked_is_booked_and_the_line_says_what_was_passed_over(  # noqa: PLR0913 - a row of the table
    service: Service,
    bought: Json,
    granted: str,
    *,
    said: Json,
    calls: int,
    units: int,
    tier: str,
    unusable: str | None,
    unknown: int | None,
) -> None:
    with recorded() as output:
        assert parked(service, {"authorizationId": granted, "actualUsage": 1234, **said}) == []
    assert figures(service, bought) == (calls, units, 0)
    (line,) = output.decided()
    assert line["decision"] == "settled"
    assert ("TierBreaches" in line) is (tier == "breached")
    assert (line.get("unusable"), line.get("unknownFields")) == (unusable, unknown)


@pytest.mark.parametrize("spelled", [" {}", "{}\n", "{}=", "{}==", "\t{} "])
def test_id_that_other_programs_have_padded_is_the_same_id(
    service: Service, bought: Json, granted: str, spelled: str
) -> None:
    message = {"authorizationId": spelled.format(granted), "actualUsage": 1234}
    assert parked(service, message, message) == []
    assert figures(service, bought) == (5, 1234, 0)


def test_directly_the_same_reports_are_refused_by_name_and_nothing_is_booked(
    service: Service, bought: Json, granted: str
) -> None:
    for said, param in (
        ({"actualUsage": 1234.0}, "actualUsage"),
        ({"latencyMs": 12}, "latencyMs"),
        ({"calls": 6}, "calls"),
        ({"servedTier": "Stable"}, "servedTier"),
        ({"authorizationId": f" {granted}"}, "authorizationId"),
    ):
        event = {"authorizationId": granted, "actualUsage": 1234, **said}
        answer = service.invoke("SettleFunction", event)
        assert (answer["settled"], answer["error"]["param"]) == (False, param)
    assert figures(service, bought) == (5, 0, 4000)


@pytest.mark.parametrize("queued", [True, False], ids=["queued", "direct"])
def test_line_of_a_refused_settle_names_what_it_is_about_where_the_id_is_authentic(
    service: Service,
    bought: Json,
    granted: str,
    queued: bool,  # noqa: FBT001
) -> None:
    refused = [
        {"authorizationId": granted, "actualUsage": -1},
        {"authorizationId": granted},
        {"authorizationId": FORGED, "actualUsage": -1},
        {"authorizationId": FORGED, "actualUsage": 1, "secret-of-the-caller": "sk-custom-x"},
        {"authorizationId": 7, "actualUsage": 1},
    ]
    with recorded() as output:
        if queued:
            parked(service, *refused)
        else:
            for event in refused:
                service.invoke("SettleFunction", event)
    lines = output.decided()
    about = {"subscriptionId": bought["subscriptionId"], "modelId": "claude-opus-4-6"}
    named = [{name: line[name] for name in about if name in line} for line in lines]
    assert named == [about, about, {}, {}, {}]
    assert [line.get("param") for line in lines] == (
        ["actualUsage", "actualUsage", *["authorizationId"] * 3]
        if queued
        else ["actualUsage", "actualUsage", "actualUsage", None, "authorizationId"]
    )
    assert "secret-of-the-caller" not in json.dumps(lines)


REPORTED: list[tuple[Json, Json]] = [
    # what a settle says beside its id, and what the line of its refusal says of it
    ({"actualUsage": 1234, "calls": 3}, {"actualUsage": 1234, "calls": 3}),
    ({"actualUsage": 0}, {"actualUsage": 0}),
    ({"actualUsage": 1234, "calls": None}, {"actualUsage": 1234}),
    ({"actualUsage": 1234, "calls": "sk-custom-secret"}, {"actualUsage": 1234}),
    ({"actualUsage": 10**15 + 1, "calls": -1}, {}),
    ({"actualUsage": True, "calls": 10**9}, {"calls": 10**9}),
    ({"calls": 2}, {"calls": 2}),
]


@pytest.mark.parametrize("queued", [True, False], ids=["queued", "direct"])
@pytest.mark.parametrize(("said", "told"), REPORTED, ids=repr)
def test_line_of_a_refused_settle_says_what_was_reported_as_far_as_it_is_well_formed(
    service: Service,
    said: Json,
    told: Json,
    queued: bool,  # noqa: FBT001
) -> None:
    event = {"authorizationId": FORGED, **said}
    with recorded() as output:
        if queued:
            assert parked(service, event) == ["m-0"]
        else:
            assert not service.invoke("SettleFunction", event)["settled"]
    (line,) = output.decided()
    assert {name: line[name] for name in ("actualUsage", "calls") if name in line} == told
    assert "secret" not in output.getvalue()


def test_line_of_a_settle_that_is_booked_says_no_more_than_before(service: Service, granted: str) -> None:
    with recorded() as output:
        service.settle(granted, actualUsage=7, calls=1)
    assert {"actualUsage", "calls"}.isdisjoint(output.only())


@pytest.mark.parametrize("queued", [True, False], ids=["queued", "direct"])
def test_settle_that_leaves_its_month_in_overrun_is_counted_once(
    service: Service,
    bought: Json,
    queued: bool,  # noqa: FBT001
) -> None:
    ids = [service.authorize(bought["apiKey"], requestId=f"r-{n}")["authorizationId"] for n in range(3)]
    used = (5_000_000 - 8_000, 4_001, 0)  # the holds of the others count as well: 1 above the cap, and still above it
    counted = []
    for authorization_id, units in zip(ids, used, strict=True):
        message = {"authorizationId": authorization_id, "actualUsage": units}
        with recorded() as output:
            for _ in range(2):
                parked(service, message) if queued else service.invoke("SettleFunction", message)
        counted.append([line.get("Overruns", 0) for line in output.decided()])
    assert counted == [[0, 0], [1, 0], [0, 0]]


@pytest.mark.parametrize("queued", [True, False], ids=["queued", "direct"])
@pytest.mark.parametrize(
    ("estimate", "used", "far"), [(4000, 39_999, 0), (4000, 40_000, 1), (0, 9, 0), (0, 10, 1), (1, 10, 1)]
)
def test_report_far_above_its_estimate_is_booked_and_told_once(
    service: Service,
    bought: Json,
    estimate: int,
    used: int,
    far: int,
    queued: bool,  # noqa: FBT001
) -> None:
    answer = service.authorize(bought["apiKey"], estimatedUsage=estimate)
    message = {"authorizationId": answer["authorizationId"], "actualUsage": used}
    with recorded() as output:
        if queued:
            assert parked(service, message, message) == []
        else:
            assert service.invoke("SettleFunction", message)["settled"]
            assert service.invoke("SettleFunction", message) == {"settled": True, "replayed": True}
    assert figures(service, bought)[1] == used
    assert sum(line.get("UsageFarAboveEstimate", 0) for line in output.decided()) == far
    told = [e for e in events(service, bought) if e["type"] == "usage.far_above_estimate"]
    assert [e["data"]["heldUsage"] for e in told] == [estimate] * far
    assert [e["data"]["actualUsage"] for e in told] == [used] * far


def test_report_that_is_a_breach_and_far_above_tells_both(service: Service, bought: Json) -> None:
    image = {"modelId": IMAGE_MODEL, "channelTier": "basic", "estimatedUsage": 1}
    granted = service.authorize(bought["apiKey"], **image)
    answer = service.settle(granted["authorizationId"], actualUsage=10, calls=1, servedTier="stable")
    assert (answer["settled"], answer["tierBreached"]) == (True, True)
    told = {e["type"] for e in events(service, bought)}
    assert {"usage.far_above_estimate", "tier.breached"} <= told


@pytest.mark.parametrize(
    ("written", "units"),
    [
        *(("1234.000", 1234), ("12.34E+2", 1234), ("1234000e-3", 1234), ("-0.0", 0), ("0e99", 0), ("1E0", 1)),
        *((text, None) for text in ("1.5", "1e-1", "1e16", "1e9999999999999999999999", "9" * 5000, "NaN", "-1.0")),
    ],
)
def test_number_is_read_exactly_however_it_is_written(
    service: Service, bought: Json, granted: str, written: str, units: int | None
) -> None:
    body = f'{{"authorizationId": "{granted}", "actualUsage": {written}}}'
    with recorded() as output:
        assert parked(service, body) == ([] if units is not None else ["m-0"])
    (line,) = output.decided()
    assert line["subscriptionId"] == bought["subscriptionId"]
    assert figures(service, bought)[1:] == ((0, 4000) if units is None else (units, 0))


def test_member_that_is_there_with_two_values_is_not_guessed_at(service: Service, bought: Json, granted: str) -> None:
    twice = '{{"authorizationId": "{}", "actualUsage": 5, "actualUsage": {}, "calls": 1, "calls": 2}}'
    assert parked(service, twice.format(granted, 6)) == ["m-0"]
    assert parked(service, twice.format(granted, 5)) == []
    assert figures(service, bought) == (5, 5, 0)


def test_only_the_padding_is_taken_from_an_id() -> None:
    assert authorization_ids.unpadded(" auth_a-b_=c== \n") == "auth_a-b_=c"
