"""Invented citizens follow the published figures, and the same seed gives the same answers."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.signing import Signer
from schemas.feedback import Response
from simulator.citizens import Citizens, Fall, Office
from simulator.faults import Faults, pack
from simulator.fleet import Fleet
from simulator.levels import draw, probabilities, published_index
from tests.builders import UNIT

NOW = datetime(2026, 11, 22, 5, tzinfo=UTC)


def fleet(*units: str) -> Fleet:
    """Kiosks that are not enrolled anywhere."""
    key = Ed25519PrivateKey.generate()
    return Fleet({unit: Signer(f"d-{unit}", key) for unit in units})


@pytest.mark.parametrize(
    ("province", "index"),
    [("Quảng Ninh", 90.61), ("Hà Nội", 86.5), ("Tây Ninh", 83.45), (None, 83.94), ("X", 83.94)],
)
def test_levels_follow_the_newest_published_index(province: str | None, index: float) -> None:
    assert published_index(province) == index
    weights = probabilities(index)
    assert sum(weights) == pytest.approx(1)
    assert 100 * (weights[3] + weights[4]) == pytest.approx(index)
    random = Random(3)
    levels = Counter(draw(random, weights) for _ in range(20_000))
    assert 100 * (levels[4] + levels[5]) / 20_000 == pytest.approx(index, abs=1)


def test_the_same_seed_gives_the_same_levels_whatever_the_order_of_offices() -> None:
    offices = {code: Office(code, 80) for code in (UNIT, "000.00.20.H26")}

    def levels(order: list[str]) -> dict[str, list[int]]:
        citizens = Citizens(offices, 1, fleet(*offices))
        found: dict[str, list[int]] = {unit: [] for unit in offices}
        for unit in order * 20:
            found[unit].append(citizens.answer(unit, NOW)["answers"]["overall"])
        return found

    assert levels(sorted(offices)) == levels(sorted(offices, reverse=True))


def test_an_office_falls_at_its_moment() -> None:
    citizens = Citizens({UNIT: Office(UNIT, 100)}, 1, fleet(UNIT), falls=[Fall(UNIT, NOW, 0)])
    before = [citizens.answer(UNIT, NOW - timedelta(seconds=1)) for _ in range(50)]
    after = [citizens.answer(UNIT, NOW) for _ in range(50)]
    assert all(answer["answers"]["overall"] >= 4 for answer in before)
    assert all(answer["answers"]["overall"] <= 3 for answer in after)


def test_answers_are_well_formed() -> None:
    citizens = Citizens({UNIT: Office(UNIT, 80)}, 1, fleet(UNIT))
    for answer in citizens.history(NOW, hours=3, per_hour=20):
        Response.model_validate_json(json.dumps(answer))


def test_faults_come_in_their_shares_and_are_what_they_say() -> None:
    citizens, random = Citizens({UNIT: Office(UNIT, 80)}, 1, fleet(UNIT)), Random(1)
    faults = Faults(duplicates=0.1, late=0.1, malformed=0.2)
    parcels = [pack(citizens.answer(UNIT, NOW), faults, random, NOW) for _ in range(5000)]
    share = Counter(p.expected for p in parcels)
    assert share["late"] / 5000 == pytest.approx(0.1, abs=0.02)
    assert share["counted"] / 5000 == pytest.approx(0.7, abs=0.03)
    assert sum(p.copies for p in parcels) / 5000 == pytest.approx(0.1, abs=0.02)
    for parcel in parcels:
        if parcel.expected == "refused" and b"999.99.99.H99" not in parcel.body:
            with pytest.raises(ValueError, match="validation error"):
                Response.model_validate_json(parcel.body)
        else:
            Response.model_validate_json(parcel.body)
