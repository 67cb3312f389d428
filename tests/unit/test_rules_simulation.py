"""Simulated time: windows as counted by hand, and what moves when nothing comes in."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

from langnghe.rules.simulation import Simulation
from langnghe.rules.testfile import Answers
from method.period import LOCAL_ZONE
from schemas.alert import AlertState
from services.notify.rules.kinds import BelowTarget
from tests.builders import OTHER_UNIT, UNIT

START = datetime(2026, 11, 2, 7, tzinfo=LOCAL_ZONE)
HERE, THERE = f"unit:{UNIT}", f"unit:{OTHER_UNIT}"
LOW = BelowTarget.model_validate(
    {
        "id": "low",
        "kind": "below_target",
        "scopes": ["unit"],
        "window": "7d",
        "target": 80,
        "min_n": 20,
        "for": "90m",
        "keep_firing_for": "3h",
        "severity": "info",
    }
)


def answers(from_: str, scope: str = HERE, **changes: object) -> Answers:
    return Answers.model_validate({"scope": scope, "from": from_, "levels": {5: 1}, **changes})


def test_a_series_begins_at_once_and_ends_before_its_end() -> None:
    hours = [time / timedelta(hours=1) for time in answers("3h", every="2h", to="9h").times()]
    assert hours == [3, 5, 7]
    assert list(answers("1d3h").times()) == [timedelta(hours=27)]


def test_windows_hold_what_a_count_by_hand_finds() -> None:
    random = Random(7)
    came = [
        (random.randrange(16 * 24 * 60), random.choice((HERE, THERE)), random.randint(1, 5))
        for _ in range(400)
    ]
    series = [answers(f"{m}m", scope, levels={level: 1}) for m, scope, level in came]
    simulation = Simulation({"low": LOW}, series, START)
    now = START
    for _ in range(15 * 24):
        now += timedelta(hours=1, minutes=1)
        simulation.step(now)
    assert set(simulation.indices) == {HERE, THERE}
    for scope, index in simulation.indices.items():
        for window in index.windows.values():
            length = window.end - window.start
            assert window.start <= now < window.end
            for figure, begin in ((window.current, window.start), (window.previous, None)):
                first = begin or window.start - length
                found = Counter(
                    level
                    for minute, where, level in came
                    if where == scope
                    and first <= START + timedelta(minutes=minute) < first + length
                    and START + timedelta(minutes=minute) <= now
                )
                assert figure.counts == tuple(found[level] for level in range(1, 6))


def test_time_alone_moves_windows_and_alerts() -> None:
    # The good day leaves the window at the seventh midnight; nothing comes in then.
    series = [answers("0h", levels={5: 200}), answers("3d", levels={1: 30})]
    simulation = Simulation({"low": LOW}, series, START)
    states: dict[timedelta, AlertState] = {}
    for minutes in range(0, 7 * 24 * 60, 30):
        passed = timedelta(minutes=minutes)
        simulation.step(START + passed)
        for alert in simulation.alerts.values():
            states.setdefault(passed, alert.state)
    midnight = timedelta(days=6, hours=17)
    assert min(states) == midnight
    assert {states[midnight + timedelta(minutes=m)] for m in (0, 30, 60)} == {"pending"}
    # Neither an answer nor a new hour: it is due, and that moves it.
    assert states[midnight + timedelta(minutes=90)] == "firing"


def test_an_episode_that_is_over_is_followed_by_another() -> None:
    # Bad, then good for as long as recovery has to last, then bad again.
    series = [
        answers("0h", levels={1: 20}),
        answers("3h", levels={5: 200}),
        answers("10h", levels={1: 200}),
    ]
    simulation = Simulation({"low": LOW}, series, START)
    seen: dict[str, list[str]] = {}
    for hour in range(13):
        simulation.step(START + timedelta(hours=hour))
        (alert,) = simulation.alerts.values()
        seen.setdefault(alert.id, []).append(alert.state.value)
    first = 2 * ["pending"] + 4 * ["firing"] + 4 * ["resolved"]
    assert list(seen.values()) == [first, 2 * ["pending"] + ["firing"]]


def test_a_unit_has_a_chart_that_is_measured_against_its_own_past() -> None:
    daily: dict[str, Any] = {"every": "1d", "to": "30d", "levels": {5: 6, 1: 4}}
    series = [answers("0d", **daily), answers("0d", "country", **daily)]
    simulation = Simulation({"low": LOW}, series, START)
    usual = []
    for day in range(30):
        simulation.step(START + timedelta(days=day))
        change = simulation.indices[HERE].change
        assert change is not None
        usual.append(change.usual)
    # The newest fourteen days are left out; a hundred answers at 80 % stand for what is not known.
    assert usual[:15] == [80.0] * 15
    assert usual[15] == 78.18, "ten answers: 80 and 6 of 110"
    assert usual[29] == 68.0, "150 answers: 80 and 90 of 250"
    assert simulation.indices["country"].change is None


def test_answers_of_one_moment_come_in_mixed() -> None:
    # A hundred bad ones in a row would fill the chart; among four hundred good ones they do not.
    simulation = Simulation({}, [answers("0h", levels={5: 400, 1: 100})], START)
    simulation.step(START)
    change = simulation.indices[HERE].change
    assert change is not None
    assert change.statistic < 1
    assert simulation.indices[HERE].windows["24h"].current.counts == (100, 0, 0, 0, 400)
