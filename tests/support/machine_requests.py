"""Rules of requests and what was used: authorize, settle, and an operator's corrections."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.support.ledger import DAY_MS, GRACE_MS, OLDEST_MS, SECOND_MS, UNITS, Book, Correction, Grant, rfc3339
from tests.support.machine import ANY, FAULTS, MOST_HOLDS, TIERS, Fault, Json, Machine, refusable

if TYPE_CHECKING:
    from tests.support.ledger_sales import Bought

ATTEMPTS = st.sampled_from((None, None, "first", "second"))
MINIMA = st.sampled_from((None, None, None, 0, 1, 10, 60))
STATUS = {
    "invalid_api_key": 401,
    "subscription_cancelled": 403,
    "subscription_suspended": 403,
    "subscription_pending": 403,
    "subscription_expired": 403,
    "model_not_included": 403,
    "tier_not_included": 403,
    "request_id_reused": 409,
    "request_in_progress": 409,
    "request_exceeds_limit": 400,
    "tier_unavailable": 503,
    "monthly_cap_reached": 429,
    "daily_call_limit_reached": 429,
    "too_many_open_holds": 429,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authorize asks for."""

    model_id: str
    request_id: str
    units: int
    calls: int
    seconds: int
    tier: str | None
    attempt: str | None
    unit_free: bool
    minimum: int | None = None

    @property
    def least(self) -> int:
        """The fewest units that it takes."""
        return self.units if self.minimum is None else self.minimum


