"""One run of the demo: history, live load with a failing office, reckoning."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from deploy.local.stack import Addresses
from langnghe.demo.outcome import Outcome, percentiles
from langnghe.rehearsal import load_registry
from langnghe.simulate import Load, fields_of, offices_of, telling
from langnghe.up import interruptible, progress
from langnghe.verify import settled, verify
from schemas.device import DeviceKind
from services.gateway.audit import Actor
from services.gateway.devices.store import invite
from services.runtime.database import Database
from simulator.agency import Agency
from simulator.citizens import Citizens, Fall
from simulator.faults import Faults
from simulator.fleet import enrol_fleet
from simulator.kiosks import Kiosks, kiosks
from simulator.ledger import Ledger
from simulator.watcher import Watcher, watching

FALLING = "000.00.01.H49"
FALLS_TO = 40.0
FALLS_AFTER_SECONDS = 15.0

_FAULTS = Faults(duplicates=0.02, late=0.005, malformed=0.01)
_FIELDS = 6
_HISTORY_HOURS, _HISTORY_PER_HOUR = 48, 10
_SETTLE_SECONDS = 90.0


@contextmanager
def _interrupted_by_ctrl_c(stop_sending: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C ends the load and the outcome follows; a second one ends the command."""
    task = asyncio.current_task()
    if task is None:
        raise AssertionError

    def interrupted() -> None:
        progress("the load ends; now the reckoning (Ctrl-C again to leave without it)")
        stop_sending()
        interruptible(task)

    task.get_loop().add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        interruptible(task)


class Demo:
    """One run: history, live load with a falling office, reckoning."""

    def __init__(self, addresses: Addresses, database: Database, agency: Agency) -> None:
        """Hold the parts."""
        self._addresses = addresses
        self._database = database
        self._agency = agency
        self._ledger = Ledger()
        self._fell_at = 0.0

    async def run(self, rate: float, seconds: float, seed: int) -> Outcome:
        """Run for some seconds, or until Ctrl-C; then reckon."""
        progress("loading the registry: 34 provinces, 3,321 communes, 12 one-stop units")
        registry = await load_registry(self._database, self._agency.webhook_url)
        offices = offices_of(registry, datetime.now(UTC))
        fields = fields_of(registry, datetime.now(UTC))[:_FIELDS]
        progress("enrolling a kiosk in each office")
        fleet = await enrol_fleet(self._database, sorted(offices))
        async with (
            kiosks(self._addresses.gateway, self._ledger, fleet) as sending,
            watching(self._addresses.gateway) as watcher,
        ):
            earlier = Citizens(offices, seed, fleet, fields=fields)
            before = await self._history(earlier, sending, watcher)
            pause = min(FALLS_AFTER_SECONDS, seconds / 4)
            self._fell_at = time.monotonic() + pause
            fall = Fall(FALLING, datetime.now(UTC) + timedelta(seconds=pause), FALLS_TO)
            # The live citizens are others than those of the history: another seed.
            citizens = Citizens(offices, seed + 1, fleet, falls=[fall], fields=fields)
            progress(
                f"{rate:.0f} answers a second; in {pause:.0f} s satisfaction at {FALLING} falls "
                f"from {offices[FALLING].index} % to {FALLS_TO} %"
            )
            code = await self._invitation()
            progress(f"take part: {self._addresses.gateway}/kiosk/{FALLING}, with the code {code}")
            load = Load(citizens, sorted(offices), _FAULTS, seed)
            began = time.monotonic()
            with _interrupted_by_ctrl_c(sending.stop):
                async with telling(self._ledger, progress):
                    await sending.run(load.next_parcel, rate, seconds)
            lasted = time.monotonic() - began
            left = await sending.finish(_SETTLE_SECONDS)
            if left:
                progress(f"{left} answers were not acknowledged")
            await self._settle(watcher)
            latencies = [s.waited for s in watcher.sightings(self._ledger, sorted(offices), before)]
        return await self._outcome(rate, round(lasted, 1), latencies)

    async def _invitation(self) -> str:
        """A code with which whoever watches may enrol a browser as a kiosk."""
        return await invite(
            self._database,
            kind=DeviceKind.KIOSK,
            scope=f"unit:{FALLING}",
            name="demo",
            valid_for=timedelta(hours=12),
            actor=Actor(kind="command", name="demo", role="command"),
            now=datetime.now(UTC),
        )

    async def _history(
        self, citizens: Citizens, sending: Kiosks, watcher: Watcher
    ) -> dict[str, int]:
        progress(f"{_HISTORY_HOURS} hours of earlier answers, as from kiosks that were cut off")
        now = datetime.now(UTC) - timedelta(minutes=1)
        await sending.send_history(citizens.history(now, _HISTORY_HOURS, _HISTORY_PER_HOUR))
        await self._settle(watcher)
        return {unit: len(self._ledger.acknowledged_at(unit)) for unit in self._ledger.units}

    async def _settle(self, watcher: Watcher) -> None:
        """Wait until all that was acknowledged is counted, refreshed and shown."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            if (
                await self._ledger.settled(self._database)
                and await settled(self._database)
                and all(
                    watcher.shown(unit) >= len(self._ledger.acknowledged_at(unit))
                    for unit in self._ledger.units
                )
            ):
                return
            await asyncio.sleep(0.2)
        progress(f"not everything has settled within {_SETTLE_SECONDS:.0f} s")

    async def _outcome(self, rate: float, seconds: float, latencies: list[float]) -> Outcome:
        balance = await self._ledger.balance(self._database)
        report = await verify(self._database, patience=30, progress=None)
        firing = [d for d in self._agency.deliveries if d.state == "firing"]
        here = [d for d in firing if d.scope == f"unit:{FALLING}"]
        channels = sorted({d.channel for d in here})
        first = min((d.at for d in here if d.channel == "webhook"), default=None)
        return Outcome(
            seconds=seconds,
            rate=rate,
            sent=self._ledger.sent,
            acknowledged=self._ledger.acknowledged,
            refused=self._ledger.refused,
            **asdict(balance),
            falling=FALLING,
            first_alert_seconds=None if first is None else round(first - self._fell_at, 2),
            delivered={
                channel: sum(1 for d in here if d.channel == channel) for channel in channels
            },
            alerts_elsewhere=sorted({d.alert for d in firing if d not in here}),
            visible_seconds=percentiles(latencies),
            recount_differences=len(report.differences),
        )
