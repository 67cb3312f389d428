"""Takes in signs of life, and has the alerts of silent kiosks follow them as time passes."""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Final

from pydantic import ValidationError
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from schemas.base import read
from schemas.collections import ALERTS
from schemas.device import GATEWAY, DeviceHeartbeat, EnrolledDevice
from services.notify.alerts.documents import to_alert
from services.notify.alerts.kiosk_silence import (
    LONGEST_GAP,
    Heard,
    Listening,
    Sign,
    kiosks_in_use,
    no_kiosks,
    read_kiosks,
    read_silence,
)
from services.notify.alerts.moving import Alerts
from services.notify.rules.kinds import SilentKiosk
from services.notify.storage import KIOSKS, LISTENING
from services.runtime import metrics
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.consumer import Records
from services.runtime.database import Database, Document

log = logging.getLogger(__name__)

_ONE: Final = {"_id": GATEWAY}


def enrolled(documents: Iterable[Document]) -> tuple[EnrolledDevice, ...]:
    """Devices from the gateway's collection."""
    return tuple(EnrolledDevice.model_validate(document) for document in documents)


def _noted(device: str, sign: Sign) -> UpdateOne:
    """An older sign of life than what is known changes nothing: records may come again."""
    change: Document = {"seen_at": {"$max": ["$seen_at", sign.at]}}
    if sign.queued is not None:
        newer = {"$gte": [sign.at, "$seen_at"]}
        change["queued"] = {"$cond": [newer, sign.queued, "$queued"]}
    return UpdateOne({"_id": device}, [{"$set": change}], upsert=True)


class Kiosks:
    """What was heard of kiosks, and the alerts of those that are silent."""

    def __init__(
        self,
        database: Database,
        devices: Cached[tuple[EnrolledDevice, ...]],
        alerts: Alerts,
        clock: Clock,
    ) -> None:
        """Hold what the work needs.

        Args:
            database: of notify.
            devices: all that are enrolled, read before the first run.
            alerts: that silence raises.
            clock: the present.
        """
        self._database = database
        self._devices = devices
        self._alerts = alerts
        self._clock = clock

    async def handle(self, _partition: int, records: Records) -> None:
        """Take signs of life in; harmless to repeat."""
        signs: dict[str, Sign] = {}
        listening = before = await self._listening()
        for record in records:
            try:
                heartbeat = read(DeviceHeartbeat, record.value or b"")
            except ValidationError:
                # The next one says all that this one did.
                log.exception("%s/%d cannot be read", record.topic, record.offset)
                continue
            name, at = heartbeat.device, heartbeat.sent_at
            if name == GATEWAY:
                listening = listening.on(at) if listening else Listening(at, at)
                continue
            known = signs.get(name, Sign(at))
            queued = known.queued if heartbeat.queued is None else heartbeat.queued
            signs[name] = Sign(max(known.at, at), queued)
        # The kiosks first: up to when was listened, all of them must be known.
        if signs:
            changes = [_noted(device, sign) for device, sign in signs.items()]
            await self._database[KIOSKS].bulk_write(changes, ordered=False)
        if listening is not None and listening != before:
            await self._listened(listening)

    async def _listening(self) -> Listening | None:
        document = await self._database[LISTENING].find_one(_ONE)
        return Listening(document["since"], document["until"]) if document else None

    async def _listened(self, listening: Listening) -> None:
        older = {**_ONE, "until": {"$lt": listening.until}}
        try:
            await self._database[LISTENING].replace_one(
                older, {**_ONE, **listening._asdict()}, upsert=True
            )
        except DuplicateKeyError:
            log.info("another instance has listened longer")

    async def _heard(self) -> Heard | None:
        """What was heard; None while it is not known that anybody listens."""
        listening = await self._listening()
        if listening is None:
            return None
        # Behind the moment: what came in meanwhile is no harm, what is missing would be.
        found = self._database[KIOSKS].find({})
        signs = {one["_id"]: Sign(one["seen_at"], one.get("queued")) async for one in found}
        return Heard(signs, listening)

    async def run(self) -> None:
        """Read the silence of all kiosks by every rule that watches them."""
        heard = await self._heard()
        if heard is None:
            return
        rules = [rule for rule in self._alerts.rules.values() if isinstance(rule, SilentKiosk)]
        silent: set[str] = set()
        for rule in rules:
            silent |= await self._follow(rule, heard)
        self._measure(heard, silent)

    async def _follow(self, rule: SilentKiosk, heard: Heard) -> set[str]:
        """Move the alerts of one rule; the kiosks that are silent by it."""
        found = self._database[ALERTS].find({"rule": rule.id, "open": True})
        alerts = {document["scope"]: to_alert(document) async for document in found}
        said = read_kiosks(rule, kiosks_in_use(self._devices.value), heard)
        for scope in sorted(said.keys() | alerts.keys()):
            step = partial(read_silence, rule, scope, said.get(scope, no_kiosks(heard)))
            await self._alerts.follow(rule, scope, alerts.get(scope), step)
        silences = [one.silence for one in said.values() if one.silence is not None]
        return {kiosk.device for silence in silences for kiosk in silence.kiosks}

    def _measure(self, heard: Heard, silent: set[str]) -> None:
        kiosks = [one for own in kiosks_in_use(self._devices.value).values() for one in own]
        lately = heard.listening.until - LONGEST_GAP
        there = sum(1 for one in kiosks if one.id in heard.signs and heard.since(one) >= lately)
        metrics.NOTIFY_KIOSKS.labels("in_use").set(len(kiosks))
        metrics.NOTIFY_KIOSKS.labels("there").set(there)
        metrics.NOTIFY_KIOSKS.labels("silent").set(len(silent))
        deaf = (self._clock() - heard.listening.until).total_seconds()
        metrics.NOTIFY_DEAF_SECONDS.set(max(0.0, deaf))
