"""How often signing in may be tried, by name and by address; kept in memory."""

from typing import Final

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

BY_NAME: Final = parse("10/15 minutes")
BY_ADDRESS: Final = parse("100/15 minutes")
"""An agency's staff share one address."""

RETRY_AFTER_SECONDS: Final = 15 * 60


class Throttle:
    """Counts attempts; names that nobody has are counted like others."""

    def __init__(self) -> None:
        """Start without attempts."""
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def admits_address(self, address: str) -> bool:
        """Count an attempt from an address; whether it may go on."""
        return await self._limiter.hit(BY_ADDRESS, "address", address)

    async def admits_name(self, name: str) -> bool:
        """Count an attempt with a name; whether it may go on."""
        return await self._limiter.hit(BY_NAME, "name", name)

    async def forgive(self, name: str) -> None:
        """Forget the attempts with a name, once somebody has signed in with it."""
        await self._limiter.clear(BY_NAME, "name", name)
