"""The service as the contract tells it, in memory: one key, one model. Rule: no code of the service or of the client.

It counts by three figures (used, held by each open hold, calls of the day) and remembers how each report was answered.
Instants are whole milliseconds of a clock that the tests move.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

MOST_START_MS = 4000
DAY_MS = 86_400_000


@dataclass
class Held:
    """One grant: what it holds, until when, and the number of its next report."""

    grant: int
    units: int
    calls: int
    expires_ms: int
    day: int
    step: int = 0
    request_id: str = ""
    attempt: str | None = None
    asked: tuple[int, int] = (0, 0)
    over: bool = False
    reclaimed: bool = False

    @property
    def id(self) -> str:
        return f"{self.grant}.{self.step}"


@dataclass
class Service:
    """Answers as the functions do. `older` knows no fields of holds that go on; `stopped` is the code that refuses."""

    cap: int
    limit: int
    key: str = "k"
    tier: str = "stable"
    now_ms: int = 0
    used: int = 0
    late_used: int = 0
    calls_by_day: dict[int, int] = field(default_factory=dict)
    holds: dict[int, Held] = field(default_factory=dict)
    older: frozenset[str] = frozenset()
    stopped: str | None = None
    requests: int = 0
    _numbers: Any = field(default_factory=itertools.count)

    # -- figures

    @property
    def day(self) -> int:
        return self.now_ms // DAY_MS

    @property
    def held(self) -> int:
        return sum(h.units for h in self.open_holds())

    @property
    def left(self) -> int:
        return self.cap - self.used - self.held

    @property
    def calls(self) -> int:
        return self.calls_by_day.get(self.day, 0)

    def open_holds(self) -> list[Held]:
        return [h for h in self.holds.values() if not h.over and not h.reclaimed and h.expires_ms > self.now_ms]

    def windows(self) -> Json:
        left = self.left
        return {
            "daily": {"limit": self.limit, "used": self.calls, "remaining": max(0, self.limit - self.calls)},
            "monthly": {
                "limit": self.cap,
                "used": self.used,
                "held": self.held,
                "remaining": max(0, left),
                "overrun": max(0, -left),
            },
        }

    def start_facts(self, held: Held) -> Json:
        ends = min(held.expires_ms, (held.day + 1) * DAY_MS)
        within = max(0, min(MOST_START_MS, ends - self.now_ms)) if held.day == self.day else 0
        return {"startWithinMs": within, "openHolds": len(self.open_holds())}

    # -- authorize

    def _reclaim(self) -> None:
        """Give back what has expired, for good: a machine whose clock is behind must not see it held again."""
        for held in self.holds.values():
            held.reclaimed = held.reclaimed or held.expires_ms <= self.now_ms

    def authorize(self, payload: Json) -> Json:  # noqa: PLR0911 - a refusal a line, in their order
        self.requests += 1
        unknown = self.older & payload.keys()
        if unknown:
            return self._refused("invalid_request", 400, param=self._unknown(payload), windows=False)
        units: int = payload["estimatedUsage"]
        calls: int = payload.get("calls", 1)
        least: int = payload.get("minimumUsage", units)
        refusal = self._access(payload["apiKey"])
        if refusal is not None:
            return refusal
        for held in self.open_holds():
            if held.request_id == payload["requestId"]:
                if held.attempt == payload.get("attempt"):
                    return self._granted(held)
                return self._refused("request_in_progress", 409)
        self._reclaim()
        if max(1, least) > self.left:
            return self._refused("monthly_cap_reached", 429)
        if calls > self.limit - self.calls:
            return self._refused("daily_call_limit_reached", 429)
        if len(self.open_holds()) >= 100:
            return self._refused("too_many_open_holds", 429)
        held = Held(
            next(self._numbers),
            min(units, self.left),
            calls,
            self.now_ms + payload.get("holdSeconds", 900) * 1000,
            self.day,
            request_id=payload["requestId"],
            attempt=payload.get("attempt"),
        )
        self.holds[held.grant] = held
        self.calls_by_day[self.day] = self.calls + calls
        return self._granted(held)

    def _granted(self, held: Held) -> Json:
        facts = {} if "continue" in self.older and "attempt" in self.older else self.start_facts(held)
        gone_on = {"heldCalls": held.calls} if held.step else {}
        return {
            "allowed": True,
            "authorizationId": held.id,
            "accountId": "acct",
            "subscriptionId": "sub",
            "modelId": "m",
            "channelTier": self.tier,
            "unit": "tokens",
            "heldUsage": held.units,
            **gone_on,
            **facts,
            **self.windows(),
        }

    # -- settle

    def settle(self, payload: Json) -> Json:
        self.requests += 1
        if self.older & payload.keys():
            refused = self._refused("invalid_request", 400, param=self._unknown(payload), windows=False)
            return {**refused, "settled": False}
        grant, step = map(int, payload["authorizationId"].split("."))
        held = self.holds[grant]
        wish = payload.get("continue")
        if held.over or step != held.step:
            return self._as_it_stands(held, wish)
        used, calls = payload["actualUsage"], payload.get("calls", held.calls)
        assert 0 <= calls <= held.calls, "more calls than held"
        if wish is not None:
            assert not held.calls or calls + wish["calls"] > 0, "a part reports or keeps a call"
        expired = self._is_over(held)
        self.late_used += used if expired else 0
        self.used += used
        if wish is None:
            self._calls_back(held, held.calls - calls)
            held.over, held.units = True, 0
            return {"settled": True, "late": expired, "tierBreached": False, **self.windows()}
        return self._goes_on(held, used, calls, wish, expired=expired)

    def _goes_on(self, held: Held, used: int, calls: int, wish: Json, *, expired: bool) -> Json:
        refusal = self._ended(held, wish["apiKey"])
        units_kept, calls_kept = max(0, held.units - used), held.calls - calls
        if refusal is not None:
            self._calls_back(held, calls_kept - min(wish["calls"], calls_kept))
            held.units = 0 if expired else min(wish["estimatedUsage"], units_kept)
            held.calls = min(wish["calls"], calls_kept)
        else:
            self._reclaim()
            # `used` is booked by now, so what is left is less by that and more by what was held.
            held.units = min(wish["estimatedUsage"], max(0, self.left + held.units))
            free = self.limit - self.calls + calls_kept
            kept = min(wish["calls"], free)
            self._calls_back(held, calls_kept - kept)
            held.calls = kept
            held.expires_ms = self.now_ms + wish["holdSeconds"] * 1000
        held.step += 1
        return self._shown(held, refusal)

    def _as_it_stands(self, held: Held, wish: Json | None) -> Json:
        if wish is None:
            return {"settled": True, "replayed": True}
        refusal = self._refused("authorization_not_found", 404) if held.over else self._ended(held, wish["apiKey"])
        return {**self._shown(held, refusal), "replayed": True}

    def _shown(self, held: Held, refusal: Json | None) -> Json:
        shown = {
            "settled": True,
            "continued": refusal is None,
            "authorizationId": held.id,
            "heldUsage": 0 if self._is_over(held) else held.units,
            "heldCalls": held.calls,
            **self.windows(),
        }
        if refusal is not None:
            return {**shown, "statusCode": refusal["statusCode"], "error": refusal["error"]}
        return {**shown, **self.start_facts(held)}

    def _unknown(self, payload: Json) -> str:
        return min(name for name in payload if name in self.older)

    def _ended(self, held: Held, key: str) -> Json | None:
        refusal = self._access(key)
        if refusal is None and (held.day != self.day or self._is_over(held)):
            return self._refused("authorization_not_found", 404)
        return refusal

    def _is_over(self, held: Held) -> bool:
        return held.reclaimed or held.expires_ms <= self.now_ms

    def _calls_back(self, held: Held, calls: int) -> None:
        self.calls_by_day[held.day] -= calls

    def _access(self, key: str) -> Json | None:
        if key != self.key:
            return self._refused("invalid_api_key", 401, windows=False)
        return None if self.stopped is None else self._refused(self.stopped, 403)

    def _refused(self, code: str, status: int, *, param: str | None = None, windows: bool = True) -> Json:
        error = {"message": code, "type": "t", "code": code, "param": param}
        shown = self.windows() if windows else {}
        return {"allowed": False, "statusCode": status, "error": error, **shown}
