"""A process put together: servers, consumers, periodic tasks, health, and their order of start."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from faststream.kafka import KafkaBroker
from starlette.applications import Starlette
from starlette.types import ASGIApp

from schemas.flow import FLOWS
from schemas.topics import Topic
from services.runtime import identity, metrics, tracing
from services.runtime.cached import UnreadError
from services.runtime.clock import Clock
from services.runtime.consumer import Handle, PartitionConsumer, Release, Resume, Tail, follow
from services.runtime.database import Database, DatabaseError, reason
from services.runtime.health import Health
from services.runtime.producer import Producer
from services.runtime.security import broker_security, kafka_security
from services.runtime.settings import Settings

log = logging.getLogger(__name__)

_WORST_BATCH_SECONDS = 30
_RETRY_SECONDS = 1.0

Work = Callable[[], Awaitable[None]]


class _Periodic(NamedTuple):
    name: str
    seconds: float
    work: Work
    at_once: bool


class Service:
    """One of the four services, as a process."""

    def __init__(self, name: str, settings: Settings, clock: Clock) -> None:
        """Prepare everything; nothing is contacted until the application starts.

        Args:
            name: as in schemas/flow.py.
            settings: of this process.
            clock: the present.
        """
        self.name = name
        self.settings = settings
        self.clock = clock
        self.health = Health(name)
        self.database = Database.of(settings, application=name)
        self.producer = Producer(settings.kafka_url, name, kafka_security(settings))
        self.broker = KafkaBroker(
            settings.kafka_url.split(","),
            client_id=f"langnghe-{name}",
            security=broker_security(settings),
            # Producing goes through `producer`; FastStream's own would be an idle connection.
            consumer_only=True,
            allow_auto_create_topics=False,
            graceful_timeout=_WORST_BATCH_SECONDS,
            logger=logging.getLogger("services.runtime.faststream"),
            log_level=logging.DEBUG,
        )
        self._consumers: list[PartitionConsumer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._contexts: list[Callable[[], AbstractAsyncContextManager[None]]] = []
        self._starters: list[Work] = []
        self._periodic: list[_Periodic] = []
        self._join_problem: str | None = "still starting"
        self._database_problem: str | None = "not asked yet"
        self.health.ready_while("start", lambda: self._join_problem)
        self.health.ready_while("kafka", self.producer.unavailable)
        self.health.ready_while("mongodb", lambda: self._database_problem)
        self.every(_RETRY_SECONDS, "lag", self._measure_lag)
        self.every(2.0, "mongodb", self._ping_database, at_once=True)

    def consume(
        self,
        topic: Topic,
        handle: Handle,
        *,
        resume: Resume | None = None,
        release: Release | None = None,
    ) -> PartitionConsumer:
        """Read a topic of this service's flow; see PartitionConsumer for the promises.

        Raises:
            ValueError: when the topic is not in the flow.
        """
        self._check_receives(topic)
        consumer = PartitionConsumer(
            self.broker,
            service=self.name,
            topic=topic.name,
            handle=handle,
            resume=resume,
            release=release,
        )
        self._consumers.append(consumer)
        self.health.live_while(f"consumer {topic.name}", consumer.stuck)
        self.health.ready_while(f"going on with {topic.name}", consumer.halted)
        return consumer

    def follow(self, topic: Topic, handle: Tail) -> None:
        """Read a topic of this service's flow from now on, every instance all of it.

        For showing what happens: nothing is committed, and what came before the start is not seen.
        """
        self._check_receives(topic)
        follow(self.broker, topic.name, handle)

    def within(self, context: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        """Hold a resource open as long as the process runs."""
        self._contexts.append(context)

    def first(self, work: Work) -> None:
        """Run work once the servers answer, before anything is consumed."""
        self._starters.append(work)

    def every(self, seconds: float, name: str, work: Work, *, at_once: bool = False) -> None:
        """Run work again and again, `seconds` after it last ended; a failure is logged.

        It begins when the servers answer and are the right ones; `at_once` is for work that only
        reads and can bear their absence.
        """
        self._periodic.append(_Periodic(name, seconds, work, at_once))

    def _check_receives(self, topic: Topic) -> None:
        if topic not in FLOWS[self.name].receives:
            msg = f"{self.name} does not receive {topic.name}: declare it in schemas/flow.py"
            raise ValueError(msg)

    async def _measure_lag(self) -> None:
        for consumer in self._consumers:
            consumer.measure_lag()

    async def _ping_database(self) -> None:
        try:
            await self.database.ping()
        except DatabaseError as error:
            self._database_problem = f"MongoDB does not answer: {reason(error)}"
        else:
            self._database_problem = None

    async def _repeat(self, task: _Periodic) -> None:
        while True:
            try:
                await task.work()
            except UnreadError as error:  # whoever reads it says why it cannot
                log.debug("%s waits: %s", task.name, error)
            except Exception:  # the next run tries again
                metrics.TASK_FAILURES.labels(self.name, task.name).inc()
                log.exception("%s failed, it runs again in %.1f s", task.name, task.seconds)
            await asyncio.sleep(task.seconds)

    async def _join(self) -> None:
        """Wait for the servers, make sure they are the right ones, then begin to consume."""
        await self.producer.connected()
        while True:
            try:
                kafka = await identity.cluster_id(
                    self.settings.kafka_url, kafka_security(self.settings)
                )
                await identity.check(self.database, kafka)
                for work in self._starters:
                    await work()
                await self.broker.start()
            except identity.IdentityError as error:
                self._join_problem = str(error)
                log.critical("%s", error)
                await self.producer.stop()
                return
            except Exception as error:  # noqa: BLE001  # nothing may end this task silently
                log.warning("waiting for Kafka and MongoDB: %r", error)
                await self.broker.stop()
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        self._join_problem = None
        self._tasks += [
            asyncio.create_task(self._repeat(task)) for task in self._periodic if not task.at_once
        ]
        log.info("%s is up", self.name)

    @asynccontextmanager
    async def running(self, _: ASGIApp | None = None) -> AsyncIterator[None]:
        """The life of the process, as an ASGI lifespan.

        HTTP is served at once, so that health can tell what is missing; the work begins when Kafka
        and MongoDB answer and belong together.
        """
        async with AsyncExitStack() as resources:
            traces = tracing.exporting(self.name, self.settings.traces)
            await resources.enter_async_context(traces)
            for context in self._contexts:
                await resources.enter_async_context(context())
            async with self._working():
                yield

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        await self.producer.start()
        self._tasks = [
            asyncio.create_task(self._join()),
            *(asyncio.create_task(self._repeat(task)) for task in self._periodic if task.at_once),
        ]
        try:
            yield
        finally:
            # First no more records, then no more tasks, then no more connections.
            await self.broker.stop()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.producer.stop()
            self.database.close()
            log.info("%s is down", self.name)

    def app(self) -> ASGIApp:
        """The application of a service that only consumes: what operations need, over HTTP."""
        return Starlette(routes=self.health.routes(), lifespan=self.running)
