"""LiteLLM's own limiter, as `benchmarks.peers` runs it. Rule: whatever is left out makes its figures better."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.drivers.litellm_proxy import LiteLlm
from benchmarks.router.drivers.loops import serve


class Limiter(LiteLlm):
    """The same, which knows each key that another process has prepared."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    async def check(self, key: Any, tokens: int, number: str) -> Any:
        """Authenticate a request, and run the hooks before its call."""
        if key["key"] not in self.seen:
            self.seen.add(key["key"])
            await self.known(key)
        return await super().check(key, tokens, number)


if __name__ == "__main__":
    serve(Limiter())
