"""`langnghe demo`: the whole main job with real parts, and one office that fails."""

import asyncio
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Annotated, Any

import typer

import deploy.demo
import deploy.registry
from deploy.local.record import read_record
from deploy.local.stack import GATEWAY_PORT, Addresses, Stack
from deploy.local.state import StackState
from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.servers import DataOption
from langnghe.simulate import Load, fields_of, offices_of
from langnghe.up import announce, progress, run_stack, stack_options
from langnghe.verify import settled, verify
from schemas.collections import RESPONSES
from schemas.registry import EntryKind, Registry
from services.gateway.registry.store import load, read_registry, write
from services.runtime.database import Database
from simulator.agency import Agency, Delivery
from simulator.citizens import Citizens, Fall
from simulator.faults import Faults
from simulator.kiosks import Kiosks, kiosks
from simulator.ledger import Ledger
from simulator.watcher import Watcher, watching

DEMO_FOLDER = Path(".langnghe/demo")
DATABASE = "langnghe"
FALLING = "000.00.01.H49"
FALLS_TO = 40.0

_DEMO = Path(deploy.demo.__path__[0])
_REGISTRY = Path(deploy.registry.__path__[0])
_FILES = [*sorted(_REGISTRY.glob("*.csv")), _DEMO / "units.csv"]
_MASTER_KEY = "demo: not a secret, the receiver is on this machine"
_FAULTS = Faults(duplicates=0.02, late=0.005, malformed=0.01)
_FIELDS = 6
_HISTORY_HOURS, _HISTORY_PER_HOUR = 48, 10
_SETTLE_SECONDS = 90.0


@dataclass
class Outcome:
    """What a demo came to; the JSON that `--json` prints."""

    seconds: float
    rate: float
    sent: int
    acknowledged: int
    refused: int
    counted: int
    duplicates: int
    quarantined: Mapping[str, int]
    lost: int
    counted_twice: int
    falling: str
    first_alert_seconds: float | None
    delivered: Mapping[str, int]
    alerts_elsewhere: list[str]
    visible_seconds: Mapping[str, float | int]
    recount_differences: int

    @property
    def good(self) -> bool:
        """Whether everything held that must hold."""
        return (
            self.lost == self.counted_twice == self.recount_differences == 0
            and {"webhook", "email"} <= self.delivered.keys()
            and not self.alerts_elsewhere
        )


def _percentiles(values: list[float]) -> dict[str, float | int]:
    if len(values) < 2:
        return {"answers": len(values)}
    cut = quantiles(values, n=100, method="inclusive")
    return {
        "answers": len(values),
        "p50": round(cut[49], 3),
        "p95": round(cut[94], 3),
        "p99": round(cut[98], 3),
        "max": round(max(values), 3),
    }


async def _load_registry(database: Database, webhook_url: str) -> Registry:
    """The country, and demo units whose webhooks lead to our receiver."""
    entries = await load(database, _FILES)
    await write(
        database,
        [
            entry.model_copy(update={"webhook": f"{webhook_url}/{entry.key}"})
            for entry in entries
            if entry.kind is EntryKind.UNIT
        ],
    )
    return await read_registry(database)


def _show(delivery: Delivery) -> None:
    progress(f"{delivery.channel} arrived at {delivery.scope}: {delivery.state}")
    for line in delivery.text.strip().splitlines()[:6]:
        progress(f"    {line}")


