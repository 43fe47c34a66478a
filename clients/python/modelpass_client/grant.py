"""A grant: the right to make one upstream request, and the duty to report once what it used. Rule: it never blocks.

    granted ── delivered ──▸ used ──▸ claimed ──▸ booked
       │           │                     ▴
       └───────────┴── the end of the `with`, a stream or the hold

Whatever ends first claims the grant and books its report; all that come later find it claimed and do nothing. Claiming
is one step that no other thread, task, signal handler or garbage collection can come between.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from modelpass_client.reports import VOID, Report, Sink, UsageSource, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.policies import Policies

Json = dict[str, Any]


class Grant:
    """The right to make one upstream request. All methods may be called from any thread, and none raises or waits.

    `start_before` and `expires_at` are times of `time.monotonic()`: begin the upstream request before the first, and
    have it reported before the second, at which its units are no longer reserved.
    """

    __slots__ = (
        "__weakref__",
        "_answer",
        "_claim",
        "_clock",
        "_delivered",
        "_final",
        "_policies",
        "_sink",
        "expires_at",
        "held_calls",
        "prompt_units",
        "request_id",
        "start_before",
    )

    def __init__(  # noqa: PLR0913 - the facts of a grant, by name
        self,
        answer: Json,
        *,
        request_id: str,
        sink: Sink,
        policies: Policies,
        start_before: float,
        expires_at: float,
        calls: int = 1,
        prompt_units: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap an answer in the form that the service gives it; one without `authorizationId` is of a lease."""
        self._answer = answer
        self._sink = sink
        self._policies = policies
        self._clock = clock
        self._claim = threading.Lock()  # taken once and never given back: an atomic "was I the first?"
        self._delivered: int | None = None
        self._final: Report | None = None
        self.request_id = request_id
        self.start_before = start_before
        self.expires_at = expires_at
        self.held_calls: int = answer.get("heldCalls", calls)
        self.prompt_units = prompt_units if whole(prompt_units) else None

    @property
    def authorization_id(self) -> str | None:
        """What the report names; None on a lease, which reports for its grants. It is a right to settle: no log."""
        return self._answer.get("authorizationId")

    @property
    def account_id(self) -> str:
        """Whose subscription pays."""
        return str(self._answer["accountId"])

    @property
    def subscription_id(self) -> str:
        """The subscription that pays."""
        return str(self._answer["subscriptionId"])

    @property
    def model_id(self) -> str:
        """The model that may be asked."""
        return str(self._answer["modelId"])

    @property
    def channel_tier(self) -> str:
        """The service tier that must serve the request."""
        return str(self._answer["channelTier"])

    @property
    def unit(self) -> str:
        """What the model's units are: `tokens` or `generations`."""
        return str(self._answer["unit"])

    @property
    def held_units(self) -> int:
        """How many units are reserved: less than the estimate where a `minimum` was named."""
        return int(self._answer["heldUsage"])

    @property
    def daily(self) -> Json:
        """The day's window as the answer showed it."""
        return dict(self._answer["daily"])

    @property
    def monthly(self) -> Json:
        """The month's window as the answer showed it."""
        return dict(self._answer["monthly"])

    @property
    def claimed(self) -> bool:
        """Whether somebody has taken the duty to report."""
        return self._claim.locked()

    def may_start(self) -> bool:
        """Whether the upstream request may still begin."""
        return not self.claimed and self._clock() < self.start_before

    def delivered(self, units: int = 0) -> None:
        """Tell that output has gone to the customer, and how many units of it by now; the greatest figure stands."""
        self._delivered = max(self._delivered or 0, units if whole(units) else 0)

    def used(
        self,
        units: int,
        *,
        source: UsageSource = "reported",
        served_tier: str | None = None,
        calls: int | None = None,
    ) -> None:
        """Tell what the request used, prompt included. It is booked when the `with`, or the stream, ends.

        Figures that are no whole numbers from 0 on are not taken for said: then the estimate is booked.
        """
        self._final = Report(units, calls, source, served_tier)

    def claim(self) -> bool:
        """Take the duty to report: True exactly once. Whoever gets True must call `book`."""
        return self._claim.acquire(blocking=False)

    def book(self, report: Report) -> None:
        """Hand over the report, after a `claim` that gave True; one that cannot be booked becomes the estimate."""
        self._sink.book(self, report if report.bookable else self._estimate())

    def settle(self, report: Report | None = None) -> bool:
        """Claim and book; None: what is known by now, as the policies say. False where it was claimed before."""
        if not self.claim():
            return False
        self.book(self.outcome(None) if report is None else report)
        return True

    def void(self) -> bool:
        """Claim and book nothing: the request never reached the upstream, or failed there before any output."""
        return self.settle(VOID)

    def finish(self, error: BaseException | None = None) -> bool:
        """Claim and book what follows from how the request ended; the context managers and streams end so."""
        return self.settle(self.outcome(error))

    def lose(self) -> bool:
        """Claim and book the estimate, unless the usage was told: nobody reports, and the hold is about to end."""
        return self.settle(self._final or self._estimate())

    def outcome(self, error: BaseException | None) -> Report:
        """What a request is booked as that ended like this, by what was told and by the policies."""
        if self._final is not None:
            return self._final
        if self._delivered is None and error is not None:
            return self._without_output(error)
        counts = error is None or self._policies.after_output == "counted"
        return self._counted(self._delivered) if self._delivered and counts else self._estimate()

    def headers(self) -> dict[str, str]:
        """The headers that tell the customer what is left, in the forms of OpenAI, Anthropic and the IETF."""
        from modelpass_client.rendering import headers_of  # noqa: PLC0415 - only routers that show limits load it

        return headers_of(self._answer)

    def _without_output(self, error: BaseException) -> Report:
        # The customer left: cancellation, a closed generator, the end of the process. The upstream has read the prompt.
        left = not isinstance(error, Exception)
        bills = left and self._policies.cancelled_before_output == "prompt" and self.prompt_units is not None
        return self._counted(0) if bills else VOID

    def _counted(self, output: int) -> Report:
        return Report((self.prompt_units or 0) + output, source="counted")

    def _estimate(self) -> Report:
        return Report(self.held_units, source="estimated" if self.held_units else "counted")

    def __repr__(self) -> str:
        """Tell no id: the id of an authorization is the right to settle it."""
        return f"<Grant of {self.held_units} {self.unit} of {self.model_id}, {'claimed' if self.claimed else 'open'}>"
