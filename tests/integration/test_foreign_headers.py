"""Headers of a record are what its sender wrote: none of them keeps a batch from the handler."""

from aiokafka import AIOKafkaProducer

from schemas.topics import FEEDBACK_SUBMITTED
from services.runtime.clock import system_clock
from services.runtime.consumer import Records
from services.runtime.service import Service
from tests.servers import Servers, eventually

HEADERS: list[list[tuple[str, bytes | None]]] = [
    [],
    [("ce_id", None)],
    [("ce_id", b"\xff\xfe")],
    [("reply_to", b"index.updated.v1")],  # FastStream would answer there
    [("content-type", b"application/json"), ("ce_id", b"1"), ("ce_id", b"2")],
]


async def test_a_record_with_strange_headers_is_dealt_with_like_any(servers: Servers) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers.kafka_url)
    await producer.start()
    for number, headers in enumerate(HEADERS):
        value = str(number).encode()
        await producer.send_and_wait(FEEDBACK_SUBMITTED.name, value, partition=0, headers=headers)
    await producer.stop()
    seen: list[bytes] = []

    async def handle(_partition: int, records: Records) -> None:
        seen.extend(record.value for record in records)

    service = Service("ingest", servers.settings(), system_clock)
    service.consume(FEEDBACK_SUBMITTED, handle)
    async with service.running():

        async def all_there() -> bool:
            return len(seen) == len(HEADERS)

        await eventually(all_there, "every record is handed over")
    assert seen == [str(number).encode() for number in range(len(HEADERS))]
