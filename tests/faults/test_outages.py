"""What people and partners meet while a part is away, beside what test_chaos.py does."""

import signal
from datetime import UTC, datetime
from random import Random

from aiokafka import AIOKafkaProducer

from deploy.local.process import Process
from deploy.local.stack import SERVICES
from langnghe.verify import settled, verify
from simulator.citizens import Citizens, Office
from simulator.faults import Faults, Parcel, pack
from simulator.fleet import Fleet, enrol_fleet
from simulator.kiosks import Kiosks, kiosks
from simulator.ledger import Ledger
from tests.builders import OTHER_UNIT, UNIT, response
from tests.servers import eventually
from tests.stack import Running

RATE = 40
FAULTS = Faults(duplicates=0.05, late=0.02, malformed=0.02)


class Load:
    """Kiosks of two offices that send all the while."""

    def __init__(self, running: Running, sending: Kiosks, ledger: Ledger, fleet: Fleet) -> None:
        offices = {unit: Office(unit, 84) for unit in (UNIT, OTHER_UNIT)}
        self._citizens = Citizens(offices, 1, fleet, fields=["ho-tich"])
        self._units = sorted(offices)
        self._random = Random(1)
        self._running = running
        self.sending = sending
        self.ledger = ledger

    def next_parcel(self) -> Parcel:
        now = datetime.now(UTC)
        answer = self._citizens.answer(self._random.choice(self._units), now)
        return pack(answer, FAULTS, self._random, now)

    async def flow(self, seconds: float) -> None:
        await self.sending.run(self.next_parcel, RATE, seconds)

    async def reckon(self) -> None:
        """Everything acknowledged is counted once, and a recount agrees."""
        assert await self.sending.finish(60) == 0, "every kiosk was acknowledged in the end"
        database = self._running.database

        async def quiet() -> bool:
            return await self.ledger.settled(database) and await settled(database)

        await eventually(quiet, "everything acknowledged has settled", within=60)
        balance = await self.ledger.balance(database)
        assert balance.exact, balance
        assert balance.counted == self.ledger.to_count
        report = await verify(database, patience=20, progress=None)
        assert report.differences == []


def process(running: Running, name: str) -> Process:
    return next(p for p in running.stack.supervisor.processes if p.name == name)


async def test_while_kafka_is_down_kiosks_are_told_to_come_back_and_pages_still_read(
    stack: Running,
) -> None:
    gateway = stack.addresses.gateway
    process(stack, "kafka").signal(signal.SIGSTOP)

    async def told() -> bool:
        return await stack.hand_in(response()) == 503

    await eventually(told, "503 with Retry-After")

    async def ready_says_so() -> bool:
        async with stack.session.get(
            f"{stack.addresses.operations['gateway']}/health/ready"
        ) as answer:
            return answer.status == 503 and "does not answer" in await answer.text()

    await eventually(ready_says_so, "the gateway knows, so the next refusals come at once")
    async with stack.session.get(f"{gateway}/v1/indices/unit:{UNIT}") as answer:
        assert answer.status == 200
    process(stack, "kafka").signal(signal.SIGCONT)

    async def taken() -> bool:
        now = datetime.now(UTC).isoformat()
        return await stack.hand_in(response(occurred_at=now)) == 202

    await eventually(taken, "answers are taken again")


async def test_malformed_records_straight_on_the_topic_stop_nothing(stack: Running) -> None:
    """A partner that writes to Kafka itself may write anything."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.addresses.kafka_url)
    await producer.start()
    try:
        for topic in ("feedback.submitted.v1", "feedback.accepted.v1", "index.updated.v1"):
            for value in (b"", b"{", b"\xff" * 100, b"[" * 5000, b'{"id": 1}', b"null"):
                for partition in range(4):
                    await producer.send_and_wait(topic, value, b"any", partition=partition)
    finally:
        await producer.stop()
    ledger = Ledger()
    fleet = await enrol_fleet(stack.database, [UNIT, OTHER_UNIT])
    async with kiosks(stack.addresses.gateway, ledger, fleet) as sending:
        load = Load(stack, sending, ledger, fleet)
        await load.flow(4)
        await load.reckon()
    running = {name for name in SERVICES if process(stack, name).running}
    assert running == set(SERVICES)
    restarts = [line for line in stack.log if "starting again" in line]
    assert restarts == []