class RequestRules(Machine):
    """What the router does, and the operator where it has reported wrongly."""

    @precondition(lambda self: self.begun())
    @rule(
        which=ANY,
        newest=st.sampled_from((True, True, True, False)),
        replaced=st.sampled_from((False,) * 9 + (True,)),
        other_model=st.sampled_from((False,) * 9 + (True,)),
        request_id=st.sampled_from(("r1", "r2", "r3", "r4", "r5", "r6")),
        units=st.sampled_from((0, 1, 5, 10, 20, 30, 60, 101)),
        minimum=MINIMA,
        calls=st.sampled_from((1, 1, 1, 2, 5)),
        tier=st.sampled_from((None,) * 9 + TIERS),
        seconds=st.sampled_from((1, 60, 900, 86_400)),
        attempt=ATTEMPTS,
        unit_free=st.booleans(),
        fault=FAULTS,
    )
    def authorize(  # noqa: PLR0913 - a payload has that many fields
        self,
        *,
        which: int,
        newest: bool,
        replaced: bool,
        other_model: bool,
        request_id: str,
        units: int,
        minimum: int | None,
        calls: int,
        tier: str | None,
        seconds: int,
        attempt: str | None,
        unit_free: bool,
        fault: Fault,
    ) -> None:
        """Authorize with the current key or an older one."""
        bought = self.begun()[which % len(self.begun())]
        term = len(bought.terms) - 1 if newest else which % len(bought.terms)
        of_term = sorted(bought.terms[term])
        model_id = "another-model" if other_model else of_term[which % len(of_term)]
        least = None if minimum is None else min(minimum, units)
        asked = Asked(model_id, request_id, units, calls, seconds, tier, attempt, unit_free and units == 0, least)
        self.assert_authorized(bought, None if replaced and bought.replaced else term, asked, fault)

    @precondition(lambda self: self.begun())
    @rule(which=ANY, unit_free=st.booleans(), fault=FAULTS)
    def authorize_the_rest(self, which: int, unit_free: bool, fault: Fault) -> None:  # noqa: FBT001
        """Ask for all that the month has left, and then for nothing."""
        bought = self.begun()[which % len(self.begun())]
        book = list(bought.terms[-1].values())[which % len(bought.terms[-1])]
        for request_id, units in (("rest", book.left(self.now_ms)), ("none", 0)):
            asked = Asked(book.model_id, request_id, units, 1, 60, None, None, unit_free and units == 0)
            self.assert_authorized(bought, len(bought.terms) - 1, asked, fault)

    @precondition(lambda self: self.grants())
    @rule(which=ANY, minimum=st.sampled_from((0, 1, 10)), fault=FAULTS)
    def authorize_what_fits(self, which: int, minimum: int, fault: Fault) -> None:
        """Ask for more than the month has left, and be content with less."""
        bought = self.begun()[which % len(self.begun())]
        book = list(bought.terms[-1].values())[which % len(bought.terms[-1])]
        units = max(minimum, book.left(self.now_ms) + 1)
        asked = Asked(book.model_id, "what-fits", units, 1, 60, None, None, unit_free=False, minimum=minimum)
        self.assert_authorized(bought, len(bought.terms) - 1, asked, fault)

    @precondition(lambda self: self.grants())
    @rule(
        which=ANY,
        more_units=st.sampled_from((0, 0, 0, 1, 50)),
        minimum=st.sampled_from((None, None, 0, -1, 1)),
        attempt=ATTEMPTS,
        fault=FAULTS,
    )
    def authorize_again(
        self, which: int, more_units: int, minimum: int | None, attempt: str | None, fault: Fault
    ) -> None:
        """Repeat any authorize that was granted, mostly with the same figures, as the same attempt or another.

        `minimum` counts from what is held.
        """
        bought, book, grant = self.grants()[-1 - which % len(self.grants())]
        term = next(n for n, books in enumerate(bought.terms) if any(b is book for b in books.values()))
        units, calls = grant.units + more_units, max(1, grant.calls)  # a hold that has gone on may have none
        least = None if minimum is None else min(max(0, grant.units + minimum), units)
        asked = Asked(book.model_id, grant.request_id, units, calls, 60, None, attempt, False, least)  # noqa: FBT003
        self.assert_authorized(bought, term, asked, fault)

    def assert_authorized(self, bought: Bought, term: int | None, asked: Asked, fault: Fault) -> None:
        """Authorize with a term's key, or the one that was replaced last, and compare with what the ledger says."""
        model_id, request_id, units, calls, seconds, tier, attempt, unit_free, minimum = astuple(asked)
        more = {"calls": calls, "holdSeconds": seconds, "modelId": model_id, "unitFree": unit_free}
        more |= {} if tier is None else {"channelTier": tier}
        more |= {} if attempt is None else {"attempt": attempt}
        more |= {} if minimum is None else {"minimumUsage": minimum}
        key = bought.replaced[-1] if term is None else bought.keys[term]
        answer = self.faulty(fault).authorize(key, request_id, units, **more)
        if term is None:
            self.assert_refused(answer, "invalid_api_key", None)
            return
        book = bought.terms[term].get(model_id)
        refusal = self.refused_before_counting(bought, term, book, tier)
        if refusal is not None or book is None:
            shown = None if refusal in {"invalid_api_key", "model_not_included"} else book
            self.assert_refused(answer, refusal, shown)
            if book is not None and refusal == "tier_not_included":  # the others may be answered from memory
                book.look(self.now_ms)
            return
        prior = next((g for g in book.open_holds(self.now_ms) if g.request_id == request_id), None)
        if prior is not None:
            self.assert_repeated(answer, bought, book, prior, asked)
        elif (model_id, book.tier(self.now_ms)) in self.down:
            helps = book.helps(asked.least, calls, 5, self.now_ms)
            self.assert_refused(answer, "tier_unavailable", book, 5, helps=helps)
        elif full := book.refuse_capacity(asked.least, calls, MOST_HOLDS, self.now_ms, unit_free=unit_free):
            helps = full[1] is not None and book.helps(asked.least, calls, full[1], self.now_ms)
            self.assert_refused(answer, full[0], book, full[1], helps=helps)
        else:
            expires_at_ms = self.now_ms + seconds * SECOND_MS
            authorization_id = answer.get("authorizationId", "")
            assert authorization_id not in {g.authorization_id for _, _, g in self.grants()}
            held = min(units, book.left(self.now_ms))
            tier = book.tier(self.now_ms)
            # Of two grants of one millisecond, before and after a change of the tier, either has the earlier one.
            same = {g.tier for g in book.open_holds(self.now_ms) if g.granted_at_ms == self.now_ms}
            tier = answer["channelTier"] if answer.get("channelTier") in same else tier
            grant = Grant(request_id, self.now_ms, expires_at_ms, held, calls, authorization_id, tier, attempt)
            book.grants.append(grant)
            assert answer == self.granted(bought, book, grant), (answer, self.granted(bought, book, grant))
        book.look(self.now_ms)

    def assert_repeated(self, answer: Json, bought: Bought, book: Book, held: Grant, asked: Asked) -> None:
        """A request whose hold is open is answered by what it was granted, and to which attempt."""
        same = held.calls == asked.calls and asked.least <= held.units <= asked.units
        if not same and not held.parts:  # one that has gone on is shown as it stands
            self.assert_refused(answer, "request_id_reused", book)
        elif asked.attempt is None:
            assert answer == {**self.granted(bought, book, held), "replayed": True}
        elif asked.attempt == held.attempt:
            assert answer == self.granted(bought, book, held)
        else:
            self.assert_refused(answer, "request_in_progress", book)

    def refused_before_counting(self, bought: Bought, term: int, book: Book | None, tier: str | None) -> str | None:
        """What is wrong with the key, the term, the model or the tier asked for: in this order."""
        if term != len(bought.terms) - 1 or bought.revoked:
            return "invalid_api_key"
        if (status := bought.status(self.now_ms)) != "active":
            return f"subscription_{status}"
        if book is None or not book.in_force(self.now_ms):
            return "model_not_included"
        return "tier_not_included" if tier not in (None, book.tier(self.now_ms)) else None

    def granted(self, bought: Bought, book: Book, grant: Grant) -> Json:
        return {
            "allowed": True,
            "authorizationId": grant.authorization_id,
            "accountId": bought.account,
            "subscriptionId": bought.id,
            "modelId": book.model_id,
            "channelTier": grant.tier,
            "unit": UNITS[book.model_id],
            "heldUsage": grant.units,
            **({"heldCalls": grant.calls} if grant.parts else {}),
            "holdExpiresAt": rfc3339(grant.expires_at_ms),
            "startWithinMs": book.starts_within_ms(grant, self.now_ms),
            "openHolds": len(book.open_holds(self.now_ms)),
            **book.windows(self.now_ms),
        }

    def assert_refused(
        self,
        answer: Json,
        code: str | None,
        book: Book | None,
        retry_after: int | None = None,
        *,
        helps: bool | None = True,
    ) -> None:
        assert code is not None
        assert (answer["allowed"], answer["error"]["code"], answer["statusCode"]) == (False, code, STATUS[code])
        told: dict[bool | None, set[int | None]] = {True: {retry_after}, False: {None}, None: {None, retry_after}}
        assert answer.get("retryAfter") in told[helps]
        shown = {name: answer[name] for name in ("daily", "monthly") if name in answer}
        if book is None or book.in_force(self.now_ms):  # what a line shows that was removed is not said
            expected = {} if book is None else book.windows(self.now_ms)
            assert shown == expected, (code, shown, expected)

    @precondition(lambda self: self.grants())
    @rule(
        which=ANY,
        used=st.sampled_from((0, 1, 5, 10, 20, 30, 150)),
        calls=st.sampled_from((None, None, 0, 1, 2, 3)),
        served=st.sampled_from((None, None, *TIERS)),
        source=st.sampled_from((None, None, "reported", "counted", "estimated")),
        fault=FAULTS,
    )
    def settle(
        self, which: int, used: int, calls: int | None, served: str | None, source: str | None, fault: Fault
    ) -> None:
        """Settle any authorization ever made, for the first time or again."""
        _, book, grant = self.grants()[-1 - which % len(self.grants())]
        more: Json = {} if calls is None else {"calls": calls}
        if served is not None:
            more["servedTier"] = served
        if source is not None:
            more["usageSource"] = source
        answer = self.faulty(fault).settle(grant.authorization_id, used, **more)
        if self.is_too_late(book, grant):
            assert answer["error"]["code"] == "authorization_not_found"
        elif grant.settled is not None:
            assert answer == {"settled": True, "replayed": True}
        elif calls is not None and calls > grant.calls:
            assert (answer["error"]["code"], answer["error"]["param"]) == ("invalid_request", "calls")
        else:
            breached = served not in (None, grant.tier)
            late = book.late(grant, self.now_ms)
            grant.settled = (used, grant.calls if calls is None else calls)
            self.events["tier.breached"] += breached
            self.events["usage.far_above_estimate"] += used >= 10 * max(1, grant.units) and not grant.parts
            if source in {"counted", "estimated"}:
                book.own_figures[source] += used
            told = {"settled": True, "late": late, "tierBreached": breached, **book.windows(self.now_ms)}
            if not book.in_force(self.now_ms):  # what a line shows that was removed is not said
                told |= {name: answer.get(name) for name in ("daily", "monthly")}
            # A settle whose reply was lost finds itself done: its repeat is a replay.
            lost = fault is not None and fault[0] == "after"
            assert answer == told or (lost and answer == {"settled": True, "replayed": True})
            book.look(self.now_ms)

    def is_too_late(self, book: Book, grant: Grant) -> bool:
        """Whether a report of a grant comes too long after the true end of its term, or after the grant."""
        return self.now_ms >= min(book.calendar.ends_at_ms + GRACE_MS, grant.first_at_ms + OLDEST_MS)

    settle_often = settle
    authorize_often = authorize_most = authorize  # a rule under each name: this is what traffic is made of

    @precondition(lambda self: self.begun())
    @rule(
        which=ANY,
        back=st.sampled_from((0, 0, 0, DAY_MS, 31 * DAY_MS)),
        units=st.sampled_from((-40, -10, -1, 0, 1, 30)),
        calls=st.sampled_from((0, 0, -3, -1, 1, 4)),
        fault=FAULTS,
    )
    def correct(self, which: int, back: int, units: int, calls: int, fault: Fault) -> None:
        """Correct what was used at some instant of the current term, under a fault or none."""
        bought = self.begun()[which % len(self.begun())]
        book = list(bought.terms[-1].values())[which % len(bought.terms[-1])]
        at_ms = min(self.now_ms, book.calendar.ends_at_ms - 1) - back
        if book.lines[0][0] > max(at_ms, book.calendar.starts_at_ms):
            return  # before the list had the model
        self.assert_corrected(bought, book, Correction(at_ms, units, calls), fault)

    @precondition(lambda self: self.begun())
    @rule(which=ANY, percent=st.sampled_from((80, 100)), off_by=st.sampled_from((-1, 0)), fault=FAULTS)
    def correct_to_a_share(self, which: int, percent: int, off_by: int, fault: Fault) -> None:
        """Bring what was used to a share of the cap, or to a unit below it: these are the crossings that are told."""
        bought = self.begun()[which % len(self.begun())]
        book = list(bought.terms[-1].values())[which % len(bought.terms[-1])]
        at_ms = min(self.now_ms, book.calendar.ends_at_ms - 1)
        units = -(-book.cap(at_ms) * percent // 100) + off_by - book.used(book.calendar.month(at_ms))
        if units:
            self.assert_corrected(bought, book, Correction(at_ms, units), fault)

    correct_to_a_share_often = correct_to_a_share

    def assert_corrected(self, bought: Bought, book: Book, made: Correction, fault: Fault) -> None:
        """Correct what was used at an instant, and compare with what the ledger says."""
        said: Json = {"modelId": book.model_id, "at": rfc3339(made.at_ms)}
        said |= {"calls": made.calls} if made.calls else {}
        key = f"ticket-{len(self.corrected)}-{self.now_ms}"
        answer = refusable(lambda: self.faulty(fault).correct(bought.id, made.units, key, **said))
        if self.refused_to_correct(book, made):
            assert answer == "invalid_request"
            return
        book.corrections.append(made)
        book.look(self.now_ms)
        self.corrected.append((bought, key, book.model_id, {**said, "units": made.units}))
        self.events["usage.corrected"] += 1
        assert answer == self.corrected_answer(bought, book, made)

    def refused_to_correct(self, book: Book, made: Correction) -> bool:
        """Whether a correction takes more than there is, or adds calls that the day has no room for."""
        ends, at_ms = book.calendar, made.at_ms
        if not (made.units or made.calls) or at_ms < ends.starts_at_ms or not book.in_force(self.now_ms):
            return True
        day = ends.day(at_ms)
        calls, room = book.calls(day), book.limit(min(self.now_ms, ends.day_end(at_ms) - 1))
        too_few = calls + made.calls < 0 or book.day_units(day) + made.units < 0
        too_many = made.calls > 0 and calls + made.calls > room
        return too_few or too_many or book.used(ends.month(at_ms)) + made.units < 0

    def corrected_answer(self, bought: Bought, book: Book, made: Correction) -> Json:
        booked = {"units": made.units, "calls": made.calls, "at": rfc3339(made.at_ms), "reason": "bytes for tokens"}
        return {"subscriptionId": bought.id, "modelId": book.model_id, **booked, **book.windows(self.now_ms)}

    @precondition(lambda self: self.corrected)
    @rule(which=ANY, more_units=st.sampled_from((0, 0, 1)), fault=FAULTS)
    def correct_again(self, which: int, more_units: int, fault: Fault) -> None:
        """Repeat a correction, with the same body or another."""
        bought, key, _, said = self.corrected[which % len(self.corrected)]
        units = said["units"] + more_units
        answer = refusable(lambda: self.faulty(fault).correct(bought.id, key=key, **{**said, "units": units}))
        if not units and not said.get("calls"):
            assert answer == "invalid_request"
        elif more_units:
            assert answer == "idempotency_key_reused"
        else:
            assert isinstance(answer, dict)
            assert answer["replayed"] is True
            assert answer["units"] == said["units"]
