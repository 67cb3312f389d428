"""When a kiosk is silent, when it is there, and when nobody can say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from method.calendar import office_time
from method.period import LOCAL_ZONE
from schemas.alert import AlertState
from schemas.device import DeviceKind, EnrolledDevice
from schemas.kiosk import KioskSilence
from services.notify.alerts.kiosk_silence import (
    Heard,
    Listening,
    Sign,
    kiosks_in_use,
    no_kiosks,
    read_kiosks,
    read_silence,
)
from services.notify.alerts.lifecycle import Alert, advance
from services.notify.rules.kinds import SilentKiosk
from tests.builders import UNIT

SCOPE = f"unit:{UNIT}"
RULE = SilentKiosk.model_validate(
    {
        "id": "silent",
        "kind": "silent_kiosk",
        "silent_for": "2h",
        "keep_firing_for": "10m",
        "severity": "warning",
    }
)
MONDAY = datetime(2026, 11, 16, tzinfo=LOCAL_ZONE)
RAISED, BETWEEN, RECOVERED = (True, False), (False, False), (False, True)


def at(text: str, day: int = 0) -> datetime:
    """A time of that Monday, or of a day after it."""
    hours, minutes = map(int, text.split(":"))
    return MONDAY + timedelta(days=day, hours=hours, minutes=minutes)


def kiosk(number: int = 1, *, enrolled: datetime = MONDAY, scope: str = SCOPE) -> EnrolledDevice:
    return EnrolledDevice(
        id=f"d-{number}",
        kind=DeviceKind.KIOSK,
        scope=scope,
        name=f"Quầy {number}",
        enrolled_at=enrolled,
    )


def heard(until: datetime, *signs: datetime | None, since: datetime = MONDAY) -> Heard:
    """Signs of d-1, d-2, …"""
    known = {f"d-{n}": Sign(sign, n) for n, sign in enumerate(signs, 1) if sign is not None}
    return Heard(known, Listening(since, until))


def read(what: Heard, kiosks: Sequence[EnrolledDevice] = (kiosk(),)) -> tuple[bool, bool]:
    """Whether there is an alert, and whether one would be over."""
    raised, recovered = read_kiosks(RULE, {SCOPE: kiosks}, what)[SCOPE].reading
    return raised, recovered


@pytest.mark.parametrize(
    ("until", "sign", "expected"),
    [
        (at("09:29"), None, RECOVERED),  # never heard, but enrolled at midnight only
        (at("09:30"), None, RAISED),
        (at("11:29"), at("09:30"), RECOVERED),
        (at("11:30"), at("09:30"), RAISED),
        (at("14:29"), at("10:30"), RECOVERED),  # over midday
        (at("14:30"), at("10:30"), RAISED),
        (at("08:29", day=1), at("16:00"), RECOVERED),  # over night
        (at("08:30", day=1), at("16:00"), RAISED),
        (at("23:00", day=6), at("16:00", day=4), RECOVERED),  # over the weekend
        (at("08:30", day=7), at("16:00", day=4), RAISED),
    ],
)
def test_it_is_silent_after_so_much_office_time(
    until: datetime, sign: datetime | None, expected: tuple[bool, bool]
) -> None:
    assert read(heard(until, sign)) == expected


def test_one_silent_kiosk_raises_and_all_must_be_there_to_recover() -> None:
    both = (kiosk(1), kiosk(2))
    assert read(heard(at("16:00"), at("15:59"), at("14:00")), both) == RAISED
    assert read(heard(at("16:00"), at("15:59"), at("14:01")), both) == RECOVERED


def test_while_nobody_listened_nobody_was_silent_and_nobody_there() -> None:
    # Listening began anew at 14:00: the gateway was away, or notify has nothing older.
    gap = partial(heard, since=at("14:00"))
    assert read(gap(at("15:59"), at("08:00"))) == BETWEEN
    assert read(gap(at("16:00"), at("08:00"))) == RAISED
    assert read(gap(at("15:59"), at("14:01"))) == RECOVERED


@given(
    st.timedeltas(timedelta(0), timedelta(days=14)),
    st.timedeltas(timedelta(0), timedelta(days=14)),
    st.timedeltas(timedelta(0), timedelta(days=14)),
)
def test_it_decides_as_the_office_time_that_was_listened_to_does(
    sign: timedelta, since: timedelta, until: timedelta
) -> None:
    last, listened, end = MONDAY + sign, MONDAY + since, MONDAY + since + until
    raised, recovered = read(heard(end, last, since=listened))
    assert raised == (office_time(max(last, listened), end) >= RULE.silent_for)
    assert recovered == (office_time(last, end) < RULE.silent_for)


def test_listening_goes_on_over_minutes_and_begins_anew_after_a_gap() -> None:
    one = Listening(at("08:00"), at("08:00"))
    on = one.on(at("08:01")).on(at("08:06"))
    assert on == Listening(at("08:00"), at("08:06"))
    assert on.on(at("08:03")) == on, "what comes again changes nothing"
    assert on.on(at("08:12")) == Listening(at("08:12"), at("08:12"))


def test_only_kiosks_that_are_enrolled_and_not_revoked_are_missed() -> None:
    gone = kiosk(2).model_copy(update={"revoked_at": at("08:00")})
    system = kiosk(3).model_copy(update={"kind": DeviceKind.SYSTEM})
    other = kiosk(4, scope="unit:000.00.20.H26")
    assert kiosks_in_use([kiosk(), gone, system, other]) == {
        SCOPE: [kiosk()],
        "unit:000.00.20.H26": [other],
    }


def step(
    alert: Alert | None, what: Heard, kiosks: Sequence[EnrolledDevice], now: datetime | None = None
) -> Alert | None:
    said = read_kiosks(RULE, {SCOPE: kiosks}, what)[SCOPE]
    return read_silence(RULE, SCOPE, said, alert, now or what.listening.until)


def test_an_alert_from_its_beginning_to_its_end() -> None:
    both = (kiosk(1), kiosk(2))
    assert step(None, heard(at("09:00")), both) is None
    alert = step(None, heard(at("16:00"), at("13:45"), at("15:59")), both)
    assert alert is not None
    assert (alert.state, alert.kind, alert.revision) == (AlertState.FIRING, "silent_kiosk", 1)
    assert isinstance(alert.evidence, KioskSilence)
    (missed,) = alert.evidence.kiosks
    assert (missed.device, missed.name, missed.since) == ("d-1", "Quầy 1", at("13:45"))
    assert (missed.heard, missed.office_hours, missed.queued) == (True, 2.25, 1)
    assert (alert.evidence.as_of, alert.evidence.of) == (at("16:00"), 2)

    # That it lasts is no change.
    assert step(alert, heard(at("16:01"), at("13:45"), at("16:00")), both) is alert
    # The other falls silent too: it is seen, but nobody is told again.
    alert = step(alert, heard(at("08:30", day=1), at("13:45"), at("15:59")), both)
    assert alert is not None
    assert isinstance(alert.evidence, KioskSilence)
    assert [one.device for one in alert.evidence.kiosks] == ["d-1", "d-2"]
    assert alert.revision == 1
    # Both are back; ten minutes later it is over, and says what it was about.
    back = at("09:00", day=1)
    alert = step(alert, heard(back, back, back), both)
    assert alert is not None
    assert (alert.state, alert.recovering_since) == (AlertState.FIRING, back)
    over = advance(alert, RULE, back + timedelta(minutes=10))
    assert over.state is AlertState.RESOLVED
    assert isinstance(over.evidence, KioskSilence)
    assert len(over.evidence.kiosks) == 2


def test_a_recovery_that_does_not_last_is_none() -> None:
    alert = step(None, heard(at("16:00"), at("13:45")), (kiosk(),))
    back = step(alert, heard(at("16:01"), at("16:01")), (kiosk(),))
    again = step(back, heard(at("09:31", day=1), at("16:01")), (kiosk(),))
    assert again is not None
    assert (again.state, again.recovering_since) == (AlertState.FIRING, None)


def test_after_a_gap_an_open_alert_stays_as_it_is() -> None:
    alert = step(None, heard(at("11:00"), at("08:00")), (kiosk(),))
    assert alert is not None
    after = step(alert, heard(at("14:00"), at("08:00"), since=at("14:00")), (kiosk(),))
    assert after is not None
    assert (after.state, after.recovering_since) == (AlertState.FIRING, None)
    assert after.evidence == alert.evidence


def test_what_an_instance_that_is_behind_says_changes_nothing() -> None:
    alert = step(None, heard(at("16:00"), at("13:45")), (kiosk(),))
    assert step(alert, heard(at("13:50"), at("13:45")), (kiosk(),)) is alert


def test_an_office_without_kiosks_has_recovered() -> None:
    alert = step(None, heard(at("16:00"), at("13:45")), (kiosk(),))
    said = no_kiosks(heard(at("16:00")))
    after = read_silence(RULE, SCOPE, said, alert, at("16:05"))
    assert after is not None
    assert after.recovering_since == at("16:05")
    assert read_silence(RULE, SCOPE, said, None, at("16:05")) is None


def test_a_kiosk_that_was_never_heard_says_so() -> None:
    alert = step(None, heard(at("16:00")), (kiosk(enrolled=at("08:00")),))
    assert alert is not None
    assert isinstance(alert.evidence, KioskSilence)
    (missed,) = alert.evidence.kiosks
    assert (missed.heard, missed.since, missed.queued) == (False, at("08:00"), None)
