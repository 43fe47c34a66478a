"""An entitlement by what its subscription's row says of it, once its stored month is over. Rule: pure.

The item of an entitlement decides alone while its stored month lasts: what is sold for that month is in it. What comes
after the month only the row knows: whether the term goes on, and with which list. So whoever comes after the end of the
stored month asks the row first, once per model and month, and opens the next window by what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.entitlements import accounting, windows

if TYPE_CHECKING:
    from modelpass.entitlements.model import Contract, Entitlement


def month_is_over(entitlement: Entitlement, now_ms: int) -> bool:
    """Whether the stored month has ended by this instant, so that only the row can tell what holds."""
    return now_ms >= windows.stored_segment(entitlement).month_end_ms


def as_of(entitlement: Entitlement, contract: Contract | None, now_ms: int) -> Entitlement:
    """The entitlement with the windows in force at an instant, of an ended term its last; it is only to be shown.

    Without a contract, and for a model that is not in the list any more, they are those of the stored month.
    """
    if now_ms < entitlement.segment_end_ms:
        return entitlement
    if month_is_over(entitlement, now_ms) and (contract is None or contract.has_left_the_list):
        now_ms = windows.stored_segment(entitlement).month_end_ms - 1
        if now_ms < entitlement.segment_end_ms:
            return entitlement
        contract = None
    return accounting.roll(entitlement, now_ms, contract).after
