"""After a run full of personal data, none of it is on a topic, in a log or in a trace."""

import asyncio
import base64
import json
import secrets
import signal
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from aiokafka import AIOKafkaProducer

from deploy.local.stack import SERVICES
from schemas.collections import QUARANTINE, RESPONSES
from schemas.topics import FEEDBACK_SUBMITTED
from services.gateway.contacts.store import CONTACTS
from services.notify.storage import OUTBOX
from tests.builders import UNIT, response, small_registry
from tests.collector import Collector
from tests.faults.planted import FEEDBACK, Planted, Shot, everything_on_topics, shots
from tests.faults.test_outages import process
from tests.servers import eventually
from tests.stack import Running, below_target, running_stack

FAILURE = "are not done, they will be tried again"
RULES = below_target(for_="0s", keep_firing_for="1h")


async def send(stack: Running, shot: Shot) -> int:
    """Send it, again while the gateway says to come back; the last status.

    What goes to the intake is signed.
    """
    url = stack.addresses.gateway + shot.path
    signed = shot.method == "POST" and shot.path.startswith(FEEDBACK)
    path = shot.path.partition("?")[0]
    statuses: list[int] = []

    async def dealt_with() -> bool:
        headers = stack.signer.headers("POST", path, shot.body) if signed else {}
        async with stack.session.request(
            shot.method, url, data=shot.body, headers=headers | dict(shot.headers)
        ) as answer:
            await answer.read()
            statuses.append(answer.status)
        return answer.status != 503

    await eventually(dealt_with, f"{shot.method} {shot.path} is dealt with", within=60)
    return statuses[-1]


async def break_the_protocol(stack: Running, text: str) -> None:
    """What is not even HTTP."""
    address = urlsplit(stack.addresses.gateway)
    for line in (
        f"GET /{text} HTTP/9.9\r\n\r\n",
        f"{text}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{text}\r\n",
    ):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(line.encode())
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()


async def write_to_the_topic(stack: Running, planted: Planted) -> None:
    """A partner that writes to Kafka itself; what it writes is on that topic, and nowhere else."""
    text = planted.all_three("straight on the topic")
    now = datetime.now(UTC).isoformat()
    whole = response(unit=UNIT, occurred_at=now, received_at=now)
    producer = AIOKafkaProducer(bootstrap_servers=stack.addresses.kafka_url)
    await producer.start()
    try:
        for value in (
            text.encode(),
            json.dumps(whole | {"unit": text}).encode(),
            json.dumps(whole | {text: text, "unit": "000.00.99.H99"}).encode(),
            json.dumps(whole | {"answers": {text: 5}}).encode(),
        ):
            await producer.send_and_wait(FEEDBACK_SUBMITTED.name, value, text.encode(), partition=0)
    finally:
        await producer.stop()


def logs(stack: Running, folder: Path) -> str:
    """What the services said, and the servers."""
    files = [*folder.glob("mongodb/*.log"), *folder.glob("kafka/*.log")]
    assert files, "the servers keep logs"
    return "\n".join([*stack.log, *(file.read_text(errors="replace") for file in files)])


async def keep_mongod_down(stack: Running) -> None:
    """Until a batch has failed: a database that is back within seconds harms nothing."""

    async def failed() -> bool:
        mongod = process(stack, "mongod")
        if mongod.running:
            mongod.signal(signal.SIGKILL)
        return any(FAILURE in line for line in stack.log)

    await eventually(failed, "a batch fails while MongoDB is away", within=60)


async def test_personal_data_reaches_no_topic_no_log_and_no_trace(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    planted, collector = Planted(), Collector()
    environment = {
        "LANGNGHE_LOG_LEVEL": "DEBUG",
        "LANGNGHE_LOG_FORMAT": "json",
        "LANGNGHE_TRACES": collector.url,
        "LANGNGHE_CONTACT_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "LANGNGHE_CONTACTS_PER_HOUR": "1000",
    }
    async with collector.listening(), running_stack(folder, RULES, environment) as stack:
        await stack.load(small_registry())
        taken = 0
        outage: asyncio.Task[None] | None = None
        for number, shot in enumerate(shots(planted, UNIT, stack.signer.device)):
            answer = shot.path.startswith(FEEDBACK) and 202 in shot.statuses
            if outage is None and number >= 60 and answer:
                # Down before the answer comes in, which needs no database to be taken: its batch
                # fails and is tried again, whatever else waits for the database meanwhile.
                process(stack, "mongod").signal(signal.SIGKILL)
                outage = asyncio.create_task(keep_mongod_down(stack))
            status = await send(stack, shot)
            assert status in shot.statuses, (status, shot)
            taken += status == 202 and shot.path.startswith(FEEDBACK)
        assert outage is not None
        await outage
        await break_the_protocol(stack, planted.phone("no HTTP"))

        async def arrived() -> bool:
            kept = [
                await stack.database[name].count_documents({}) for name in (RESPONSES, QUARANTINE)
            ]
            return sum(kept) == taken

        await eventually(arrived, "every answer is stored or set aside", within=120)
        quoting = {"findings.voices.0": {"$exists": True}}

        async def told() -> bool:
            mails = [one for one in stack.agency.deliveries if one.channel == "email"]
            return bool(mails) and await stack.database[OUTBOX].count_documents(quoting) > 0

        await eventually(told, "an agency is told, with what citizens wrote", within=120)
        assert planted.met_in("".join(one.text for one in stack.agency.deliveries)) == []
        assert await stack.database[CONTACTS].count_documents({}) == 2
        assert len(planted.places) > 300
        seen = (await everything_on_topics(stack.addresses.kafka_url)).decode(errors="replace")
        assert seen.count("[số]") > 100, "the comments did pass"
        assert planted.met_in(seen) == []

        await write_to_the_topic(stack, planted)
        taken += 4
        await eventually(arrived, "the partner's records are set aside", within=60)
    log = logs(stack, folder)
    assert FAILURE in log, "something did fail"
    assert "Traceback" in log
    assert planted.met_in(log) == []
    assert {span.service for span in collector.spans} == {f"langnghe-{one}" for one in SERVICES}
    assert planted.met_in(collector.raw.decode(errors="replace")) == []
