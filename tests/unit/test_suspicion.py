"""What is too good is found; an honest country is left alone."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from method.period import LOCAL_ZONE
from method.suspicion import (
    Answer,
    Finding,
    Kind,
    Sums,
    burst,
    honesty_on,
    of_day,
    of_month,
    one_device,
    rhythm,
    shut_hours,
    straight_lining,
    sums_of,
    together,
    usual_hour,
)

MONDAY = datetime(2026, 9, 7, tzinfo=LOCAL_ZONE)
HONEST = honesty_on(MONDAY.date())


def kiosk(at: str | datetime, level: int = 5, device: str = "kiosk-1") -> Answer:
    moment = (
        at
        if isinstance(at, datetime)
        else MONDAY + timedelta(hours=int(at[:2]), minutes=int(at[3:5]), seconds=float(at[6:] or 0))
    )
    return Answer(device, moment, True, {"overall": level}, level)


def every(seconds: float, count: int, start: str = "08:00") -> list[Answer]:
    first = kiosk(start).at
    return [kiosk(first + number * timedelta(seconds=seconds)) for number in range(count)]


def rare(finding: Finding | None) -> bool:
    return finding is not None and finding.p_value <= HONEST.rare


def test_thirty_best_answers_in_ten_minutes_are_a_burst() -> None:
    own = sorted([*every(1200, 24), *every(20, 30, "10:05:07")], key=lambda one: one.at)
    found = burst(own, 3.0, HONEST)
    assert found is not None
    assert found.figures["n"] == 30
    assert found.figures["top"] == 30
    assert rare(found)


@pytest.mark.parametrize(
    ("answers", "per_hour", "is_rare"),
    [
        pytest.param(every(60, 11), None, False, id="one a minute at a new kiosk"),
        pytest.param(every(20, 31), 60.0, False, id="one in 20 seconds where that is usual"),
        pytest.param(every(20, 31), None, True, id="the same at a new kiosk"),
        pytest.param(every(60, 400), 25.0, False, id="a busy day"),
    ],
)
def test_a_burst_is_measured_by_what_is_usual_at_the_device(
    answers: list[Answer], per_hour: float | None, is_rare: bool
) -> None:
    assert rare(burst(answers, per_hour, HONEST)) is is_rare


def test_stuffing_in_one_hour_of_each_day_does_not_make_itself_usual() -> None:
    own = [*every(1200, 24), *every(20, 30, "10:00:05")]
    assert usual_hour(own) == 3
    assert usual_hour([one._replace(kiosk=False) for one in own]) is None


def test_best_answers_at_a_machines_pauses_are_a_rhythm() -> None:
    assert rare(rhythm(every(47, 9), 4.0, HONEST))
    assert not rare(rhythm(every(47, 4), 4.0, HONEST)), "three alike pauses come about"
    uneven = [kiosk(MONDAY + timedelta(hours=8, seconds=47 * n + n * n)) for n in range(9)]
    assert not rare(rhythm(uneven, 4.0, HONEST))
    middling = [*every(47, 4), kiosk("08:03:08", 3), *every(47, 4, "08:03:55")]
    assert not rare(rhythm(middling, 4.0, HONEST)), "one that is not the best ends the run"
    assert rhythm(every(47, 2), 4.0, HONEST) is None


def test_best_answers_of_an_empty_office_are_seen() -> None:
    opened = Sums(n=400, satisfied=340, top=240)
    nightly = Sums(n=120, satisfied=120, shut=120, shut_top=120)
    assert rare(shut_hours(together([opened, nightly]), HONEST))
    late = Sums(n=60, satisfied=55, shut=60, shut_top=50)
    assert not rare(shut_hours(together([opened, late]), HONEST)), "visitors served after closing"
    assert shut_hours(opened, HONEST) is None


def test_hours_and_days_off_are_told_apart() -> None:
    found = sums_of([kiosk("07:29:59"), kiosk("07:30"), kiosk("17:00"), kiosk("16:59", 3)])
    assert found == Sums(n=4, satisfied=3, top=1, shut=2, shut_top=2)
    sunday = sums_of([kiosk(MONDAY - timedelta(hours=14))])
    assert (sunday.shut, sunday.shut_top) == (1, 1)


def test_a_device_that_is_far_better_than_those_beside_it() -> None:
    devices = {"a": Sums(n=300, satisfied=300), "b": Sums(n=300, satisfied=240)}
    found = one_device(devices, {}, HONEST)
    assert found is not None
    assert (found.device, rare(found)) == ("a", True)
    counters = {"a": Sums(n=300, satisfied=276), "b": Sums(n=300, satisfied=240)}
    assert not rare(one_device(counters, {}, HONEST)), "counters do different work"
    assert one_device({"a": devices["a"], "b": Sums(forms=9)}, {}, HONEST) is None


def test_a_device_that_gives_nearly_all() -> None:
    devices = {"a": Sums(n=600, satisfied=480), "b": Sums(n=3, satisfied=2)}
    found = one_device(devices, {}, HONEST)
    assert found is not None
    assert (found.device, rare(found)) == ("a", True)
    usual = {"a": Sums(n=2000), "b": Sums(n=10)}
    assert not rare(one_device(devices, usual, HONEST)), "as it always was"


def form(*levels: int) -> Answer:
    answers = {f"item{place}": level for place, level in enumerate(levels)}
    return Answer("web", MONDAY, False, answers, levels[0])


def test_straight_lines_are_those_of_whole_questionnaires() -> None:
    found = sums_of([form(5, 5, 5, 5), form(5, 5, 4), form(5, 5)])
    assert found == Sums(forms=2, identical=1)
    others = Sums(forms=4000, identical=1600)
    assert rare(straight_lining(Sums(forms=80, identical=79), others, HONEST))
    assert not rare(straight_lining(Sums(forms=80, identical=55), others, HONEST))
    assert straight_lining(Sums(n=9), others, HONEST) is None


def test_a_burst_of_one_of_many_devices_has_to_be_rarer() -> None:
    crowded = {"kiosk-1": [one._replace(overall=4) for one in every(29, 21)]}
    assert [one.kind for one in of_day(crowded, {}, HONEST)] == [Kind.BURST]
    beside = {f"kiosk-{n}": [kiosk("09:00", device=f"kiosk-{n}")] for n in range(2, 40)}
    assert of_day(crowded | beside, {}, HONEST) == []


def test_no_answers_no_findings() -> None:
    assert of_day({}, {}, HONEST) == []
    assert of_month({}, {}, Sums(), HONEST) == []


def calibrated(values: Iterable[float], what: str) -> None:
    """P-values of honest offices are small as rarely as they say, or more rarely."""
    found = list(values)
    for level in (0.2, 0.05, 0.01):
        part = sum(value <= level for value in found) / len(found)
        noise = 3 * (level * (1 - level) / len(found)) ** 0.5
        assert part <= level + noise, f"{what}: {part} of the p-values are below {level}"


def p_values(found: Iterable[Finding | None]) -> list[float]:
    return [1.0 if one is None else one.p_value for one in found]


def test_the_hardest_honest_devices_stay_within_the_bound() -> None:
    """Busy all day and night at the most that is honest, and every answer the best."""
    rng = np.random.default_rng(1)
    rate = HONEST.times_usual * HONEST.least_per_hour
    days: list[Sequence[Answer]] = []
    for _ in range(400):
        seconds = np.sort(rng.uniform(0, 86_400, rng.poisson(24 * rate)))
        days.append([kiosk(MONDAY + timedelta(seconds=float(at))) for at in seconds])
    calibrated(p_values(burst(day, None, HONEST) for day in days), "burst")
    calibrated(p_values(rhythm(day, None, HONEST) for day in days), "rhythm")


def test_the_hardest_honest_offices_stay_within_the_bound() -> None:
    """Late visitors, counters and forms differ by the odds that are honest."""
    rng = np.random.default_rng(2)
    share, better = 0.7, 0.875
    assert np.isclose(better / (1 - better) / (share / (1 - share)), HONEST.honest_odds)
    late, lines, devices = [], [], []
    for _ in range(1500):
        open_, shut = int(rng.binomial(300, share)), int(rng.binomial(40, better))
        late.append(shut_hours(Sums(n=340, top=open_, shut=40, shut_top=shut), HONEST))
        lines.append(
            straight_lining(
                Sums(forms=40, identical=shut), Sums(forms=300, identical=open_), HONEST
            )
        )
        n = int(rng.binomial(400, HONEST.most_of_all))
        good, rest = int(rng.binomial(n, better)), int(rng.binomial(400 - n, share))
        both = {"a": Sums(n=n, satisfied=good), "b": Sums(n=400 - n, satisfied=rest)}
        devices.append(one_device(both, {}, HONEST))
    calibrated(p_values(late), "shut hours")
    calibrated(p_values(lines), "straight lines")
    calibrated(p_values(devices), "one device")


def test_an_honest_country_is_left_alone_and_a_stuffed_office_in_it_is_found() -> None:
    """60 offices, 20 days: mornings are twice as busy, families come together, some stay late."""
    rng = np.random.default_rng(3)
    suspected: list[tuple[int, Kind]] = []
    months = {office: {f"{office}-{n}": Sums() for n in (1, 2)} for office in range(60)}
    for day in range(20):
        midnight = MONDAY + timedelta(days=day + 2 * (day // 5))
        for office, devices in months.items():
            answers = {name: _honest_day(rng, midnight, name) for name in devices}
            if office == 7:
                started = midnight + timedelta(hours=10)
                answers["7-1"] = [
                    *answers["7-1"],
                    *(
                        kiosk(started + timedelta(seconds=float(at)), 5, "7-1")
                        for at in rng.uniform(0, 600, 30)
                    ),
                ]
            found = of_day(answers, dict.fromkeys(devices, 3.0), HONEST)
            suspected += [(office, one.kind) for one in found]
            for name, of_device in answers.items():
                devices[name] = together([devices[name], sums_of(of_device)])
    country = together(sums for devices in months.values() for sums in devices.values())
    for office, devices in months.items():
        found = of_month(devices, {}, country, HONEST)
        suspected += [(office, one.kind) for one in found]
    assert suspected.count((7, Kind.BURST)) == 20, "on each of its days"
    assert {office for office, _ in suspected} == {7}


def _honest_day(rng: np.random.Generator, midnight: datetime, device: str) -> list[Answer]:
    found: list[Answer] = []
    for hour, visitors in ((8, 6), (9, 6), (10, 3), (14, 3), (15, 3), (16, 2), (17, 0.5)):
        for _ in range(rng.poisson(visitors * 0.8)):
            at = midnight + timedelta(hours=hour, seconds=float(rng.uniform(0, 3600)))
            together_ = 1 + int(rng.uniform() < 0.2)
            level = int(rng.choice([2, 3, 4, 5], p=[0.05, 0.1, 0.25, 0.6]))
            found += [
                kiosk(at + person * timedelta(seconds=9.3), level, device)
                for person in range(together_)
            ]
    return sorted(found, key=lambda one: one.at)
