"""Makes responses of rows, with ids that are the same every time."""

import hashlib
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from langnghe.importing.mapping import Mapping
from langnghe.importing.rows import RejectedRow, Row
from schemas.feedback import Response


def stable_id(moment: datetime, name: str) -> UUID:
    """A UUIDv7 of a moment whose random part is a fingerprint of a name (RFC 9562, 5.7)."""
    milliseconds = int(moment.timestamp() * 1000) & (2**48 - 1)
    random = int.from_bytes(hashlib.sha256(name.encode()).digest()[:10], "big")
    return UUID(
        int=milliseconds << 80
        | 0x7 << 76
        | (random >> 62 & 0xFFF) << 64
        | 0b10 << 62
        | random & (2**62 - 1)
    )


class _WrongCellError(Exception):
    def __init__(self, field: str, rule: str) -> None:
        super().__init__(rule)
        self.field = field
        self.rule = rule


class Converter:
    """Makes responses of the rows of one file, in order."""

    def __init__(self, mapping: Mapping) -> None:
        """Begin with no row seen."""
        self._mapping = mapping
        self._zone = ZoneInfo(mapping.zone)
        self._seen: Counter[str] = Counter()

    def convert(self, row: Row) -> Response | RejectedRow:
        """The response that a row stands for, or why it stands for none."""
        try:
            moment = self._moment(row)
            values = self._values(row, moment)
            return Response.model_validate(values, strict=False)
        except _WrongCellError as error:
            return RejectedRow(row.line, error.field, error.rule)
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False)[0]
            return RejectedRow(row.line, ".".join(map(str, detail["loc"])), detail["msg"])

    def _moment(self, row: Row) -> datetime:
        text = row.cells.get(self._mapping.columns.occurred_at, "").strip()
        pattern = self._mapping.date_format
        try:
            moment = (
                datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)  # noqa: DTZ007
            )
        except ValueError:
            rule = f"must be a date as {pattern}" if pattern else "must be an ISO 8601 date"
            raise _WrongCellError("occurred_at", rule) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=self._zone)

    def _unit(self, row: Row) -> str:
        text = row.cells.get(self._mapping.columns.unit, "").strip()
        if self._mapping.units is None:
            return text
        if text not in self._mapping.units:
            raise _WrongCellError("unit", "is not among the mapping's units")
        return self._mapping.units[text]

    def _answers(self, row: Row) -> dict[str, int]:
        answers: dict[str, int] = {}
        for item, column in self._mapping.columns.answers.items():
            text = row.cells.get(column, "").strip()
            if not text:
                continue
            try:
                answers[item] = self._mapping.scale.level(text)
            except ValueError as error:
                raise _WrongCellError(f"answers.{item}", str(error)) from None
        return answers

    def _values(self, row: Row, moment: datetime) -> dict[str, Any]:
        mapping = self._mapping
        values: dict[str, Any] = {
            "unit": self._unit(row),
            "device": mapping.device,
            "channel": mapping.channel,
            "stage": mapping.stage,
            "field": mapping.field,
            "occurred_at": moment,
            "instrument": mapping.instrument,
            "instrument_version": mapping.instrument_version,
            "answers": self._answers(row),
            "language": mapping.language,
        }
        for name in ("device", "stage", "procedure", "field", "comment", "language"):
            column = getattr(mapping.columns, name)
            if column and (text := row.cells.get(column, "").strip()):
                values[name] = text
        values["id"] = stable_id(moment, f"{mapping.name}/{self._identity(row, values)}")
        return values

    def _identity(self, row: Row, values: dict[str, Any]) -> str:
        """What makes a row this row: its id column, or its content and how often that came before.

        Two rows with the same content are two answers.
        """
        column = self._mapping.columns.id
        if column:
            text = row.cells.get(column, "").strip()
            if not text:
                raise _WrongCellError("id", "must not be empty")
            return text
        content = repr(sorted((key, str(value)) for key, value in values.items()))
        self._seen[content] += 1
        return f"{content}#{self._seen[content]}"
