"""A figure: an index that never travels without its n and its interval."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

LEVELS: Final = (1, 2, 3, 4, 5)
"""The five-point scale of SIPAS: 1 very dissatisfied to 5 very satisfied."""

Counts = tuple[int, int, int, int, int]
"""How many answers were 1, 2, 3, 4, 5."""

NO_ANSWERS: Final[Counts] = (0, 0, 0, 0, 0)

Percent = Annotated[float, Field(ge=0, le=100)]


class Figure(BaseModel):
    """A satisfaction index with everything that is needed to judge it.

    With no answers (n = 0) all but n and counts are None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: Annotated[int, Field(ge=0, description="Answers counted")]
    counts: Annotated[Counts, Field(description="Answers at level 1, 2, 3, 4, 5")]
    index: Annotated[Percent | None, Field(description="Share of satisfied answers, %")] = None
    low: Annotated[Percent | None, Field(description="Lower end of the interval, %")] = None
    high: Annotated[Percent | None, Field(description="Upper end of the interval, %")] = None
    mean: Annotated[float | None, Field(ge=1, le=5, description="Mean level")] = None
    shares: Annotated[
        tuple[float, ...] | None, Field(min_length=5, max_length=5, description="Share by level, %")
    ] = None
