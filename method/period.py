"""Local days and hours: every figure is cut in Asia/Ho_Chi_Minh, whatever zone a kiosk wrote.

Vietnam has had one zone without daylight saving since 1975, so a local day has 24 hours.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def local_hour_start(moment: datetime) -> datetime:
    """The start of the local hour that holds a moment (any zone in, local zone out)."""
    return moment.astimezone(LOCAL_ZONE).replace(minute=0, second=0, microsecond=0)


def local_day(moment: datetime) -> date:
    """The local calendar day of a moment in any zone."""
    return moment.astimezone(LOCAL_ZONE).date()


def local_midnight(day: date) -> datetime:
    """The first moment of a local day."""
    return datetime.combine(day, time.min, LOCAL_ZONE)


def day_key(day: date) -> str:
    """`2026-11-22`: sorts as time does."""
    return day.isoformat()


def hour_key(moment: datetime) -> str:
    """`2026-11-22T07`: the local hour of a moment; sorts as time does."""
    return moment.astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H")


def day_of(hour: str) -> str:
    """The key of the day that an hour, given by its key, is part of."""
    return hour.partition("T")[0]


def hour_of_day(hour: str) -> str:
    """`07` of the key of an hour."""
    return hour.partition("T")[2]


def hours_between(first: str, last: str) -> list[str]:
    """Keys of all hours from one to another, both included."""
    start, end = (datetime.strptime(key, "%Y-%m-%dT%H") for key in (first, last))  # noqa: DTZ007
    count = int((end - start) / timedelta(hours=1)) + 1
    return [(start + n * timedelta(hours=1)).strftime("%Y-%m-%dT%H") for n in range(count)]


def last_days(count: int, moment: datetime) -> list[str]:
    """Keys of the last `count` local days up to and with the day of `moment`, oldest first."""
    today = local_day(moment)
    return [day_key(today - timedelta(days=age)) for age in range(count - 1, -1, -1)]
