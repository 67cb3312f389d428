"""Which soft falls (`drop`, of severity info) an agency is told of, in its digest.

They are often chance: asked of forty offices, a p-value under 0.01 comes up by itself. So of those
that fired only those are told that Benjamini and Hochberg's procedure believes, over all offices of
the agency whose answers could be compared (method/discovery.py). An office is of the agency that is
mailed about it: its own, or the nearest above with an address.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from method.definition import definition_of
from method.discovery import benjamini_hochberg
from schemas.alert import AlertChanged, AlertState, Severity
from schemas.collections import ALERTS, INDICES
from schemas.index import IndexUpdated
from schemas.instrument import OVERALL
from schemas.registry import EntryKind
from schemas.scope import Scope
from services.notify.delivery.content import Signal
from services.notify.delivery.directory import Directory
from services.notify.delivery.outbox import Channel
from services.notify.rules.detectors import fall_of
from services.notify.rules.kinds import Drop, Rule
from services.runtime.database import Database


def believed(
    rules: Iterable[Drop], indices: Sequence[IndexUpdated], rate: float
) -> tuple[dict[tuple[str, Scope], float], int]:
    """The falls to believe, with their p-values, and how many offices were looked at. Pure.

    Args:
        rules: for falls; each is a family of tests of its own.
        indices: of all offices of an agency.
        rate: false discovery rate.
    """
    found: dict[tuple[str, Scope], float] = {}
    tested: set[Scope] = set()
    for rule in rules:
        tests = [
            (index.scope, p_value)
            for index in indices
            if rule.window in index.windows
            and (p_value := fall_of(rule, index.windows[rule.window], definition_of(index.method)))
            is not None
        ]
        tested |= {scope for scope, _ in tests}
        verdicts = benjamini_hochberg([p_value for _, p_value in tests], rate)
        for (scope, p_value), stands_out in zip(tests, verdicts, strict=True):
            if stands_out:
                found[rule.id, scope] = p_value
    return found, len(tested)


async def _of_area(
    database: Database, directory: Directory, agency: Scope, day: date
) -> list[IndexUpdated]:
    """The indices of all offices of an agency."""
    area = [
        entry.key
        for entry in directory.registry
        if entry.kind is EntryKind.UNIT
        and entry.in_force(day)
        and directory.nearest(Channel.EMAIL, entry.key, day) == agency
    ]
    found = database[INDICES].find(
        {"_id": {"$in": [f"{scope}|{OVERALL}" for scope in area]}}, {"_id": 0, "kind": 0}
    )
    return [IndexUpdated.model_validate(one, strict=False) async for one in found]


async def to_tell(
    database: Database,
    directory: Directory,
    rules: Iterable[Rule],
    rate: float,
    agency: Scope,
    fired: Sequence[AlertChanged],
    day: date,
) -> tuple[tuple[Signal, ...], int]:
    """Of the soft falls that fired, those that are believed and still fire; clearest first.

    Args:
        database: of notify.
        directory: which office is of which agency.
        rules: those in force.
        rate: false discovery rate.
        agency: that is told.
        fired: soft falls at its offices.
        day: local.

    Returns:
        The falls, and how many offices were looked at.
    """
    if not fired:
        return (), 0
    soft = [one for one in rules if isinstance(one, Drop) and one.severity is Severity.INFO]
    indices = await _of_area(database, directory, agency, day)
    standing_out, tested = believed(soft, indices, rate)
    query = {"_id": {"$in": [event.alert for event in fired]}, "state": AlertState.FIRING.value}
    firing = {one["_id"] async for one in database[ALERTS].find(query, {"_id": 1})}
    signals = [
        Signal(event=event, p_value=standing_out[event.rule, event.scope])
        for event in fired
        if event.alert in firing and (event.rule, event.scope) in standing_out
    ]
    return tuple(sorted(signals, key=lambda one: one.p_value)), tested
