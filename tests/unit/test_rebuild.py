"""The buckets that answers add up to, and what is wrong with those that are stored."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.runtime.database import Document
from services.scoring.counting import Sums
from services.scoring.differences import Wrong, compare
from services.scoring.reading import Answer
from services.scoring.recount import buckets
from tests.builders import ABOVE, NOW, UNIT, accepted

ID = f"{UNIT}|-|2026-11-22|overall"


def sums(*answers: tuple[int, dict[str, Any]]) -> Sums:
    """Of answers by level."""
    added = Sums(-1)
    for offset, (level, changes) in enumerate(answers):
        added.add(msgspec.convert(accepted(offset, level, **changes).model_dump(), Answer))
    return added


def test_the_buckets_of_answers_hold_their_hours() -> None:
    earlier = NOW - timedelta(hours=2)
    of_one = sums((5, {}), (1, {"occurred_at": earlier}), (5, {}), (4, {"field": "ho-tich"}))
    found = buckets({2: of_one})
    assert found.keys() == {ID, f"{UNIT}|ho-tich|2026-11-22|overall"}
    assert found[ID] == {
        "_id": ID,
        "unit": UNIT,
        "field": None,
        "day": "2026-11-22",
        "item": "overall",
        "partition": 2,
        "offset": 2,
        "above": ABOVE,
        "latest_occurred_at": NOW,
        "latest_received_at": NOW,
        "n1": 1,
        "n5": 2,
        "h": {"10": {"n1": 1, "offset": 1}, "12": {"n5": 2, "offset": 2}},
    }


def test_what_two_partitions_hold_of_a_unit_is_added_up() -> None:
    later = NOW + timedelta(minutes=1)
    found = buckets({1: sums((5, {"occurred_at": later})), 3: sums((5, {}), (2, {}))})
    assert list(found) == [ID]
    of_all = {name: found[ID][name] for name in ("n5", "n2", "partition", "latest_occurred_at")}
    assert of_all == {"n5": 2, "n2": 1, "partition": 3, "latest_occurred_at": later}
    assert found[ID]["h"] == {"12": {"n5": 2, "n2": 1, "offset": 1}}


def bucket(hours: dict[str, dict[str, int]], **changes: Any) -> Document:
    return {"_id": "b", "offset": 7, "h": hours, **changes}


NINE: dict[str, dict[str, int]] = {"09": {"n4": 2, "offset": 7}}


@pytest.mark.parametrize(
    ("stored", "expected", "wrong"),
    [
        ({}, {}, Wrong()),
        ({"b": bucket(NINE)}, {"b": bucket(NINE)}, Wrong()),
        ({}, {"b": bucket(NINE)}, Wrong(missing=1, hours=1, short=2)),
        ({"b": bucket(NINE)}, {}, Wrong(superfluous=1, hours=1, over=2)),
        ({"b": bucket(NINE, offset=8)}, {"b": bucket(NINE)}, Wrong(other=1)),
        ({"b": {"_id": "b"}}, {"b": bucket(NINE)}, Wrong(other=1, hours=1, short=2)),
        (
            {"b": bucket({"09": {"n4": 1, "n5": 3}, "10": {"n1": 1}})},
            {"b": bucket({"09": {"n4": 2}, "10": {"n1": 1}})},
            Wrong(other=1, hours=1, short=1, over=3),
        ),
        (
            {"b": bucket({"09": {"n1": 1}})},
            {"b": bucket({"10": {"n1": 1}})},
            Wrong(other=1, hours=2, short=1, over=1),
        ),
    ],
    ids=["none", "right", "lost", "invented", "offset", "empty", "levels", "hours"],
)
def test_what_is_wrong_is_counted(
    stored: dict[str, Document], expected: dict[str, Document], wrong: Wrong
) -> None:
    assert compare(stored, expected) == wrong
    assert wrong.buckets == int(stored != expected)


def test_what_is_wrong_is_added_up() -> None:
    both = Wrong(missing=1, hours=2, short=3) + Wrong(superfluous=1, other=1, hours=1, over=4)
    assert both == Wrong(missing=1, superfluous=1, other=1, hours=3, short=3, over=4)
    assert both.buckets == 3
