"""The order in which authorize refuses: of any two reasons at once, it reports the earlier one in the contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements.authorization_ids import attempt_mark
from modelpass.entitlements.change import Change
from modelpass.entitlements.rules import PriorGrant, decide_authorize
from modelpass.errors import ErrorCode, Refusal
from tests.support.builders import CAP, LIMIT, NOON, attempt, entitlement, hold, ms

if TYPE_CHECKING:
    from collections.abc import Callable

TERM_ENDS = ms("2027-02-23T10:30:00Z")
OTHER_HASH = bytes(16)


@dataclass(slots=True)
class Case:
    """An authorize that would be granted until something spoils it."""

    now_ms: int = NOON
    units: int = 10
    calls: int = 1
    stored: dict[str, Any] = field(default_factory=lambda: {"holds": []})
    marks: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    in_progress: bool = False

    def decide(self) -> Refusal | PriorGrant | Change:
        if self.in_progress and not self.stored["holds"]:
            self.stored["holds"] = [hold("wanted", self.units, self.calls, at_ms=NOON - 1000)]
        built = entitlement(**self.stored)._replace(**self.marks)
        wanted = attempt(hold("wanted", self.units, self.calls, at_ms=self.now_ms), **self.asked)
        return decide_authorize(built, wanted, self.now_ms)


def key(case: Case) -> None:
    case.marks["key_hash"] = OTHER_HASH


def key_replaced(case: Case) -> None:
    case.marks["key_hash"] = None


def cancelled(case: Case) -> None:
    case.marks["cancelled_at_ms"] = NOON


def expired(case: Case) -> None:
    case.now_ms = TERM_ENDS


def tier_asked_for(case: Case) -> None:
    case.asked["tier"] = Tier.BASIC


def request_id_reused(case: Case) -> None:
    case.stored["holds"].append(hold("wanted", 9, 1, at_ms=NOON - 1000))


def request_in_progress(case: Case) -> None:
    case.in_progress = True
    case.asked["mark"] = attempt_mark("the second attempt")


def tier_unavailable(case: Case) -> None:
    case.asked["down"] = [Tier.STABLE]


def more_than_the_cap(case: Case) -> None:
    case.units = CAP + 1


def more_than_the_daily_limit(case: Case) -> None:
    case.calls = LIMIT + 1


def monthly_cap(case: Case) -> None:
    case.stored["used"] = CAP - 9


def daily_limit(case: Case) -> None:
    case.stored["calls"] = LIMIT


def open_holds(case: Case) -> None:
    case.asked["max_open_holds"] = 0


REASONS: list[tuple[Callable[[Case], None], ErrorCode, str | None, int | None]] = [
    # spoiled by, the refusal told, its param, its retryAfter
    (key, ErrorCode.INVALID_API_KEY, "apiKey", None),
    (cancelled, ErrorCode.SUBSCRIPTION_CANCELLED, None, None),
    (expired, ErrorCode.SUBSCRIPTION_EXPIRED, None, None),
    (tier_asked_for, ErrorCode.TIER_NOT_INCLUDED, "channelTier", None),
    (request_id_reused, ErrorCode.REQUEST_ID_REUSED, "requestId", None),
    (request_in_progress, ErrorCode.REQUEST_IN_PROGRESS, "attempt", None),
    (tier_unavailable, ErrorCode.TIER_UNAVAILABLE, None, 5),
    (more_than_the_cap, ErrorCode.REQUEST_EXCEEDS_LIMIT, "monthlyTokenCap", None),
    (monthly_cap, ErrorCode.MONTHLY_CAP_REACHED, "monthlyTokenCap", 1_895_400),
    (more_than_the_daily_limit, ErrorCode.REQUEST_EXCEEDS_LIMIT, "dailyCallLimit", None),
    (daily_limit, ErrorCode.DAILY_CALL_LIMIT_REACHED, "dailyCallLimit", 43_200),
    (open_holds, ErrorCode.TOO_MANY_OPEN_HOLDS, None, 1),
]
PAIRS = list(combinations(range(len(REASONS)), 2))


def test_request_that_nothing_spoils_is_granted() -> None:
    step = Case().decide()
    assert isinstance(step, Change)
    assert step.grant is not None


@pytest.mark.parametrize(("spoil", "code", "param", "retry_after"), REASONS)
def test_each_reason_alone_is_told_with_its_field_and_its_wait(
    spoil: Callable[[Case], None], code: ErrorCode, param: str | None, retry_after: int | None
) -> None:
    case = Case()
    spoil(case)
    assert case.decide() == Refusal(code, param=param, retry_after=retry_after)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_reasons_the_earlier_in_the_contract_is_told(first: int, second: int) -> None:
    case = Case()
    for reason in (second, first):
        REASONS[reason][0](case)
    told = case.decide()
    assert isinstance(told, Refusal)
    assert (told.code, told.param) == REASONS[first][1:3]


def test_of_all_reasons_together_the_first_is_told_and_then_the_next() -> None:
    for first, _ in pairwise(range(len(REASONS))):
        case = Case()
        for spoil, *_ in REASONS[first:]:
            spoil(case)
        told = case.decide()
        assert isinstance(told, Refusal)
        assert (told.code, told.param) == REASONS[first][1:3]


def test_key_of_a_renewed_term_is_refused_as_invalid() -> None:
    case = Case()
    key_replaced(case)
    expired(case)
    assert case.decide() == Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
