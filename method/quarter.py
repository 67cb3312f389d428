"""Quarters of the local calendar: `2026-Q3` is 1 July to 30 September 2026."""

import re
from datetime import date, timedelta
from typing import NamedTuple, Self

PATTERN = r"^[1-9][0-9]{3}-Q[1-4]$"
"""How a quarter is written."""


class Quarter(NamedTuple):
    """A quarter; sorts as time does."""

    year: int
    number: int

    def __str__(self) -> str:
        """As it is written: `2026-Q3`."""
        return f"{self.year:04d}-Q{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The quarter that a text names.

        Raises:
            ValueError: when it names none.
        """
        if not re.fullmatch(PATTERN, text):
            msg = "quarter: must be a year and a quarter, as in 2026-Q3"
            raise ValueError(msg)
        return cls(int(text[:4]), int(text[-1]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The quarter that holds a local day."""
        return cls(day.year, (day.month + 2) // 3)

    @property
    def months(self) -> tuple[str, str, str]:
        """Keys of its months: `2026-07`, a prefix of the keys of its days."""
        first = 3 * self.number - 2
        one, two, three = (f"{self.year:04d}-{first + place:02d}" for place in range(3))
        return one, two, three

    @property
    def first(self) -> date:
        """Its first local day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        """Its last local day."""
        if self.number == 4:
            return date(self.year, 12, 31)
        return date(self.year, 3 * self.number + 1, 1) - timedelta(days=1)

    @property
    def before(self) -> Self:
        """The quarter before it."""
        return self._replace(year=self.year - (self.number == 1), number=(self.number - 2) % 4 + 1)
