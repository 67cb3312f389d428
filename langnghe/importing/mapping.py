"""The mapping file: what the columns of a foreign file mean."""

from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.feedback import Channel, FieldCode, Identifier, ItemCode, Language, Level, Stage
from schemas.instrument import OVERALL, instruments
from services.runtime.yamlfile import fields_broken, read_yaml

Column = Annotated[str, Field(min_length=1)]


class Scale(BaseModel):
    """How answers are written: numbers of a five-step scale in either direction, or words.

    Attributes:
        worst: the number that means level 1; may be the larger one.
        best: the number that means level 5.
        values: exact text to level, for words or for scales with another number of steps. There is
            no formula from, say, ten steps to five: who imports must say what each one means.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    worst: int | None = None
    best: int | None = None
    values: dict[str, Level] | None = None

    @model_validator(mode="after")
    def _numbers_or_words(self) -> Self:
        numbers = self.worst is not None and self.best is not None
        if numbers == bool(self.values) or (self.worst is None) != (self.best is None):
            msg = "needs either worst and best, or values"
            raise ValueError(msg)
        if self.worst is not None and self.best is not None and abs(self.worst - self.best) != 4:
            msg = "worst and best must be four apart: five steps; use values for other scales"
            raise ValueError(msg)
        return self

    def level(self, text: str) -> int:
        """The level, 1 to 5, that an answer means.

        Raises:
            ValueError: when the text is not on the scale.
        """
        text = text.strip()
        if self.values is not None:
            if text not in self.values:
                msg = f"must be one of {', '.join(self.values)}"
                raise ValueError(msg)
            return self.values[text]
        if self.worst is None or self.best is None:
            raise AssertionError
        low, high = sorted((self.worst, self.best))
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            msg = f"must be a whole number from {low} to {high}"
            raise ValueError(msg)
        return 1 + abs(number - self.worst)


class Columns(BaseModel):
    """Which column holds what. Only unit, occurred_at and the answers are needed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Column
    occurred_at: Column
    answers: Annotated[dict[ItemCode, Column], Field(description="Item to column")]
    id: Column | None = None
    device: Column | None = None
    stage: Column | None = None
    procedure: Column | None = None
    field: Column | None = None
    comment: Column | None = None
    language: Column | None = None

    @field_validator("answers")
    @classmethod
    def _overall_is_there(cls, answers: dict[str, str]) -> dict[str, str]:
        if OVERALL not in answers:
            msg = f"must name a column for `{OVERALL}`"
            raise ValueError(msg)
        return answers

    def names(self) -> set[str]:
        """All columns that the file must have."""
        single = self.model_dump(exclude={"answers"}, exclude_none=True).values()
        return {*single, *self.answers.values()}


class Mapping(BaseModel):
    """A whole mapping file.

    Attributes:
        name: names the source. Together with a row's content (or its id column) it makes the row's
            event id, so the same file under the same name can be imported again without harm.
        format: of the file.
        encoding: of the file.
        delimiter: between the cells of a CSV file.
        columns: which column holds what.
        scale: how answers are written.
        date_format: of occurred_at, as strptime has it; ISO 8601 without it.
        zone: of times that name none.
        units: text of the unit column to agency code, where the file does not hold codes.
        channel: how the answers once came in; decides how old they may be.
        device: for rows without a device column.
        stage: for rows without a stage column.
        language: for rows without a language column.
        field: for rows without a field column.
        instrument: questionnaire that was used.
        instrument_version: of the questionnaire.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Identifier
    format: Literal["csv", "ndjson"]
    encoding: str = "utf-8-sig"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    columns: Columns
    scale: Scale
    date_format: str | None = None
    zone: str = "Asia/Ho_Chi_Minh"
    units: dict[str, str] | None = None
    channel: Literal[Channel.IMPORT, Channel.PAPER] = Channel.IMPORT
    device: Identifier = "import"
    stage: Stage = Stage.RESULT
    language: Language = "vi"
    field: FieldCode | None = None
    instrument: ItemCode
    instrument_version: Annotated[int, Field(ge=1)] = 1

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            msg = "must be the name of a time zone, such as Asia/Ho_Chi_Minh"
            raise ValueError(msg) from error
        return zone

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError as error:
            msg = "must be the name of a text encoding, such as utf-8"
            raise ValueError(msg) from error
        return encoding

    @model_validator(mode="after")
    def _instrument_has_items(self) -> Self:
        instrument = instruments().get((self.instrument, self.instrument_version))
        if instrument is None:
            known = ", ".join(f"{code} {version}" for code, version in sorted(instruments()))
            raise fields_broken([(("instrument",), f"must be one of {known}")])
        if foreign := self.columns.answers.keys() - instrument.items.keys():
            rule = f"is not in {self.instrument}"
            raise fields_broken((("columns", "answers", item), rule) for item in foreign)
        return self


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises:
        YamlFileError: when it cannot be read or breaks a rule.
    """
    return read_yaml(path, Mapping)
