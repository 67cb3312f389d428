"""Remembers the nonces of signed requests for as long as their signatures are young."""

from datetime import datetime, timedelta


class Replays:
    """Nonces seen, in two generations: memory is bounded by what is signed in that time.

    Each process remembers its own; a request that is replayed to another one holds an answer whose
    id is known, so ingest does not count it again.
    """

    def __init__(self, window: timedelta) -> None:
        """Remember each nonce for at least `window`, at most twice as long."""
        self._window = window
        self._turn: datetime | None = None
        self._young: set[tuple[str, str]] = set()
        self._old: set[tuple[str, str]] = set()

    def first_time(self, device: str, nonce: str, now: datetime) -> bool:
        """Whether a device's nonce was not seen before; from now on it was."""
        if self._turn is None or now - self._turn >= self._window:
            self._old, self._young, self._turn = self._young, set(), now
        seen = (device, nonce)
        if seen in self._young or seen in self._old:
            return False
        self._young.add(seen)
        return True
