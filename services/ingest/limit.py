"""Stops ingest before a bad deploy empties a topic into quarantine. Holds no clock and no I/O."""

from collections import Counter, deque
from collections.abc import Sequence

from method.counted import Exclusion
from services.ingest.settings import IngestSettings
from services.runtime.consumer import HaltError

OURS = frozenset(
    {
        Exclusion.MALFORMED,
        Exclusion.ERROR,
        Exclusion.UNKNOWN_INSTRUMENT,
        Exclusion.FOREIGN_ITEM,
        Exclusion.MISSING_OVERALL,
        Exclusion.UNKNOWN_UNIT,
        Exclusion.UNIT_NOT_IN_FORCE,
        Exclusion.UNKNOWN_FIELD,
    }
)
"""Reasons that, when there are many, speak of our code or our registry and not of one sender."""

Verdict = Exclusion | None
"""None for a record that counts."""


class InvalidShare:
    """The share of the last records of this process that were set aside for a reason of `OURS`."""

    def __init__(self, settings: IngestSettings) -> None:
        """Start with no record seen."""
        self._settings = settings
        self._last: deque[Verdict] = deque(maxlen=settings.invalid_share_window)

    def check(self, verdicts: Sequence[Verdict]) -> None:
        """Would these records, added one after another, take the share over the limit?

        Nothing is remembered, so the same batch may be tried again and again. Only a record that
        would be set aside can go over the limit: what counts is never held up by what went before.

        Raises:
            HaltError: when they would.
        """
        if OURS.isdisjoint(verdicts):
            return
        last = deque(self._last, maxlen=self._last.maxlen)
        wrong = sum(verdict in OURS for verdict in last)
        for verdict in verdicts:
            if len(last) == last.maxlen:
                wrong -= last[0] in OURS
            last.append(verdict)
            if verdict not in OURS:
                continue
            wrong += 1
            enough = len(last) >= self._settings.invalid_share_minimum
            if enough and wrong > self._settings.invalid_share_limit * len(last):
                raise HaltError(self._reason(last, wrong))

    def remember(self, verdicts: Sequence[Verdict]) -> None:
        """Count records that were dealt with."""
        self._last.extend(verdicts)

    def _reason(self, last: deque[Verdict], wrong: int) -> str:
        counts = Counter(verdict.value for verdict in last if verdict is not None)
        reasons = ", ".join(f"{n} {name}" for name, n in counts.most_common() if name in OURS)
        return (
            f"{wrong} of the last {len(last)} records would be set aside ({reasons}), more than "
            f"{self._settings.invalid_share_limit:.0%}: mend the code or the registry; if the "
            "records are wrong indeed, LANGNGHE_INVALID_SHARE_LIMIT=1 lets them pass into "
            "quarantine"
        )
