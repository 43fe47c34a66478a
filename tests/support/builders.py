"""Values for tests that need no store. Rule: what is built is conserved, and every instant is written as UTC text."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from modelpass import api_keys
from modelpass.api import subscription_bodies
from modelpass.catalogue.tiers import Tier, Unit
from modelpass.entitlements import authorization_ids, windows
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements.model import Counters, Entitlement, EntitlementId, Hold, Limits, Term, Threshold
from modelpass.ids import subscription_id_of
from modelpass.schema import Tables
from modelpass.subscriptions.model import Sale, Slot, SlotKind, Subscription
from ops.audit.entitlement_equations import held_in_stored_month

if TYPE_CHECKING:
    from collections.abc import Iterable

# Cases are counted, not timed: a busy machine must not fail them.
PROPERTY: Final = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])

DEPLOYMENT_KEY, OLDER_KEY = b"the deployment key that now signs, 32+", b"the deployment key of before, 32 and more"
KEYS: Final = api_keys.DeploymentKeys((DEPLOYMENT_KEY,))
SUBSCRIPTION_ID: Final = subscription_id_of(b"fifteen bytes !")
KEY_HASH: Final = b"sixteen bytes, !"
TABLES: Final = Tables("E", "S", "H", "V", "C", "T")
CAP, LIMIT = 1000, 50


def ms(text: str) -> int:
    """Milliseconds of a literal UTC instant."""
    instant = datetime.fromisoformat(text)
    assert instant.utcoffset() == timedelta(0), text
    return round(instant.timestamp() * 1000)


TERM: Final = windows.term_of(ms("2026-11-23T10:30:00Z"), 3, "UTC")
NOON: Final = ms("2026-12-01T12:00:00Z")
"""An instant inside the first month of `TERM`, and not near the end of a day."""


def hold(
    request_id: str = "r-1",
    units: int = 10,
    calls: int = 1,
    *,
    at_ms: int = NOON,
    seconds: int = 900,
    nonce: bytes = b"nonce.",
) -> Hold:
    key, signer = authorization_ids.request_digest(request_id), api_keys.signer_of(DEPLOYMENT_KEY)
    return Hold(key, authorization_ids.nonce_text(nonce), signer, at_ms, seconds, units, calls)


def limits(model_id: str = "m-1", tier: Tier = Tier.STABLE, calls: int = LIMIT, cap: int = CAP) -> Limits:
    return Limits(model_id, tier, Unit.TOKENS, calls, cap)


def entitlement(  # noqa: PLR0913 - a builder names every field
    *,
    at_ms: int = NOON,
    term: Term = TERM,
    bought: Limits | None = None,
    holds: Iterable[Hold] = (),
    used: int = 0,
    calls: int = 0,
    day_units: int = 0,
    tickets: int = 0,
    announced: Iterable[Threshold] = (),
    lapses: int = 0,
    due_at_ms: int | None = None,
) -> Entitlement:
    """An entitlement whose stored windows are those of `at_ms`, with what is left following from the rest."""
    bought = bought or limits()
    segment = windows.segment_at(term, at_ms)
    made = Entitlement(
        id=EntitlementId(SUBSCRIPTION_ID, 1, bought.model_id),
        account_id="acct",
        limits=bought,
        term=term,
        key_hash=KEY_HASH,
        cancelled_at_ms=None,
        day_start_ms=segment.day_start_ms,
        month_start_ms=segment.month_start_ms,
        segment_end_ms=segment.end_ms,
        day=segment.day,
        month=segment.month,
        counters=Counters(bought.daily_call_limit - calls, calls, day_units, 0, used),
        holds={h.key: h for h in holds},
        tickets=tickets,
        announced=frozenset(announced),
        lapses=lapses,
        due_at_ms=due_at_ms,
    )
    left = bought.monthly_cap - used - held_in_stored_month(made)
    return made._replace(counters=made.counters._replace(month_left=left))


def attempt(  # noqa: PLR0913 - a builder names every field
    granting: Hold | None = None,
    *,
    key_hash: bytes = KEY_HASH,
    tier: Tier | None = None,
    down: Iterable[Tier] = (),
    max_open_holds: int = 100,
    own_nonces: Iterable[str] = (),
    mark: bytes | None = None,
    unit_free: bool = False,
    minimum: int | None = None,
) -> entitlement_rules.Attempt:
    return entitlement_rules.Attempt(
        key_hash,
        granting or hold(),
        tier,
        frozenset(down),
        max_open_holds,
        own_nonces=frozenset(own_nonces),
        mark=mark,
        unit_free=unit_free,
        minimum=minimum,
    )


def subscription(term: Term = TERM, models: tuple[Limits, ...] | None = None) -> Subscription:
    return Subscription(
        id=SUBSCRIPTION_ID,
        account_id="acct",
        term_number=1,
        term=term,
        created_at_ms=term.starts_at_ms,
        cancelled_at_ms=None,
        cancelling_at_ms=None,
        key_hash=KEY_HASH,
        key_tail="wxyz",
        key_generation=0,
        key_pending=False,
        models=models or (limits(),),
        sale=Sale("USD", ("12.00",) * len(models or (1,))),
        body_digest=None,
        renewal_digest=None,
        renewal_body=None,
        due_at_ms=term.ends_at_ms,
    )


def slot(until_ms: int, kind: SlotKind = SlotKind.CUSTOM, *, day: int = 0, purchases: int = 0) -> Slot:
    return Slot(kind, SUBSCRIPTION_ID, until_ms, day, purchases, revision=1, due_at_ms=None)


def terms() -> st.SearchStrategy[Term]:
    """Terms in every time zone, starting on a whole second of this half of the century."""
    first, last = ms("2012-01-01T00:00:00Z") // 1000, ms("2049-01-01T00:00:00Z") // 1000
    return st.builds(
        windows.term_of,
        st.integers(first, last).map(lambda second: second * 1000),
        st.integers(1, 12),
        st.sampled_from(sorted(subscription_bodies.time_zones())),
    )


@st.composite
def entitlements(draw: st.DrawFn, *, over: bool = False, least_holds: int = 0) -> tuple[Entitlement, int]:
    """A conserved entitlement as it may be stored, and a moment to look at it: its windows current or over.

    `over` has them over. Holds are of the stored month and of earlier ones, open or expired; use may be above the cap.
    """
    term = draw(terms())
    ends_ms = term.ends_at_ms
    last_segment = windows.segment_at(term, ends_ms)
    stored_ms = draw(st.integers(term.starts_at_ms, (last_segment.start_ms if over else ends_ms) - 1))
    segment = windows.segment_at(term, stored_ms)
    begun = st.integers(term.starts_at_ms, segment.end_ms - 1) | st.integers(segment.start_ms, segment.end_ms - 1)
    # More of them than one reclaim takes are copies of a few, for drawing each would be slow.
    few = draw(
        st.lists(
            st.tuples(st.integers(0, 300), st.integers(1, 9), begun, st.sampled_from((1, 60, 900, 86_400))),
            min_size=least_holds,
            max_size=6,
        )
    )
    many = few * draw(st.sampled_from((1, 1, 1, 9)))
    holds = [
        hold(f"r-{n}", units, calls, at_ms=at_ms, seconds=seconds, nonce=n.to_bytes(6, "big"))
        for n, (units, calls, at_ms, seconds) in enumerate(many)
    ]
    calls = sum(h.calls for h in holds if h.granted_at_ms >= segment.start_ms) + draw(st.just(0) | st.integers(0, 20))
    used = draw(st.just(0) | st.integers(0, 2000))
    made = entitlement(
        at_ms=stored_ms,
        term=term,
        bought=limits(calls=500),
        holds=holds,
        used=used,
        calls=calls,
        day_units=draw(st.integers(0, used)),
        tickets=draw(st.integers(1, 5)),
        announced=draw(st.frozensets(st.sampled_from(Threshold))),
        lapses=draw(st.integers(0, 2)),
        due_at_ms=draw(st.none() | st.integers(term.starts_at_ms, ends_ms)),
    )
    current, later = st.integers(segment.start_ms, segment.end_ms - 1), st.integers(segment.end_ms, ends_ms - 1)
    return made, draw(later if over else current if segment == last_segment else current | later)


__all__ = ["CAP", "DEPLOYMENT_KEY", "KEYS", "KEY_HASH", "LIMIT", "NOON", "OLDER_KEY", "PROPERTY", "TERM"]
