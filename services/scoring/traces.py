"""The traces of answers on their way from the count to the index that shows them.

One refresh shows many answers. The announced index of an office belongs to the trace of the newest
answer about it, that of any other scope to the refresh itself. Kept in memory: who takes a
partition over from a killed process announces without them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from schemas.scope import Scope
from services.runtime import tracing
from services.runtime.consumer import Handle, Records
from services.runtime.database import Document


class _Answer(NamedTuple):
    offset: int
    traceparent: str


class Traces:
    """Those of answers that are counted, or about to be, and not shown: the newest of each unit."""

    def __init__(self) -> None:
        """Start with none."""
        self._waiting: dict[int, dict[Scope, _Answer]] = {}

    def remembered(self, handle: Handle) -> Handle:
        """The handler, with the traces of its records kept before it deals with them."""

        async def remember(partition: int, records: Records) -> bool | None:
            if tracing.on():
                self._remember(partition, records)
            return await handle(partition, records)

        return remember

    def _remember(self, partition: int, records: Records) -> None:
        newest: dict[bytes, Any] = {}
        for record in islice(reversed(records), tracing.MOST_RECORDS):
            newest.setdefault(record.key or b"", record)
        self._waiting[partition] = self._waiting.get(partition, {}) | {
            f"unit:{unit.decode(errors='replace')}": _Answer(record.offset, came)
            for unit, record in newest.items()
            if (came := tracing.of(record)) is not None
        }

    @contextmanager
    def shown(self, positions: Sequence[Document]) -> Iterator[Mapping[Scope, str]]:
        """Show what partitions have counted, as a step of each answer's trace.

        Args:
            positions: of the partitions, as they were stored when the refresh began.

        Yields:
            By scope, the trace that its new index belongs to.
        """
        came: dict[Scope, str] = {}
        for position in positions:
            waiting, end = self._waiting.get(position["partition"], {}), position.get("next") or 0
            counted = [scope for scope, answer in waiting.items() if answer.offset < end]
            came |= {scope: waiting.pop(scope).traceparent for scope in counted}
        newest = tracing.recorded(reversed(came.values()))
        with tracing.batch("refresh", newest), tracing.each("show", newest) as steps:
            yield {scope: steps.get(trace, trace) for scope, trace in came.items()}
