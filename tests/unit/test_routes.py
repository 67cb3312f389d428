"""Route files: what a route takes, whom of an agency it makes be told, what a bad file says."""

from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langnghe.cli import app
from method.period import LOCAL_ZONE
from schemas.alert import Severity
from schemas.registry import EntryKind, Registry
from services.notify.delivery.directory import Directory
from services.notify.delivery.outbox import Channel
from services.notify.delivery.recipients import Reached, reached
from services.notify.delivery.routes import Route, load_routes
from tests.builders import entry

OFFICE, COMMUNE, PROVINCE = "unit:000.00.19.H26", "commune:00004", "province:01"
DAY = datetime(2026, 11, 23, 9, tzinfo=LOCAL_ZONE)
"""A Monday morning."""
NIGHT = datetime(2026, 11, 23, 23, tzinfo=LOCAL_ZONE)
HOLIDAY = datetime(2026, 9, 2, 9, tzinfo=LOCAL_ZONE)
"""National Day, a Wednesday."""
ADDRESSES = {
    Channel.EMAIL: "truc@example.vn",
    Channel.WEBHOOK: "https://hook.example.vn/x",
    Channel.CHAT: "tgram://123456789:abcdefg_hijklmnop/12315544/",
}
GOOD = """
version: 1
routes:
  - id: night
    agency: unit:000.00.19.H26
    channel: email
    address: truc@example.vn
    severities: [critical]
    hours: 17:00-07:30
"""


def route(name: str, channel: Channel, agency: str = OFFICE, **changes: object) -> Route:
    common = {"id": name, "agency": agency, "channel": channel, "address": ADDRESSES[channel]}
    return Route.model_validate({**common, **changes})


@pytest.mark.parametrize(
    ("hours", "taken"),
    [
        (None, {DAY, NIGHT, HOLIDAY}),
        ("office", {DAY}),
        ("off", {NIGHT, HOLIDAY}),
        ("17:00-07:30", {NIGHT}),
        ("09:00-23:00", {DAY, HOLIDAY}),
    ],
)
def test_a_route_takes_its_hours_alone(hours: str | None, taken: set[datetime]) -> None:
    one = route("x", Channel.EMAIL, hours=hours)
    moments = {DAY, NIGHT, HOLIDAY}
    assert {moment for moment in moments if one.takes(Severity.CRITICAL, moment)} == taken


def test_a_route_takes_its_severities_alone() -> None:
    one = route("x", Channel.EMAIL, severities=["warning"])
    assert one.takes(Severity.WARNING, DAY)
    assert not one.takes(Severity.CRITICAL, DAY)
    assert not one.takes(Severity.INFO, DAY)


def told(*routes: Route, channel: Channel, when: datetime, **office: str) -> list[Reached]:
    """Who hears of a critical alert of an office whose province alone is sure to have addresses."""
    registry = Registry(
        [
            entry(EntryKind.PROVINCE, "01", email="tinh@example.vn", webhook="https://t.vn/"),
            entry(EntryKind.COMMUNE, "00004", PROVINCE),
            entry(EntryKind.UNIT, OFFICE.partition(":")[2], COMMUNE, **office),
        ]
    )
    return reached(Directory(registry, routes), OFFICE, 0, channel, Severity.CRITICAL, when)


def test_whom_of_an_agency_is_told() -> None:
    night = route("night", Channel.EMAIL, hours="off")
    also = route("also", Channel.EMAIL, hours="off")
    mail = {"email": "office@example.vn"}
    own = [Reached(OFFICE, None)]
    by = Channel.EMAIL
    assert told(channel=by, when=NIGHT, **mail) == own
    assert told(night, channel=by, when=DAY, **mail) == own, "nobody else takes it now"
    assert told(night, channel=by, when=NIGHT, **mail) == [Reached(OFFICE, "night")]
    both = [Reached(OFFICE, "night"), Reached(OFFICE, "also")]
    assert told(night, also, channel=by, when=NIGHT, **mail) == both
    assert told(night, channel=by, when=DAY) == [Reached(OFFICE, "night")], "rather than nobody"
    assert told(channel=by, when=DAY) == [Reached(PROVINCE, None)]
    upper = route("upper", Channel.EMAIL, agency=COMMUNE)
    assert told(upper, channel=by, when=DAY) == [Reached(COMMUNE, "upper")]
    assert told(night, channel=Channel.WEBHOOK, when=NIGHT, **mail) == [Reached(PROVINCE, None)]


def test_a_chat_is_told_in_its_hours_and_nobody_stands_in_for_it() -> None:
    chat, by = route("chat", Channel.CHAT, hours="office"), Channel.CHAT
    assert told(chat, channel=by, when=DAY) == [Reached(OFFICE, "chat")]
    assert told(chat, channel=by, when=NIGHT) == []
    upper = route("upper", Channel.CHAT, agency=PROVINCE)
    assert told(upper, channel=by, when=DAY) == []


def test_the_address_is_that_of_the_route_and_the_agency_stands_in_when_it_is_gone() -> None:
    office = entry(EntryKind.UNIT, OFFICE.partition(":")[2], email="office@example.vn")
    day = date(2026, 11, 23)
    with_it = Directory(Registry([office]), [route("night", Channel.EMAIL)])
    assert with_it.address(Channel.EMAIL, OFFICE, "night", day) == "truc@example.vn"
    assert with_it.address(Channel.EMAIL, OFFICE, None, day) == "office@example.vn"
    without = Directory(Registry([office]))
    assert without.address(Channel.EMAIL, OFFICE, "night", day) == "office@example.vn"
    assert without.address(Channel.CHAT, OFFICE, "night", day) is None
    assert with_it.address(Channel.WEBHOOK, OFFICE, None, day) is None


def check(path: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["routes", "check", str(path)])
    return result.exit_code, result.output


def test_a_good_file_is_good(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(GOOD)
    (one,) = load_routes(path)
    assert one.takes(Severity.CRITICAL, NIGHT)
    assert check(path) == (0, f"{path}: good, 1 routes\n")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("truc@example.vn", "so-may-le-12", "7:14: routes.0.address: must be an e-mail address"),
        ("channel: email", "channel: topic", "6:14: routes.0.channel: Input should be"),
        (
            "channel: email",
            "channel: webhook",
            "7:14: routes.0.address: must be an address of http or https",
        ),
        (
            "channel: email",
            "channel: chat",
            "7:14: routes.0.address: must be a URL that Apprise knows",
        ),
        ("17:00-07:30", "17:00-17:00", "9:12: routes.0.hours: must be office, off, or two times"),
        ("17:00-07:30", "17:00-25:00", "9:12: routes.0.hours: "),
        ("[critical]", "[urgent]", "8:18: routes.0.severities.0: Input should be"),
        ("[critical]", "[]", "8:17: routes.0.severities: "),
        (OFFICE, "field:ho-tich", "5:13: routes.0.agency: must be a unit, commune, province or"),
        (OFFICE, "country", "5:13: routes.0.agency: must be a unit, commune, province or"),
        ("    hours", "    hour", "9:5: routes.0.hour: Extra inputs are not permitted"),
        ("id: night", "id: Night", "4:9: routes.0.id: String should match pattern"),
    ],
)
def test_a_bad_file_names_field_and_rule_and_never_an_address(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(GOOD.replace(old, new))
    code, output = check(path)
    assert code == 1
    assert f"{path}:{problem}" in output
    for address in ("truc@example.vn", "so-may-le-12"):
        assert address not in output


def test_ids_are_unique(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(GOOD + GOOD.partition("routes:")[2])
    assert check(path) == (1, f"{path}:11:9: routes.1.id: must be unique\n")
