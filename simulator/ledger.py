"""What the gateway acknowledged, and whether the system kept its word."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from method.period import LOCAL_ZONE
from schemas.collections import BUCKETS, QUARANTINE, RESPONSES
from schemas.counts import LEVEL_FIELDS
from schemas.figure import LEVELS
from schemas.instrument import OVERALL
from services.runtime.database import Database
from simulator.faults import Parcel

_ASIDE = {"resolution.kind": {"$ne": "replayed"}}
"""Records that are set aside: one that was sent again counts, or is set aside anew."""

Cell = tuple[str, str, str, int]
"""Unit, local day, local hour, level."""


@dataclass(frozen=True)
class Balance:
    """What became of everything that was acknowledged.

    Attributes:
        counted: responses that are in the counts.
        duplicates: copies that were recognised.
        quarantined: records set aside, by rule.
        lost: acknowledged, but neither counted nor set aside as it must be.
        counted_twice: in the counts more often than acknowledged.
        out_of_place: counted, but in another unit, day, hour or level.
        phantom: stored, but never handed in.
    """

    counted: int
    duplicates: int
    quarantined: dict[str, int]
    lost: int
    counted_twice: int
    out_of_place: int
    phantom: int

    @property
    def exact(self) -> bool:
        """Whether every acknowledged answer is where it must be, once, and nothing else is."""
        return self.lost == self.counted_twice == self.out_of_place == self.phantom == 0


class Ledger:
    """Every acknowledged answer, until the end of a run."""

    def __init__(self) -> None:
        """Start with nothing acknowledged."""
        self.sent = 0
        self.refused = 0
        self._handed_in: dict[str, Parcel] = {}
        self._expected: dict[str, str] = {}
        self._cells: Counter[Cell] = Counter()
        self._acknowledged_at: dict[str, list[float]] = defaultdict(list)

    @property
    def acknowledged(self) -> int:
        """Distinct answers that the gateway acknowledged."""
        return len(self._expected)

    @property
    def units(self) -> list[str]:
        """Units that have acknowledged answers which must be counted."""
        return sorted(self._acknowledged_at)

    @property
    def to_count(self) -> int:
        """Acknowledged answers that must be counted."""
        return self._cells.total()

    def hand_in(self, parcel: Parcel) -> None:
        """Note that an answer is about to be sent for the first time."""
        self._handed_in[parcel.answer["id"]] = parcel

    def acknowledge(self, parcel: Parcel, moment: float) -> None:
        """Note a 202.

        Args:
            parcel: what was acknowledged.
            moment: when, on a monotonic clock.
        """
        identity = parcel.answer["id"]
        if identity in self._expected:
            return
        self._expected[identity] = parcel.expected
        if parcel.expected == "counted":
            self._cells[_cell(parcel)] += 1
            self._acknowledged_at[parcel.answer["unit"]].append(moment)

    def acknowledged_at(self, unit: str) -> list[float]:
        """When the answers of a unit that must be counted were acknowledged, in order."""
        return self._acknowledged_at[unit]

    async def settled(self, database: Database) -> bool:
        """Whether as many responses and records as were acknowledged have arrived somewhere."""
        await_quarantine = sum(1 for expected in self._expected.values() if expected != "counted")
        quarantined = await database[QUARANTINE].count_documents(_ASIDE)
        return await _counted(database) >= self.to_count and quarantined >= await_quarantine

    async def balance(self, database: Database) -> Balance:
        """Hold the counts against what was acknowledged, cell by cell and id by id."""
        found: Counter[Cell] = Counter()
        async for bucket in database[BUCKETS].find({"item": OVERALL}):
            found += _cells(bucket)
        stored = {
            str(document["_id"]) async for document in database[RESPONSES].find({}, {"_id": 1})
        }
        # Kafka may have what a kiosk was never told of: it counts, once.
        untold = Counter(
            _cell(parcel)
            for identity, parcel in self._handed_in.items()
            if identity in stored and identity not in self._expected
        )
        due = self._cells + untold
        missing, surplus = (due - found).total(), (found - due).total()
        out_of_place = min(missing, surplus)
        not_stored = {
            identity
            for identity, expected in self._expected.items()
            if expected == "counted" and identity not in stored
        }
        copies = 0
        async for row in database.aggregate(
            RESPONSES,
            [
                {"$match": {"copies": {"$exists": True}}},
                {"$group": {"_id": None, "copies": {"$sum": {"$size": "$copies"}}}},
            ],
        ):
            copies = row["copies"]
        quarantined = {
            row["_id"]: int(row["n"])
            async for row in database.aggregate(
                QUARANTINE,
                [
                    {"$match": _ASIDE},
                    {"$group": {"_id": "$reason", "n": {"$sum": 1}}},
                    {"$sort": {"_id": 1}},
                ],
            )
        }
        # A record that was sent again because its acknowledgement was lost is set aside each time.
        must_be_aside = Counter(self._expected.values())
        del must_be_aside["counted"]
        not_aside = (must_be_aside - Counter(quarantined)).total()
        return Balance(
            counted=found.total(),
            duplicates=copies,
            quarantined=quarantined,
            lost=max(missing - out_of_place, len(not_stored)) + not_aside,
            counted_twice=surplus - out_of_place,
            out_of_place=out_of_place,
            phantom=len(stored - self._handed_in.keys()),
        )


def _cell(parcel: Parcel) -> Cell:
    """Where an answer must be counted."""
    local = datetime.fromisoformat(parcel.answer["occurred_at"]).astimezone(LOCAL_ZONE)
    unit, level = parcel.answer["unit"], parcel.answer["answers"][OVERALL]
    return unit, local.date().isoformat(), f"{local.hour:02d}", level


def _cells(bucket: dict[str, Any]) -> Counter[Cell]:
    """The hours of one bucket, level by level."""
    return Counter(
        {
            (bucket["unit"], bucket["day"], hour, level): counts.get(f"n{level}", 0)
            for hour, counts in bucket["h"].items()
            for level in LEVELS
        }
    )


async def _counted(database: Database) -> int:
    async for row in database.aggregate(
        BUCKETS,
        [
            {"$match": {"item": OVERALL}},
            {
                "$group": {
                    "_id": None,
                    "n": {"$sum": {"$sum": [f"${name}" for name in LEVEL_FIELDS]}},
                }
            },
        ],
    ):
        return int(row["n"])
    return 0
