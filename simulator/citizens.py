"""What citizens hand in: well-formed responses, from seeded chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from uuid_utils.compat import uuid7

from method.period import LOCAL_ZONE
from schemas.instrument import OVERALL
from simulator.fleet import Fleet
from simulator.levels import draw, probabilities

_STAGES = ("receipt", "result", "result", "result", "supplement", "refusal")
_COMMENTS = (
    "Cán bộ hướng dẫn tận tình",
    "Chờ hơi lâu",
    "Phải đi lại hai lần",
    "Nhanh gọn, cảm ơn",
    "Thiếu chỗ ngồi chờ",
)
_COMMENT_SHARE = 0.05


@dataclass(frozen=True)
class Office:
    """An office and how satisfied its visitors truly are, in percent."""

    unit: str
    index: float


@dataclass(frozen=True)
class Fall:
    """An office gets worse at a moment."""

    unit: str
    at: datetime
    to: float


Answer = dict[str, Any]
"""The JSON of one response."""


class Citizens:
    """A source of responses; the same seed gives the same levels in the same order by office."""

    def __init__(
        self,
        offices: Mapping[str, Office],
        seed: int,
        fleet: Fleet,
        *,
        falls: Sequence[Fall] = (),
        fields: Sequence[str] = (),
    ) -> None:
        """Give every office a chance of its own, so that load and order do not change answers.

        Args:
            offices: by agency code.
            seed: of all chance.
            fleet: kiosks that they answer on.
            falls: offices that get worse, each at most once.
            fields: service fields that visitors came for; none are named without them.
        """
        self._offices = offices
        self._fleet = fleet
        self._falls = {fall.unit: fall for fall in falls}
        self._fields = fields
        # Seeding by text is stable between runs and machines.
        self._random = {unit: Random(f"{seed}/{unit}") for unit in offices}  # noqa: S311

    def answer(self, unit: str, moment: datetime) -> Answer:
        """What one visitor of an office hands in at a moment."""
        random = self._random[unit]
        index = self._offices[unit].index
        fall = self._falls.get(unit)
        if fall is not None and moment >= fall.at:
            index = fall.to
        answer: Answer = {
            "id": str(uuid7()),
            "unit": unit,
            **self._fleet.stamp(unit),
            "channel": "kiosk",
            "stage": random.choice(_STAGES),
            "occurred_at": moment.astimezone(LOCAL_ZONE).isoformat(),
            "instrument": "kiosk",
            "instrument_version": 1,
            "answers": {OVERALL: draw(random, probabilities(index))},
            "language": "vi",
        }
        if self._fields:
            answer["field"] = random.choice(self._fields)
        if random.random() < _COMMENT_SHARE:
            answer["comment"] = random.choice(_COMMENTS)
        return answer

    def history(self, now: datetime, hours: int, per_hour: int) -> list[Answer]:
        """Answers of every office over the hours before now, evenly spread."""
        step = timedelta(hours=1) / per_hour
        start = now - timedelta(hours=hours)
        return [
            self.answer(unit, start + number * step)
            for unit in self._offices
            for number in range(hours * per_hour)
        ]
