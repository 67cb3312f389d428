"""From CSV rows to registry entries, or to every error by file and line."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from schemas.registry import CODE_RULES, RegistryEntry

COLUMNS: Final = tuple(RegistryEntry.model_fields)
_REQUIRED: Final = ("kind", "code", "name_vi", "name_en", "parent")
_LISTS: Final = ("predecessors", "successors")


@dataclass(frozen=True)
class RowError:
    """One broken rule of one row."""

    file: str
    line: int
    field: str
    rule: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.rule}"


@dataclass(frozen=True)
class Row:
    """A well-formed entry and where it stood."""

    file: str
    line: int
    entry: RegistryEntry

    def error(self, field: str, rule: str) -> RowError:
        """An error of this row."""
        return RowError(self.file, self.line, field, rule)


def _entry(cells: dict[str, str | None]) -> RegistryEntry:
    values: dict[str, object] = {}
    for name, cell in cells.items():
        text = unicodedata.normalize("NFC", cell.strip()) if cell else ""
        if name in _LISTS:
            values[name] = tuple(part.strip() for part in text.split(";") if part.strip())
        elif text:
            values[name] = text
    return RegistryEntry.model_validate(values)


def _read_file(path: Path) -> Iterator[Row | RowError]:
    name = path.name
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        header = reader.fieldnames or []
        problems = [
            RowError(name, 1, column, "this column is missing")
            for column in _REQUIRED
            if column not in header
        ] + [
            RowError(name, 1, column, f"unknown column; known are {', '.join(COLUMNS)}")
            for column in header
            if column not in COLUMNS
        ]
        yield from problems
        if problems:
            return
        for cells in reader:
            line = reader.line_num
            if None in cells or None in cells.values():
                yield RowError(name, line, "row", f"needs exactly {len(header)} cells")
                continue
            try:
                entry = _entry(cells)
            except ValidationError as error:
                for detail in error.errors(include_url=False, include_context=False):
                    field = str(detail["loc"][0]) if detail["loc"] else "row"
                    yield RowError(name, line, field, detail["msg"])
                continue
            if not re.fullmatch(entry.kind.code_pattern, entry.code):
                yield RowError(name, line, "code", f"must be {CODE_RULES[entry.kind]}")
                continue
            yield Row(name, line, entry)


def read_files(paths: Iterable[Path]) -> tuple[list[Row], list[RowError]]:
    """All rows of all files, and all errors of form. Any error means: load nothing.

    A file that is not UTF-8 or cannot be opened is one error at line 0.
    """
    rows: list[Row] = []
    errors: list[RowError] = []
    for path in paths:
        try:
            for result in _read_file(path):
                if isinstance(result, Row):
                    rows.append(result)
                else:
                    errors.append(result)
        except UnicodeDecodeError:
            errors.append(RowError(path.name, 0, "file", "must be UTF-8"))
        except (OSError, csv.Error) as error:
            errors.append(RowError(path.name, 0, "file", str(error)))
    return rows, errors
