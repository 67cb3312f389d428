"""Windows: which hour and day belongs to which, and that segments add up to them."""

from datetime import UTC, date, datetime, timedelta
from random import Random

from method.definition import definition_on
from method.figure import figure
from method.period import LOCAL_ZONE, day_key, hour_key, last_days, local_day
from method.window import Windows, add
from schemas.figure import Counts

DEFINITION = definition_on(date(2026, 11, 22))
NOON = datetime(2026, 11, 22, 12, 34, tzinfo=LOCAL_ZONE)


def test_local_midnight_is_the_border_of_a_day() -> None:
    assert local_day(datetime(2026, 11, 21, 16, 59, 59, tzinfo=UTC)) == date(2026, 11, 21)
    assert local_day(datetime(2026, 11, 21, 17, 0, tzinfo=UTC)) == date(2026, 11, 22)
    assert hour_key(datetime(2026, 11, 21, 17, 0, tzinfo=UTC)) == "2026-11-22T00"
    assert last_days(2, NOON) == ["2026-11-21", "2026-11-22"]


def test_segments_are_cut_at_every_edge_once() -> None:
    cut = {s.name: (s.first, s.last) for s in Windows(DEFINITION, NOON).segments}
    assert cut == {
        "hour:0": ("2026-11-21T13", "2026-11-22T12"),
        "hour:24": ("2026-11-20T13", "2026-11-21T12"),
        "day:0": ("2026-11-16", "2026-11-22"),
        "day:7": ("2026-11-09", "2026-11-15"),
        "day:14": ("2026-10-24", "2026-11-08"),
        "day:30": ("2026-09-24", "2026-10-23"),
        "day:60": ("2026-08-25", "2026-09-23"),
        "day:90": ("2026-05-27", "2026-08-24"),
    }


def test_windows_say_where_they_start_and_end() -> None:
    windows = Windows(DEFINITION, NOON).figures({})
    assert windows["24h"].end == datetime(2026, 11, 22, 13, tzinfo=LOCAL_ZONE)
    assert windows["24h"].start == datetime(2026, 11, 21, 13, tzinfo=LOCAL_ZONE)
    assert windows["7d"].end == datetime(2026, 11, 23, tzinfo=LOCAL_ZONE)
    assert windows["7d"].start == datetime(2026, 11, 16, tzinfo=LOCAL_ZONE)
    assert windows["90d"].current.n == 0


def test_windows_equal_a_direct_count() -> None:
    random = Random(7)
    answers = [
        (NOON - timedelta(hours=random.uniform(0, 24 * 200)), random.randint(1, 5))
        for _ in range(5000)
    ]

    def counted(first: str, last: str, hourly: bool) -> Counts:
        counts = [0] * 5
        for moment, level in answers:
            key = hour_key(moment) if hourly else day_key(local_day(moment))
            if first <= key <= last:
                counts[level - 1] += 1
        one, two, three, four, five = counts
        return one, two, three, four, five

    by_segment = {
        s.name: counted(s.first, s.last, s.grain == "hour")
        for s in Windows(DEFINITION, NOON).segments
    }
    windows = Windows(DEFINITION, NOON).figures(by_segment)
    today = local_day(NOON)
    for name, days in {"7d": 7, "30d": 30, "90d": 90}.items():
        for shift, got in ((0, windows[name].current), (days, windows[name].previous)):
            first = day_key(today - timedelta(days=days - 1 + shift))
            last = day_key(today - timedelta(days=shift))
            assert got == figure(counted(first, last, hourly=False), DEFINITION)
    first, last = hour_key(NOON - timedelta(hours=23)), hour_key(NOON)
    assert windows["24h"].current == figure(counted(first, last, hourly=True), DEFINITION)


def test_add_sums_level_by_level() -> None:
    assert add([(1, 0, 2, 0, 3), (0, 1, 0, 1, 1)]) == (1, 1, 2, 1, 4)
