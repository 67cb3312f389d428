"""What must hold between registry entries, checked over old and new ones together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from schemas.registry import ALLOWED_PARENTS, Registry, RegistryEntry
from schemas.scope import COUNTRY, scope_kind
from services.gateway.registry.reader import Row, RowError


def _ends(entry: RegistryEntry) -> tuple[date, date]:
    """First and last day in force; an open end is the end of the calendar."""
    last = entry.valid_to - timedelta(days=1) if entry.valid_to else date.max
    return entry.valid_from or date.min, last


def _parent_errors(row: Row, registry: Registry) -> Iterator[RowError]:
    entry = row.entry
    allowed = ALLOWED_PARENTS[entry.kind]
    if scope_kind(entry.parent) not in allowed:
        yield row.error("parent", f"of a {entry.kind} must be: {', '.join(sorted(allowed))}")
    elif entry.parent != COUNTRY:
        if not registry.knows(entry.parent):
            yield row.error("parent", f"{entry.parent} is not in the registry")
            return
        for day in _ends(entry):
            if registry.on(entry.parent, day) is None:
                yield row.error("parent", f"{entry.parent} is not in force during all of it")
                return


def _lineage_errors(row: Row, registry: Registry) -> Iterator[RowError]:
    for field in ("predecessors", "successors"):
        for key in getattr(row.entry, field):
            if not registry.knows(key):
                yield row.error(field, f"{key} is not in the registry")


def _overlap_errors(rows: Iterable[Row], registry: Registry) -> Iterator[RowError]:
    versions: dict[str, list[RegistryEntry]] = defaultdict(list)
    for entry in registry:
        versions[entry.key].append(entry)
    for row in rows:
        first, last = _ends(row.entry)
        for other in versions[row.entry.key]:
            other_first, other_last = _ends(other)
            if other != row.entry and first <= other_last and other_first <= last:
                yield row.error(
                    "valid_from", f"overlaps {other.key} from {other.valid_from or 'always'}"
                )
                break


def _duplicate_errors(rows: Iterable[Row]) -> Iterator[RowError]:
    seen: dict[str, Row] = {}
    for row in rows:
        first = seen.setdefault(row.entry.version_key, row)
        if first is not row:
            yield row.error("code", f"stands already in {first.file}:{first.line}")


def check(rows: list[Row], known: Registry) -> list[RowError]:
    """Every broken rule of the new rows, given what the registry holds already.

    A row replaces a known entry with the same kind, code and valid_from.
    """
    replaced = {row.entry.version_key for row in rows}
    kept = [entry for entry in known if entry.version_key not in replaced]
    registry = Registry([*kept, *{row.entry.version_key: row.entry for row in rows}.values()])
    errors = list(_duplicate_errors(rows))
    for row in rows:
        errors += _parent_errors(row, registry)
        errors += _lineage_errors(row, registry)
    return errors + list(_overlap_errors(rows, registry))
