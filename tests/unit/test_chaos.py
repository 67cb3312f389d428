"""What chaos does follows from its seed, and its verdict on alerts from what arrived."""

import pytest

from langnghe.chaos.outcome import Alerts, judge_alerts
from langnghe.chaos.schedule import LASTS, Kind, draw
from simulator.agency import Delivery


def test_a_seed_makes_the_schedule() -> None:
    assert draw(60, 300, seed=7) == draw(60, 300, seed=7)
    assert draw(60, 300, seed=7) != draw(60, 300, seed=8)


def test_everything_is_done_once_before_anything_is_done_again() -> None:
    faults = draw(2 * len(LASTS), 200, seed=1)
    for part in (faults[: len(LASTS)], faults[len(LASTS) :]):
        assert {(f.kind, f.target) for f in part} == set(LASTS)


def test_faults_keep_to_their_bounds() -> None:
    for fault in draw(200, 500, seed=3):
        shortest, longest = LASTS[fault.kind, fault.target]
        assert 0 < fault.at <= 450
        assert shortest <= fault.lasts <= longest
        assert (fault.delay > 0) == (fault.kind is Kind.DELAY)


def arrived(
    unit: str, channel: str, *, id_: str = "m1", alert: str = "a1", state: str = "firing"
) -> Delivery:
    return Delivery(channel, id_, f"{alert}/{unit}", f"unit:{unit}", state, 0.0, "")


BOTH = [arrived("A", "webhook"), arrived("A", "email", id_="m2")]


@pytest.mark.parametrize(
    ("fell", "deliveries", "verdict"),
    [
        (["A"], BOTH, Alerts(1, [], [], [])),
        (["A"], [*BOTH, BOTH[0]], Alerts(1, [], [], [])),
        (["A"], BOTH[:1], Alerts(1, ["unit:A by email"], [], [])),
        (["A"], [*BOTH, arrived("B", "email")], Alerts(1, [], ["unit:B"], [])),
        (
            ["A"],
            [*BOTH, arrived("A", "webhook", id_="m9")],
            Alerts(1, [], [], ["a1/A firing webhook"]),
        ),
        (["A"], [*BOTH, arrived("A", "webhook", alert="a2")], Alerts(1, [], [], ["unit:A"])),
    ],
    ids=["told once", "repeated", "no mail", "another office", "two ids", "two alerts"],
)
def test_what_agencies_were_told_is_held_against_what_fell(
    fell: list[str], deliveries: list[Delivery], verdict: Alerts
) -> None:
    assert judge_alerts(fell, deliveries) == verdict
