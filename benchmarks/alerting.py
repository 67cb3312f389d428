"""How long an agency waits for an alert: from the 202 of the answer that tips it to its webhook.

`python -m benchmarks.alerting`: the whole stack on this machine, answers handed in one by one at
times fixed beforehand (an open loop: a slow system does not slow the citizens), by a rule with
`for: 0s`. Each failing office stands one answer short of an alert, so it is known which tips it.
"""

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from rich.progress import track

from langnghe.console import notes
from langnghe.demo.outcome import percentiles
from schemas.registry import EntryKind
from tests.builders import entry, response
from tests.devices import named, post
from tests.servers import eventually
from tests.stack import Running, below_target, running_stack

RULES = below_target(for_="0s", keep_firing_for="1h")
SHORT_OF_AN_ALERT = 29
"""Bad answers that each failing office has beforehand; the rule wants 30 before it speaks."""


def office(number: int) -> str:
    return f"{number // 10_000:03d}.{number // 100 % 100:02d}.{number % 100:02d}.H01"


class Load:
    """Answers at a steady rate, every few of them one that tips an office."""

    def __init__(self, stack: Running, failing: list[str], steady: list[str]) -> None:
        self._stack = stack
        self._failing = failing
        self._steady = cycle(steady)
        self.acknowledged: dict[str, float] = {}
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
        if level == 1:
            self.acknowledged[unit] = time.monotonic()

    async def run(self, rate: float, seconds: float) -> None:
        """Hand in at the rate; the failing offices' answers spread evenly over the time."""
        count = int(rate * seconds)
        tips = {int((n + 0.5) * count / len(self._failing)): u for n, u in enumerate(self._failing)}
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in track(range(count), "answers", console=notes):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                unit = tips.get(number)
                level = 5 if unit is None else 1
                group.create_task(self._hand_in(unit or next(self._steady), level, due))


async def run(rate: float, seconds: float, alerts: int) -> dict[str, object]:
    failing = [office(number) for number in range(alerts)]
    steady = [office(alerts + number) for number in range(300)]
    with tempfile.TemporaryDirectory(prefix="langnghe-bench-") as folder:
        async with running_stack(Path(folder) / "stack", RULES) as stack:
            hook = f"{stack.agency.webhook_url}/unit:"
            await stack.load(
                [
                    entry(EntryKind.PROVINCE, "01"),
                    *(
                        entry(EntryKind.UNIT, unit, "province:01", webhook=hook + unit)
                        for unit in (*steady, *failing)
                    ),
                ]
            )
            load = Load(stack, failing, steady)
            await load.prepare()
            await load.run(rate, seconds)

            async def all_told() -> bool:
                return len({one.scope for one in stack.agency.deliveries}) == alerts

            await eventually(all_told, "every agency was told", within=120)
            waited = [
                one.at - load.acknowledged[one.scope.removeprefix("unit:")]
                for one in stack.agency.deliveries
            ]
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "rate": rate,
        "answers": int(rate * seconds),
        "alerts": len(waited),
        "seconds_from_202_to_webhook": percentiles(waited),
        "seconds_that_the_load_was_late": percentiles(load.late),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200, help="answers a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--alerts", type=int, default=300, help="offices that fall meanwhile")
    arguments = parser.parse_args()
    outcome = asyncio.run(run(arguments.rate, arguments.seconds, arguments.alerts))
    print(json.dumps(outcome, indent=2))


if __name__ == "__main__":
    main()
