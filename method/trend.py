"""Has a unit drifted away from what is usual there? An exponentially weighted mean. Pure.

A change chart looks for a rise of one size and forgets smaller ones; the mean of many days gathers
what is small and lasts. A day weighs as much as it has answers, and less with every day that it is
older. The mean is held against the usual share by the likelihood ratio: with three answers a day
the plain distance in standard deviations finds chance too often, because shares lean to one side.

Sources: S. W. Roberts, "Control chart tests based on geometric moving averages", Technometrics 1
(1959); D. C. Montgomery, "Introduction to statistical quality control", chapter 9; for numbers that
differ from day to day Q. Zhou, C. Zou, Z. Wang and W. Jiang, "Likelihood-based EWMA charts for
monitoring Poisson count data with time-varying sample sizes", JASA 107 (2012).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from math import copysign, log, sqrt
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from method.definition import definition_on
from method.figure import satisfied
from schemas.figure import Counts


class TrendDesign(BaseModel):
    """How trends are kept; see method/trend.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: Annotated[float, Field(gt=0, lt=1)]
    days: Annotated[int, Field(ge=7)]

    def past(self, today: date) -> tuple[date, date]:
        """The first and the last local day that a trend is made of: complete ones."""
        return today - timedelta(days=self.days), today - timedelta(days=1)

    def weights(self) -> list[float]:
        """What an answer weighs, by its day: of yesterday first."""
        return [(1 - self.weight) ** age for age in range(self.days)]


@cache
def trend_design() -> TrendDesign:
    """The design in force."""
    text = files("method").joinpath("trend.yaml").read_text(encoding="utf-8")
    return TrendDesign.model_validate(yaml.safe_load(text))


@dataclass(frozen=True)
class Trend:
    """The weighted mean of a unit's days.

    Attributes:
        share: of unsatisfied answers, 0 to 1.
        answers: as many of equal weight would say as much: its variance, counted in answers.
    """

    share: float
    answers: float


def trend(days: Mapping[date, Counts], today: date, how: TrendDesign) -> Trend | None:
    """The trend as of the beginning of a local day; None where nobody answered.

    Args:
        days: answers by local day; others than those of `how.past` are left out.
        today: the day.
        how: the design.
    """
    unsatisfied = total = squares = 0.0
    for age, weight in enumerate(how.weights()):
        day = today - timedelta(days=age + 1)
        if counts := days.get(day):
            n = sum(counts)
            unsatisfied += weight * (n - satisfied(counts, definition_on(day)))
            total += weight * n
            squares += weight * weight * n
    return Trend(unsatisfied / total, total * total / squares) if total else None


def deviation(now: Trend, usual: float, behind: float) -> float:
    """How far a trend lies from what is usual, in standard deviations; above 0 if it is worse.

    The signed root of twice the logarithm of the likelihood ratio. What is usual is not known for
    certain either, so the answers of both are taken together as those of a difference are.

    Args:
        now: the trend.
        usual: share of unsatisfied answers, more than 0 and less than 1.
        behind: answers that the usual share rests on, more than 0.
    """
    known = 1 / (1 / now.answers + 1 / behind)
    parts = ((now.share, usual), (1 - now.share, 1 - usual))
    divergence = sum(part * log(part / expected) for part, expected in parts if part)
    return copysign(sqrt(max(0.0, 2 * known * divergence)), now.share - usual)
