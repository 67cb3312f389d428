"""Numbers, times, windows and links as people read them."""

from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import quote

from method.period import LOCAL_ZONE
from schemas.alert import AlertChanged


class Words(NamedTuple):
    """The same in both languages."""

    vi: str
    en: str


WINDOWS: Final = {
    "24h": Words("24 giờ qua", "the last 24 hours"),
    "7d": Words("7 ngày qua", "the last 7 days"),
    "30d": Words("30 ngày qua", "the last 30 days"),
    "90d": Words("90 ngày qua", "the last 90 days"),
}


def vietnamese_number(value: float) -> str:
    """`61,0`."""
    return f"{value:.1f}".replace(".", ",")


def english_number(value: float) -> str:
    """`61.0`."""
    return f"{value:.1f}"


def local_time(moment: datetime) -> str:
    """`12:00 22/11/2026`, in Vietnam."""
    return moment.astimezone(LOCAL_ZONE).strftime("%H:%M %d/%m/%Y")


def alert_link(event: AlertChanged, public_url: str) -> str:
    """The alert's page at the desk."""
    return f"{public_url}/desk/alerts/{quote(event.alert)}"
