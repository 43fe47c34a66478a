"""Leases: one hold that goes on, from which a process grants requests by itself.

rule      one hold: what is certainly held of it, and what may begin on it      pure
sizing    how much a process wants to hold, by its own rate and by what is left  pure
wire      the payloads of authorize and settle, and what their answers say       pure
desk      a hold with its grants: takes their reports
lease     one key's model: which request is granted, and what is to be sent next; sends nothing
pool      all leases of a process, and the threads that send
"""

from modelpass_client.leases.handle import AsyncKeyLease, KeyLease
from modelpass_client.leases.pool import Leases

__all__ = ["AsyncKeyLease", "KeyLease", "Leases"]
