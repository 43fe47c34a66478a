"""What `client.lease(key, model)` gives. Rule: a handle decides nothing; its requests are the client's.

Requests of this key and model that go by the client itself are decided on the same lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from modelpass_client.async_client import AsyncClient, AsyncRequest
    from modelpass_client.client import Client, Request
    from modelpass_client.grant import Grant
    from modelpass_client.leases.pool import Leases


class _Handle:
    def __init__(self, leases: Leases, key: str, model: str) -> None:
        self._leases, self._key, self._model = leases, key, model
        leases.open(key, model)

    def close(self) -> None:
        """Hand everything back as soon as what has begun has ended; waits for nothing."""
        self._leases.end(self._key, self._model)


class KeyLease(_Handle):
    """A key's model on a lease, for threads: the names of `Client` without key and model."""

    def __init__(self, client: Client, leases: Leases, key: str, model: str) -> None:
        """Hold nothing before the first request."""
        super().__init__(leases, key, model)
        self._client = client

    def authorize(self, estimate: int, **wishes: Any) -> Grant:
        """As `Client.authorize`: decided in the process where the lease has room; raises `Refused`."""
        return self._client.authorize(self._key, self._model, estimate, **wishes)

    def request(self, *, estimate: int, **wishes: Any) -> Request:
        """As `Client.request`."""
        return self._client.request(self._key, self._model, estimate=estimate, **wishes)

    def __enter__(self) -> KeyLease:  # noqa: PYI034 - `Self` is of Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncKeyLease(_Handle):
    """The same for asyncio."""

    def __init__(self, client: AsyncClient, leases: Leases, key: str, model: str) -> None:
        """Hold nothing before the first request."""
        super().__init__(leases, key, model)
        self._client = client

    async def authorize(self, estimate: int, **wishes: Any) -> Grant:
        """As `AsyncClient.authorize`: decided in the process where the lease has room; raises `Refused`."""
        return await self._client.authorize(self._key, self._model, estimate, **wishes)

    def request(self, *, estimate: int, **wishes: Any) -> AsyncRequest:
        """As `AsyncClient.request`."""
        return self._client.request(self._key, self._model, estimate=estimate, **wishes)

    async def __aenter__(self) -> AsyncKeyLease:  # noqa: PYI034 - `Self` is of Python 3.11
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