class Demo:
    """One run: history, live load with a falling office, reckoning."""

    def __init__(self, addresses: Addresses, database: Database, agency: Agency) -> None:
        """Hold the parts."""
        self._addresses = addresses
        self._database = database
        self._agency = agency
        self._ledger = Ledger()
        self._fell_at = 0.0

    async def run(self, rate: float, seconds: float | None, seed: int) -> Outcome:
        """Run for some seconds, or until cancelled."""
        progress("loading the registry: 34 provinces, 3,321 communes, 12 one-stop units")
        registry = await _load_registry(self._database, self._agency.webhook_url)
        offices = offices_of(registry, datetime.now(UTC))
        fields = fields_of(registry, datetime.now(UTC))[:_FIELDS]
        async with (
            kiosks(self._addresses.gateway, self._ledger) as sending,
            watching(self._addresses.gateway) as watcher,
        ):
            earlier = Citizens(offices, seed, fields=fields)
            before = await self._history(earlier, sending, watcher)
            duration = seconds if seconds is not None else 24 * 3600.0
            pause = min(15.0, duration / 4)
            self._fell_at = time.monotonic() + pause
            fall = Fall(FALLING, datetime.now(UTC) + timedelta(seconds=pause), FALLS_TO)
            # The live citizens are others than those of the history: another seed.
            citizens = Citizens(offices, seed + 1, fall, fields=fields)
            progress(
                f"{rate:.0f} answers a second; in {pause:.0f} s satisfaction at {FALLING} falls "
                f"from {offices[FALLING].index} % to {FALLS_TO} %"
            )
            load = Load(citizens, sorted(offices), _FAULTS, seed)
            await sending.run(load.next_parcel, rate, duration)
            left = await sending.finish(_SETTLE_SECONDS)
            if left:
                progress(f"{left} answers were not acknowledged")
            await self._settle(watcher)
            latencies = watcher.latencies(self._ledger, sorted(offices), before)
        return await self._outcome(rate, duration, latencies)

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
            counted=balance.counted,
            duplicates=balance.duplicates,
            quarantined=balance.quarantined,
            lost=balance.lost,
            counted_twice=balance.counted_twice,
            falling=FALLING,
            first_alert_seconds=None if first is None else round(first - self._fell_at, 2),
            delivered={
                channel: sum(1 for d in here if d.channel == channel) for channel in channels
            },
            alerts_elsewhere=sorted({d.alert for d in firing if d not in here}),
            visible_seconds=_percentiles(latencies),
            recount_differences=len(report.differences),
        )


def _print(outcome: Outcome, as_json: bool) -> None:
    values: dict[str, Any] = asdict(outcome)
    if as_json:
        results.print(json.dumps(values, ensure_ascii=False, indent=2), markup=False)
        return
    for name, value in values.items():
        results.print(f"{name:>20}: {value}", markup=False)


async def _demo(
    folder: Path, *, port: int, rate: float, seconds: float | None, seed: int, as_json: bool
) -> int:
    agency = Agency(_MASTER_KEY, _show)
    async with agency.listening():
        options = stack_options(
            folder,
            port=port,
            rules=_DEMO / "rules.yaml",
            environment={
                "LANGNGHE_DATABASE": DATABASE,
                "LANGNGHE_WEBHOOK_KEY": _MASTER_KEY,
                "LANGNGHE_SMTP_HOST": "127.0.0.1",
                "LANGNGHE_SMTP_PORT": str(agency.smtp_port),
                "LANGNGHE_MAIL_FROM": "Lắng Nghe <langnghe@demo.invalid>",
            },
        )
        async with Stack(options).running() as addresses:
            announce(addresses)
            database = Database(addresses.mongo_url, DATABASE, application="demo")
            try:
                if await database[RESPONSES].estimated_document_count():
                    notes.print(
                        "this database holds responses already; the demo would mix invented ones "
                        "with them, so it stops. Nothing was changed.",
                        style="red",
                    )
                    return MISUSED
                outcome = await Demo(addresses, database, agency).run(rate, seconds, seed)
            finally:
                database.close()
    _print(outcome, as_json)
    return 0 if outcome.good else FAILED


def command(
    seconds: Annotated[
        float | None,
        typer.Option(
            "--for",
            min=10,
            help="End after so many seconds of load; 45 or more for the "
            "alert to arrive. Without it, run until Ctrl-C",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON")] = False,
    rate: Annotated[float, typer.Option(min=1, help="Answers a second, over all offices")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same answers")] = 2026,
    port: Annotated[int, typer.Option(help="Preferred port of the gateway")] = GATEWAY_PORT,
    data: DataOption = DEMO_FOLDER,
) -> None:
    """Run everything on this machine with invented citizens, and watch one office fail.

    Starts a real Kafka, a real MongoDB and the four services in a fresh folder, sends two days of
    history and then live answers with duplicates, late and malformed ones among them. After 15
    seconds satisfaction at one office falls; its alert arrives at a webhook receiver and in a
    mailbox. With --for, exit 1 if anything was lost, counted twice, differs from a recount, or the
    alert did not arrive where it should and nowhere else.
    """
    state = StackState(data)
    if data.exists() and not read_record(data) and any(data.iterdir()):
        stop(f"{data} holds something that is no stack; choose another --data", MISUSED)

    async def fresh() -> int:
        state.acquire()
        state.release()
        shutil.rmtree(data)
        return await _demo(data, port=port, rate=rate, seconds=seconds, seed=seed, as_json=as_json)

    raise typer.Exit(run_stack(fresh()))
