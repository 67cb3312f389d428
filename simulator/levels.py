"""How people answer: level probabilities that give a published satisfaction index."""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from schemas.figure import LEVELS

# Only the share at 4 or 5 is published. How it splits among the levels is an assumption; nothing
# but the look of invented data rests on it.
_OF_SATISFIED = (0.58, 0.42)
_OF_OTHERS = (0.10, 0.24, 0.66)


@cache
def _published() -> dict[str, Any]:
    text = files("simulator").joinpath("published_values.json").read_text(encoding="utf-8")
    sipas: dict[str, Any] = json.loads(text)["sipas"]
    return sipas


def published_index(province: str | None) -> float:
    """The newest published SIPAS index in percent: of a province, or else of the country.

    Args:
        province: short name as published, such as "Quảng Ninh"; None for the country.
    """
    years: dict[str, Any] = _published()["province"].get(province, {})
    overall = {year: value for year, value in years.items() if year.isdigit()}
    if not overall:
        overall = {year: values["overall"] for year, values in _published()["national"].items()}
    return float(overall[max(overall)])


def probabilities(index: float) -> tuple[float, ...]:
    """Probabilities of the levels 1 to 5 that make an index of so many percent."""
    share = index / 100
    return (*((1 - share) * part for part in _OF_OTHERS), *(share * part for part in _OF_SATISFIED))


def draw(random: Random, weights: Sequence[float]) -> int:
    """One level, 1 to 5."""
    return random.choices(LEVELS, weights)[0]
