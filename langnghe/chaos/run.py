"""One run: kiosks send while faults strike, then everything comes to rest and is reckoned."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from statistics import median

from deploy.local.stack import Addresses
from langnghe.chaos.faults import Mischief
from langnghe.chaos.outcome import Outcome, judge_alerts
from langnghe.chaos.schedule import Fault
from langnghe.simulate import Load, telling
from langnghe.verify import settled, verify
from services.runtime.database import Database
from simulator.agency import Agency
from simulator.citizens import Citizens, Fall, Office
from simulator.faults import Faults
from simulator.fleet import enrol_fleet
from simulator.kiosks import kiosks
from simulator.ledger import Ledger
from simulator.watcher import Sighting, watching

_FALLS_TO = 20.0
_FALLING = 3
_FAULTS = Faults(duplicates=0.03, late=0.01, malformed=0.02)
_PATIENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        seed: of all chance.
        events: answers to send, before any is repeated.
        seconds: that they are spread over.
        faults: that strike meanwhile.
    """

    seed: int
    events: int
    seconds: float
    faults: Sequence[Fault]


class Chaos:
    """One run against one stack."""

    def __init__(
        self, addresses: Addresses, database: Database, agency: Agency, tell: Callable[[str], None]
    ) -> None:
        """Hold the parts.

        Args:
            addresses: of the stack.
            database: of the stack, reached by a way that no fault touches.
            agency: that all alerts go to.
            tell: gets a line of progress.
        """
        self._addresses = addresses
        self._database = database
        self._agency = agency
        self._tell = tell
        self._ledger = Ledger()

    async def run(
        self,
        plan: Plan,
        mischief: Mischief,
        offices: dict[str, Office],
        *,
        listening: list[str],
        fields: list[str],
    ) -> Outcome:
        """Run the plan and reckon.

        Args:
            plan: what to do.
            mischief: does the faults.
            offices: that answers come from.
            listening: offices that can be told by webhook and by e-mail; some of them fall.
            fields: service fields that answers name.
        """
        random = Random(f"falls/{plan.seed}")  # noqa: S311
        falling = random.sample(listening, _FALLING)
        started, span = datetime.now(UTC), timedelta(seconds=plan.seconds)
        falls = [
            Fall(unit, started + random.uniform(0.1, 0.4) * span, _FALLS_TO) for unit in falling
        ]
        fleet = await enrol_fleet(self._database, sorted(offices))
        citizens = Citizens(offices, plan.seed, fleet, falls=falls, fields=fields)
        load = Load(citizens, sorted(offices), _FAULTS, plan.seed)
        gateway = self._addresses.gateway
        async with (
            kiosks(gateway, self._ledger, fleet) as sending,
            watching(gateway) as watcher,
        ):
            async with telling(self._ledger, self._tell), asyncio.TaskGroup() as group:
                rate = plan.events / plan.seconds
                group.create_task(sending.run(load.next_parcel, rate, plan.seconds))
                group.create_task(mischief.run(plan.faults))
            self._tell("nothing is harmed any more; waiting for quiet")
            left = await sending.finish(_PATIENCE_SECONDS)
            await self._rest(falling)
            sightings = watcher.sightings(self._ledger, sorted(offices), {})
        return await self._outcome(plan, falling, left, sightings, mischief.ended_at)

    async def _rest(self, falling: list[str]) -> None:
        """Wait until all is counted and told, or it has taken too long."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        said = ""
        while waiting := await self._waiting_for(falling):
            if time.monotonic() > deadline:
                self._tell(f"given up waiting: {waiting}")
                return
            if waiting != said:
                self._tell(waiting)
                said = waiting
            await asyncio.sleep(0.5)

    async def _waiting_for(self, falling: list[str]) -> str:
        if not await self._ledger.settled(self._database):
            return "answers are still to be counted or set aside"
        if not await settled(self._database):
            return "indices are still to be refreshed"
        missed = judge_alerts(falling, self._agency.deliveries).missed
        return f"still to be told of: {', '.join(missed)}" if missed else ""

    async def _outcome(
        self,
        plan: Plan,
        falling: list[str],
        left: int,
        sightings: list[Sighting],
        ended_at: list[float],
    ) -> Outcome:
        balance = await self._ledger.balance(self._database)
        report = await verify(self._database, patience=_PATIENCE_SECONDS, progress=None)
        moments = sorted(
            moment for unit in self._ledger.units for moment in self._ledger.acknowledged_at(unit)
        )
        recoveries = [_recovery(end, sightings) for end in ended_at]
        return Outcome(
            seed=plan.seed,
            seconds=round(plan.seconds, 1),
            schedule=[f"{fault.at:.1f} s: {fault}" for fault in plan.faults],
            sent=self._ledger.sent,
            acknowledged=self._ledger.acknowledged,
            unacknowledged=left,
            refused=self._ledger.refused,
            **asdict(balance),
            recount_differences=report.differences,
            alerts=judge_alerts(falling, self._agency.deliveries),
            longest_stall_seconds=round(max((s.waited for s in sightings), default=0.0), 2),
            longest_refusal_seconds=round(max((b - a for a, b in pairwise(moments)), default=0), 2),
            recovery_seconds={
                "median": round(median(recoveries), 2) if recoveries else 0.0,
                "max": round(max(recoveries, default=0.0), 2),
            },
        )


def _recovery(end: float, sightings: list[Sighting]) -> float:
    """From a fault's end until everything that was acknowledged before is visible, in seconds."""
    seen = [s.visible_at for s in sightings if s.acknowledged_at <= end]
    return max(0.0, max(seen, default=end) - end)
