"""What the public's page costs when the whole country is behind it.

`python -m benchmarks.dashboard`: scoring and a gateway stand on a country's offices, and Chromium
opens the page: seconds to the first row, what was sent, the gateway's processor time. Then answers
come evenly: which share of the time the page's own thread is busy, and the gateway, with the page
as it opens and, beside it, with the offices of every province shown. Last, what the gateway takes
for many who follow the same changes.
"""

import asyncio
import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

import aiohttp
from playwright.async_api import Page, Response, async_playwright
from rich.progress import Progress

from benchmarks import backlog
from benchmarks.backlog import Spell
from benchmarks.measuring import Watched, command
from benchmarks.ours import anew, ours, ready, seen
from deploy.local import ports
from langnghe.console import notes
from schemas.topics import FEEDBACK_ACCEPTED
from services.gateway.registry.store import write
from services.runtime.database import Database
from tests.servers import DATABASE, Servers, eventually, find_servers, keeping
from tests.tools import tool

_BEHIND_EACH: Final = 100
_PATIENCE: Final = 900.0
_SETTLE_SECONDS: Final = 5.0
_CLOSED: Final = '.opens[aria-expanded="false"]'

Shares = dict[str, float]


class Flow:
    """The answers that come: what stands behind first, then so many a second."""

    def __init__(self, servers: Servers, units: int, behind: int, later: int) -> None:
        self._servers = servers
        spells = backlog.until_now(behind), Spell(later, timedelta(seconds=60))
        self._answers = backlog.accepted_answers(units, *spells)

    async def hand_in(self, count: int, progress: Progress) -> None:
        """Write the next answers."""
        await backlog.fill(
            self._servers.kafka_url, FEEDBACK_ACCEPTED, self._answers, count, progress
        )

    async def evenly(self, a_second: int, seconds: int) -> None:
        """Write some each second."""
        with Progress(console=notes, disable=True) as silent:
            for _ in range(seconds):
                began = time.monotonic()
                await self.hand_in(a_second, silent)
                await asyncio.sleep(max(0.0, 1 - (time.monotonic() - began)))


async def _opened(page: Page, url: str, gateway: Watched) -> dict[str, float]:
    """Open the page."""
    sent = 0

    async def count(response: Response) -> None:
        nonlocal sent
        if "/v1/indices" in response.url:
            sent += len(await response.body())

    page.on("response", count)
    before, began = gateway.cpu_seconds(), time.monotonic()
    await page.goto(url, wait_until="commit")
    await page.wait_for_selector("#places tr.group")
    first_row = time.monotonic() - began
    await asyncio.sleep(_SETTLE_SECONDS)
    page.remove_listener("response", count)
    return {
        "seconds_to_first_row": round(first_row, 2),
        "mb_of_indices": round(sent / 1e6, 2),
        "gateway_cpu_seconds": round(gateway.cpu_seconds() - before, 2),
    }


async def _show_all(page: Page) -> None:
    """Open every province, one after another."""
    while await page.locator(_CLOSED).count():
        opens = page.locator(_CLOSED).first
        label = await opens.get_attribute("aria-label")
        await opens.dispatch_event("click")
        await page.wait_for_selector(f'.opens[aria-label="{label}"][aria-expanded="true"]')
    await asyncio.sleep(_SETTLE_SECONDS)


async def _moving(page: Page, gateway: Watched, coming: Coroutine[Any, Any, None]) -> Shares:
    """Watch the page while answers come."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")

    async def busy() -> float:
        found = await session.send("Performance.getMetrics")
        return float(next(m["value"] for m in found["metrics"] if m["name"] == "TaskDuration"))

    rows = await page.locator("#places tbody tr").count()
    began, before, busy_before = time.monotonic(), gateway.cpu_seconds(), await busy()
    await coming
    seconds = time.monotonic() - began
    return {
        "rows": rows,
        "page_busy": round((await busy() - busy_before) / seconds, 3),
        "gateway_busy": round((gateway.cpu_seconds() - before) / seconds, 3),
    }


async def _followed(
    url: str, followers: int, gateway: Watched, coming: Coroutine[Any, Any, None]
) -> Shares:
    """Let many follow what the page follows as it opens, while answers come."""
    received = 0

    async def follow(session: aiohttp.ClientSession) -> None:
        nonlocal received
        async with session.get(f"{url}v1/live?kind=country&kind=province&kind=ministry") as stream:
            async for some in stream.content.iter_any():
                received += len(some)

    endless = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=endless
    ) as session:
        following = [asyncio.create_task(follow(session)) for _ in range(followers)]
        await asyncio.sleep(_SETTLE_SECONDS)
        began, before, received = time.monotonic(), gateway.cpu_seconds(), 0
        await coming
        seconds = time.monotonic() - began
        busy = gateway.cpu_seconds() - before
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    return {
        "followers": followers,
        "kb_a_second_each": round(received / seconds / 1000 / max(followers, 1), 1),
        "gateway_busy": round(busy / seconds, 3),
    }


async def run(units: int, rate: int, seconds: int, followers: int) -> dict[str, Any]:
    """Both ways of looking at one country."""
    chromium = tool(("chromium", "chromium-browser"), "the page is", "chromium")
    behind = _BEHIND_EACH * units
    http, operations = ports.choose(), ports.choose()
    at = {"LANGNGHE_HTTP_PORT": str(http), "LANGNGHE_OPS_PORT": str(operations)}
    async with find_servers() as servers:
        with keeping(servers.mongo_url):
            await anew(servers)
            database = Database(servers.mongo_url, DATABASE, application="benchmark")
            try:
                await write(database, backlog.registry(units))
                flow = Flow(servers, units, behind, 4 * rate * seconds)
                with Progress(console=notes) as progress:
                    await flow.hand_in(behind, progress)

                async def visible() -> bool:
                    return await seen(database) >= behind

                async with (
                    ours("scoring", servers),
                    ours("gateway", servers, **at) as gateway,
                    async_playwright() as playwright,
                ):
                    await eventually(visible, "all answers are seen", within=_PATIENCE)
                    await ready(gateway, operations)
                    browser = await playwright.chromium.launch(
                        executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
                    )
                    page, url = await browser.new_page(), f"http://127.0.0.1:{http}/"
                    opening = await _opened(page, url, gateway)
                    notes.print(f"to open: {opening}")
                    moving = {}
                    for what in ("as it opens", "every office shown"):
                        moving[what] = await _moving(page, gateway, flow.evenly(rate, seconds))
                        notes.print(f"{what}: {moving[what]}")
                        await _show_all(page)
                    await browser.close()
                    followed = {}
                    for count in (0, followers):
                        coming = flow.evenly(rate, seconds)
                        followed[count] = await _followed(url, count, gateway, coming)
                        notes.print(f"followed: {followed[count]}")
            finally:
                database.close()
    return {
        "offices": units,
        "answers_a_second": rate,
        "to_open": opening,
        "moving": moving,
        "followed": list(followed.values()),
    }


if __name__ == "__main__":
    command(__doc__, run, units=3321, rate=50, seconds=20, followers=300)
