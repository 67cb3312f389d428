"""Instruments: the questionnaires that answers belong to, as versioned data.

Every instrument asks `overall`. That one question is the headline of an index, so that n counts
people and not boxes ticked; the other items are kept and shown beside it. A questionnaire that
anybody may answer asks `open_overall` instead: another item, so its answers never enter the index.
"""

from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.feedback import ItemCode

OVERALL: Final = "overall"
OPEN_OVERALL: Final = "open_overall"


class Trust(StrEnum):
    """Whose answers a questionnaire takes: of people who were there, or of anybody."""

    VERIFIED = "verified"
    OPEN = "open"


class ItemText(BaseModel):
    """A question in the languages of the people asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vi: str
    en: str


class Instrument(BaseModel):
    """One version of a questionnaire."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: ItemCode
    version: Annotated[int, Field(ge=1)]
    trust: Trust = Trust.VERIFIED
    items: dict[ItemCode, ItemText]

    @property
    def headline(self) -> ItemCode:
        """The item that every answer has."""
        return OPEN_OVERALL if self.trust is Trust.OPEN else OVERALL

    @model_validator(mode="after")
    def _asks_its_headline_alone(self) -> Self:
        other = OVERALL if self.trust is Trust.OPEN else OPEN_OVERALL
        if self.headline not in self.items or other in self.items:
            msg = f"items: with trust {self.trust} must ask `{self.headline}`, not `{other}`"
            raise ValueError(msg)
        return self


@cache
def item_texts() -> dict[ItemCode, ItemText]:
    """Every question in words, by its code; of several versions, those of the newest."""
    return {
        item: text
        for _, instrument in sorted(instruments().items())
        for item, text in instrument.items.items()
    }


@cache
def instruments() -> dict[tuple[str, int], Instrument]:
    """All instruments by code and version."""
    found: dict[tuple[str, int], Instrument] = {}
    for path in files("schemas").joinpath("instruments").iterdir():
        instrument = Instrument.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        found[instrument.code, instrument.version] = instrument
    return found
