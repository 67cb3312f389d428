"""Common ground of the model-based tests: real servers, and a loop that outlives each history."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from services.runtime.database import Database
from services.runtime.producer import Producer
from tests.servers import DATABASE, Servers, reset

Result = TypeVar("Result")


class CrashError(Exception):
    """The process dies here."""


@dataclass(frozen=True)
class World:
    """Servers that were emptied once, and what a service holds of them."""

    runner: asyncio.Runner
    servers: Servers
    database: Database
    producer: Producer

    def run(self, work: Awaitable[Result]) -> Result:
        """Run to the end."""

        async def wait() -> Result:
            return await work

        return self.runner.run(wait())


@contextmanager
def world_of(servers: Servers, service: str) -> Iterator[World]:
    """A world for one service."""
    with asyncio.Runner() as runner:
        runner.run(reset(servers))
        database = Database(servers.mongo_url, DATABASE, application="model")
        producer = Producer(servers.kafka_url, service)
        runner.run(producer.start())
        runner.run(producer.connected())
        yield World(runner, servers, database, producer)
        runner.run(producer.stop())
        database.close()


def play(machine: type[RuleBasedStateMachine], *, histories: int, steps: int) -> None:
    """Let Hypothesis invent histories, the same ones every time."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
