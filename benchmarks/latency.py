"""How long an answer takes from its 202 to its office's index, and to the alert that it tips.

`python -m benchmarks.latency`: the whole stack on this machine, answers handed in one by one at
times fixed beforehand (an open loop: a slow system does not slow the citizens), by a rule with
`for: 0s`, at three rates. Each failing office stands one answer short of an alert, so it is known
which answer tips it, and it is that one that is followed, as far as the
agency's webhook.
"""

import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from rich.progress import track

from benchmarks import backlog
from benchmarks.measuring import command
from langnghe.console import notes
from langnghe.demo.outcome import percentiles
from schemas.registry import EntryKind
from simulator.watcher import watching
from tests.builders import response
from tests.devices import named, post
from tests.servers import eventually
from tests.stack import Running, below_target, running_stack

RULES: Final = below_target(for_="0s", keep_firing_for="1h")
SHORT_OF_AN_ALERT: Final = 29
"""Bad answers that each failing office has beforehand; the rule wants 30 before it speaks."""
RATES: Final = (50, 200, 1000)
"""Answers a second."""
STEADY: Final = 300
"""Offices that do well."""


class Load:
    """Answers at a steady rate, every few of them one that tips an office."""

    def __init__(self, stack: Running, failing: list[str], steady: list[str]) -> None:
        self._stack = stack
        self._failing = failing
        self._steady = cycle(steady)
        self.acknowledged: dict[str, float] = {}
        self.took: list[float] = []
        self.late: list[float] = []

    async def prepare(self) -> None:
        """Bring each failing office one answer short of an alert."""
        for unit in track(self._failing, "offices", console=notes):
            await self._stack.hand_in(*(self._answer(unit, 1) for _ in range(SHORT_OF_AN_ALERT)))

        async def shown() -> bool:
            path = f"/v1/indices/unit:{self._failing[-1]}"
            async with self._stack.session.get(self._stack.addresses.gateway + path) as answer:
                n: int = (await answer.json())["windows"]["24h"]["current"]["n"]
                return n == SHORT_OF_AN_ALERT

        await eventually(shown, "all that was handed in is counted", within=120)

    @staticmethod
    def _answer(unit: str, level: int) -> dict[str, object]:
        now = datetime.now(UTC).isoformat()
        return response(unit=unit, answers={"overall": level}, occurred_at=now)

    async def _hand_in(self, unit: str, level: int, due: float) -> None:
        body = json.dumps(named(self._stack.signer, self._answer(unit, level))).encode()
        self.late.append(time.monotonic() - due)
        status, text = await post(
            self._stack.session,
            self._stack.addresses.gateway,
            self._stack.signer,
            "/v1/feedback",
            body,
        )
        if status != 202:
            msg = f"an answer was not taken: {status} {text}"
            raise RuntimeError(msg)
        now = time.monotonic()
        self.took.append(now - due)
        if level == 1:
            self.acknowledged[unit] = now

    async def run(self, rate: float, seconds: float) -> None:
        """Hand in at the rate; the failing offices' answers spread evenly over the time."""
        count = int(rate * seconds)
        tips = {int((n + 0.5) * count / len(self._failing)): u for n, u in enumerate(self._failing)}
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in track(range(count), f"{rate:.0f} a second", console=notes):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                unit = tips.get(number)
                level = 5 if unit is None else 1
                group.create_task(self._hand_in(unit or next(self._steady), level, due))


async def _at(rate: float, seconds: float, alerts: int, folder: Path) -> dict[str, Any]:
    failing = [backlog.unit(number) for number in range(alerts)]
    steady = [backlog.unit(alerts + number) for number in range(STEADY)]
    async with running_stack(folder, RULES) as stack:
        hook = f"{stack.agency.webhook_url}/unit:"
        await stack.load(
            [
                entry.model_copy(update={"webhook": hook + entry.code})
                if entry.kind is EntryKind.UNIT
                else entry
                for entry in backlog.registry(alerts + STEADY)
            ]
        )
        load = Load(stack, failing, steady)
        await load.prepare()
        async with watching(stack.addresses.gateway) as watcher:
            await load.run(rate, seconds)

            async def all_told() -> bool:
                return len({one.scope for one in stack.agency.deliveries}) == alerts

            await eventually(all_told, "every agency was told", within=120)
            shown = {u: watcher.shown_at(u, SHORT_OF_AN_ALERT + 1) for u in failing}
        told = {one.scope.removeprefix("unit:"): one.at for one in stack.agency.deliveries}
    since = load.acknowledged
    return {
        "answers": int(rate * seconds),
        "seconds_until_202": percentiles(load.took),
        "seconds_from_202_to_index": percentiles(
            [max(0.0, at - since[unit]) for unit, at in shown.items() if at is not None]
        ),
        "seconds_from_202_to_webhook": percentiles([told[unit] - since[unit] for unit in failing]),
        "seconds_that_the_load_was_late": percentiles(load.late),
    }


async def run(seconds: float, alerts: int) -> dict[str, Any]:
    """Each rate on a stack of its own."""
    found = {}
    for rate in RATES:
        with tempfile.TemporaryDirectory(prefix="langnghe-bench-") as folder:
            found[f"{rate} a second"] = await _at(rate, seconds, alerts, Path(folder) / "stack")
    return {"seconds": seconds, "alerts": alerts, "rates": found}


if __name__ == "__main__":
    command(__doc__, run, seconds=60.0, alerts=300)
