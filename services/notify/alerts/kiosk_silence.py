"""Reads the silence of kiosks by a rule. Pure.

A kiosk is judged up to the moment until which was listened: the newest sign of life of the gateway
itself (schemas/device.py) that was read. So while the gateway, Kafka or notify are away, or what
they said is not read yet, nobody becomes silent; and after a gap everybody has the whole time of
the rule anew. Until then they are neither silent nor there, and open alerts stay as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from method.calendar import office_time, office_time_before
from schemas.alert import Evidence
from schemas.device import DeviceKind, EnrolledDevice
from schemas.kiosk import KioskSilence, MissedKiosk
from schemas.scope import Scope
from services.notify.alerts.lifecycle import Alert, advance, open_alert
from services.notify.rules.detectors import Reading
from services.notify.rules.kinds import SilentKiosk

LONGEST_GAP: Final = timedelta(minutes=5)
"""Between two signs of life of the gateway, which come each minute, during which was listened."""


class Listening(NamedTuple):
    """From when until when was listened without a gap."""

    since: datetime
    until: datetime

    def on(self, moment: datetime) -> "Listening":
        """After one more sign of life of the gateway; the same after one that was known."""
        if moment <= self.until:
            return self
        gap = moment - self.until > LONGEST_GAP
        return Listening(moment if gap else self.since, moment)


class Sign(NamedTuple):
    """The last sign of life of a kiosk, and how many answers waited there when it last said so."""

    at: datetime
    queued: int | None = None


def kiosks_in_use(devices: Iterable[EnrolledDevice]) -> dict[Scope, list[EnrolledDevice]]:
    """Kiosks that are enrolled and not revoked, by their office."""
    kiosks: dict[Scope, list[EnrolledDevice]] = {}
    for device in devices:
        if device.kind is DeviceKind.KIOSK and device.revoked_at is None:
            kiosks.setdefault(device.scope, []).append(device)
    return kiosks


class Heard(NamedTuple):
    """All that was heard: of which kiosks what, and while was listened."""

    signs: Mapping[str, Sign]
    listening: Listening

    def since(self, kiosk: EnrolledDevice) -> datetime:
        """When a kiosk was last known to be there: at its last sign of life, or its enrolment."""
        sign = self.signs.get(kiosk.id)
        return max(kiosk.enrolled_at, sign.at) if sign else kiosk.enrolled_at


class Said(NamedTuple):
    """What there is to say of one office under a rule.

    Attributes:
        reading: raised where a kiosk is silent; recovered where all were heard lately enough.
        until: up to when was listened.
        silence: of the kiosks that are silent; None where none is.
    """

    reading: Reading
    until: datetime
    silence: KioskSilence | None


def _missed(kiosk: EnrolledDevice, heard: Heard) -> MissedKiosk:
    since, sign = heard.since(kiosk), heard.signs.get(kiosk.id)
    silent_for = office_time(max(since, heard.listening.since), heard.listening.until)
    return MissedKiosk(
        device=kiosk.id,
        name=kiosk.name,
        since=since,
        heard=sign is not None,
        office_hours=round(silent_for / timedelta(hours=1), 2),
        queued=sign.queued if sign else None,
    )


def read_kiosks(
    rule: SilentKiosk, kiosks: Mapping[Scope, Sequence[EnrolledDevice]], heard: Heard
) -> dict[Scope, Said]:
    """What a rule says of every office that has kiosks."""
    since, until = heard.listening
    latest = office_time_before(until, rule.silent_for)
    said: dict[Scope, Said] = {}
    for scope, own in kiosks.items():
        unheard = [kiosk for kiosk in own if heard.since(kiosk) <= latest]
        silent = unheard if since <= latest else []
        missed = sorted((_missed(kiosk, heard) for kiosk in silent), key=lambda one: one.name)
        silence = KioskSilence(as_of=until, kiosks=tuple(missed), of=len(own)) if missed else None
        said[scope] = Said(Reading(raised=bool(silent), recovered=not unheard), until, silence)
    return said


def no_kiosks(heard: Heard) -> Said:
    """What is said of an office whose last kiosk was revoked: there is none to be silent."""
    return Said(Reading(raised=False, recovered=True), heard.listening.until, None)


def _who(evidence: Evidence | KioskSilence) -> set[tuple[str, datetime]]:
    kiosks = evidence.kiosks if isinstance(evidence, KioskSilence) else ()
    return {(kiosk.device, kiosk.since) for kiosk in kiosks}


def read_silence(
    rule: SilentKiosk, scope: Scope, said: Said, alert: Alert | None, now: datetime
) -> Alert | None:
    """The alert of an office after a reading; the same one, or None, where nothing changes.

    That a silence lasts is no change: an alert says since when. One that is over says what was
    silent before.
    """
    version = int(said.until.timestamp() * 1000)
    if alert is None:
        if said.silence is None:
            return None
        opened = open_alert(rule, scope, version, said.silence, now)
        return replace(opened, began_at=min(one.since for one in said.silence.kiosks))
    evidence = said.silence or alert.evidence
    changed = said.reading != alert.reading or _who(evidence) != _who(alert.evidence)
    if not changed or version < alert.index_version:
        return alert
    seen = replace(alert, reading=said.reading, index_version=version, evidence=evidence)
    return advance(seen, rule, now)
