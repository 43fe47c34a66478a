"""Rules of holds that go on: reports of parts, their repeats, and stragglers, compared with the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.support.ledger import Book, Grant, Reported, rfc3339
from tests.support.machine import ANY, FAULTS, Fault, Json
from tests.support.machine_requests import RequestRules
from tests.support.parts import continuing

if TYPE_CHECKING:
    from tests.support.ledger_sales import Bought

STATUS = {
    "invalid_api_key": 401,
    "subscription_cancelled": 403,
    "subscription_suspended": 403,
    "model_not_included": 403,
    "subscription_expired": 403,
    "authorization_not_found": 404,
    "tier_unavailable": 503,
}


class PartRules(RequestRules):
    """What a router does that streams, or decides by itself within a hold."""

    @precondition(lambda self: self.grants())
    @rule(
        which=st.integers(0, 3),
        steps_late=st.sampled_from((0,) * 6 + (1, 2)),
        used=st.sampled_from((0, 0, 1, 5, 10, 20, 150)),
        calls=st.sampled_from((0, 0, 1, 1, 2, 3)),
        units=st.sampled_from((0, 1, 10, 20, 30, 60, 200)),
        keep=st.sampled_from((0, 1, 1, 2, 9)),
        seconds=st.sampled_from((1, 60, 900, 86_400)),
        old_key=st.sampled_from((False,) * 9 + (True,)),
        fault=FAULTS,
    )
    def settle_part(  # noqa: PLR0913 - a payload has that many fields
        self,
        *,
        which: int,
        steps_late: int,
        used: int,
        calls: int,
        units: int,
        keep: int,
        seconds: int,
        old_key: bool,
        fault: Fault,
    ) -> None:
        """Report a part of one of the newest grants, with its newest id or an earlier one."""
        one = self.grants()[-1 - which % len(self.grants())]
        self.assert_reported(*one, Reported(used, calls, units, keep, seconds), steps_late, old_key, fault)

    settle_part_often = settle_part

    @precondition(lambda self: self.grants())
    @rule(which=ANY, used=st.sampled_from((0, 1, 5)), fault=FAULTS)
    def settle_part_of_any(self, which: int, used: int, fault: Fault) -> None:
        """Report a part of any grant there ever was."""
        bought, book, grant = self.grants()[which % len(self.grants())]
        reported = Reported(used, min(1, grant.calls), 10, 1, 60)
        self.assert_reported(bought, book, grant, reported, 0, False, fault)  # noqa: FBT003

    def assert_reported(  # noqa: PLR0913, PLR0917 - one report of one grant
        self,
        bought: Bought,
        book: Book,
        grant: Grant,
        part: Reported,
        steps_late: int,
        old_key: bool,  # noqa: FBT001
        fault: Fault,
    ) -> None:
        """Report a part, and compare with what the ledger says."""
        term = next(n for n, books in enumerate(bought.terms) if any(b is book for b in books.values()))
        replaced = old_key and bool(bought.replaced)
        key = bought.replaced[-1] if replaced else bought.keys[term]
        ids = [*grant.earlier_ids, grant.authorization_id]
        of = ids[max(0, len(ids) - 1 - steps_late)]
        more = continuing(key, part.units, part.keep, part.seconds)
        answer = self.faulty(fault).settle(of, part.used, calls=part.calls, **more)
        if self.is_too_late(book, grant):
            assert answer["error"]["code"] == "authorization_not_found"
            assert not answer["settled"]
        elif grant.settled is not None:
            assert (answer["settled"], answer["replayed"], answer["continued"]) == (True, True, False)
            assert (answer["heldUsage"], answer["heldCalls"], answer["authorizationId"]) == (0, 0, of)
        elif of != grant.authorization_id:
            refusal = self.refused_to_go_on(bought, book, grant, term, replaced=replaced)
            told = {**self.told(book, grant, refusal), "replayed": True}
            if not book.in_force(self.now_ms):
                told |= {name: answer.get(name) for name in ("daily", "monthly")}
            assert {**self.without_text(answer), "late": None} == {**told, "late": None}
        elif part.calls > grant.calls or (grant.calls and not part.calls + part.keep):
            param = "calls" if part.calls > grant.calls else "continue.calls"
            assert (answer["error"]["code"], answer["error"]["param"]) == ("invalid_request", param)
        else:
            refusal = self.refused_to_go_on(bought, book, grant, term, replaced=replaced)
            self.take(book, grant, part, refusal, answer, lost=fault is not None and fault[0] == "after")

    def take(self, book: Book, grant: Grant, part: Reported, refusal: str | None, answer: Json, *, lost: bool) -> None:
        """The part is booked: what the ledger has of the grant from now on is what is answered."""
        late = book.late(grant, self.now_ms)
        self.events["usage.far_above_estimate"] += part.used >= 10 * max(1, grant.units) and not grant.parts
        if refusal is None:
            book.take_part(grant, part, self.now_ms)
        else:
            book.take_part_alone(grant, part, self.now_ms)
        grant.earlier_ids.append(grant.authorization_id)
        grant.authorization_id = answer["authorizationId"]
        assert grant.authorization_id not in grant.earlier_ids
        told = {**self.told(book, grant, refusal), "late": late}
        shown = self.without_text(answer)
        if not book.in_force(self.now_ms):  # what a line shows that was removed is not said
            told |= {name: shown.get(name) for name in ("daily", "monthly")}
        # A report whose reply was lost finds itself booked: its repeat is a replay.
        assert shown == told or (lost and shown == {**told, "replayed": True}), (shown, told)
        book.look(self.now_ms)

    def refused_to_go_on(self, bought: Bought, book: Book, grant: Grant, term: int, *, replaced: bool) -> str | None:
        """Why no new work may begin on a grant: what authorize would say, in its order."""
        if replaced or term != len(bought.terms) - 1 or bought.revoked:
            return "invalid_api_key"
        if (status := bought.status(self.now_ms)) != "active":
            return f"subscription_{status}"
        if not book.in_force(self.now_ms):
            return "model_not_included"
        if book.late(grant, self.now_ms):
            return "authorization_not_found"
        return "tier_unavailable" if (book.model_id, book.tier(self.now_ms)) in self.down else None

    def told(self, book: Book, grant: Grant, refusal: str | None) -> Json:
        """The answer to a report, by what the ledger has of the grant now; `late` is of before."""
        told = {
            "settled": True,
            "tierBreached": False,
            "continued": refusal is None,
            "authorizationId": grant.authorization_id,
            "heldUsage": grant.units if grant.holds_at(self.now_ms) else 0,
            "heldCalls": grant.calls,
            "holdExpiresAt": rfc3339(grant.expires_at_ms),
            "startWithinMs": book.starts_within_ms(grant, self.now_ms) if refusal is None else 0,
            "openHolds": len(book.open_holds(self.now_ms)),
            **book.windows(self.now_ms),
        }
        if refusal is not None:
            told |= {"error": refusal, "statusCode": STATUS[refusal]}
        return told | ({"retryAfter": 5} if refusal == "tier_unavailable" else {})

    @staticmethod
    def without_text(answer: Json) -> Json:
        """An answer with nothing but the code of its error."""
        return {**answer, "error": answer["error"]["code"]} if "error" in answer else answer
