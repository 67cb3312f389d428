"""Reads the rows of a foreign file, one at a time."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from langnghe.importing.mapping import Mapping


class FileMismatchError(Exception):
    """A file that as a whole does not fit its mapping."""


@dataclass(frozen=True)
class RejectedRow:
    """A row that is not imported, and why. Holds nothing of what the row says."""

    line: int
    field: str
    rule: str


@dataclass(frozen=True)
class Row:
    """The cells of one row, as text."""

    line: int
    cells: dict[str, str]


def _csv(path: Path, mapping: Mapping) -> Iterator[Row | RejectedRow]:
    with path.open(encoding=mapping.encoding, newline="") as file:
        reader = csv.DictReader(file, delimiter=mapping.delimiter)
        missing = mapping.columns.names() - set(reader.fieldnames or ())
        if missing:
            msg = f"{path}: has no column {', '.join(sorted(missing))}"
            raise FileMismatchError(msg)
        width = len(reader.fieldnames or ())
        for cells in reader:
            if None in cells or None in cells.values():
                yield RejectedRow(reader.line_num, "row", f"needs exactly {width} cells")
            else:
                yield Row(reader.line_num, cells)


def _ndjson(path: Path, mapping: Mapping) -> Iterator[Row | RejectedRow]:
    with path.open(encoding=mapping.encoding) as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                yield RejectedRow(line, "row", "must be JSON")
                continue
            if not isinstance(value, dict):
                yield RejectedRow(line, "row", "must be a JSON object")
                continue
            yield Row(line, {k: "" if v is None else str(v) for k, v in value.items()})


def read_rows(path: Path, mapping: Mapping) -> Iterator[Row | RejectedRow]:
    """Every row of a file.

    Raises:
        FileMismatchError: when the file as a whole does not fit the mapping.
    """
    try:
        yield from _csv(path, mapping) if mapping.format == "csv" else _ndjson(path, mapping)
    except UnicodeDecodeError as error:
        msg = f"{path}: is not {mapping.encoding}: {error.reason} at byte {error.start}"
        raise FileMismatchError(msg) from error
    except csv.Error as error:
        msg = f"{path}: {error}"
        raise FileMismatchError(msg) from error
