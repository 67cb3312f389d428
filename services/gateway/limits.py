"""Rate limits, and the load that is turned away before the process falls over."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from services.gateway.problems import ProblemError, unavailable
from services.runtime import metrics


def address(request: Request) -> str:
    """Where a request comes from. Behind a proxy uvicorn has put the client's address there."""
    return request.client.host if request.client else "unknown"


class Limit:
    """So much in a time for each of those who ask, counted by this process."""

    def __init__(self, name: str, most: RateLimitItem) -> None:
        """Begin with nothing spent.

        Args:
            name: for the metric: what is limited.
            most: how much in which time.
        """
        self._name = name
        self._item = most
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def spend(self, who: str, cost: int = 1) -> None:
        """Count something.

        Raises:
            ProblemError: 429 with Retry-After when it is too much; nothing is counted then.
        """
        if await self._limiter.hit(self._item, who, cost=cost):
            return
        metrics.GATEWAY_TURNED_AWAY.labels(self._name).inc()
        reset, _ = await self._limiter.get_window_stats(self._item, who)
        seconds = max(1, math.ceil(reset - time.time()))
        raise ProblemError(
            429,
            "too-many",
            f"At most {self._item}; nothing was stored, come back later.",
            headers={"Retry-After": str(seconds)},
        )


class Capacity:
    """How many requests may be under way at once: beyond, a quick no is better than a slow one."""

    def __init__(self, most: int, retry_after_seconds: int) -> None:
        """Begin idle."""
        self._most = most
        self._retry_after_seconds = retry_after_seconds
        self._under_way = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take one place as long as the block runs.

        Raises:
            ProblemError: 503 with Retry-After when all are taken.
        """
        if self._under_way >= self._most:
            metrics.GATEWAY_TURNED_AWAY.labels("capacity").inc()
            raise unavailable(
                "overloaded",
                "Too many requests are under way; keep the response and send it again.",
                self._retry_after_seconds,
            )
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
