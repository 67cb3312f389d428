"""The main job on the whole stack: answers move indices; a real fall reaches the agency, once."""

import json
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from langnghe.verify import verify
from schemas.registry import EntryKind, RegistryEntry
from schemas.topics import TOPICS
from tests.acceptance.timeline import At, Between, Never, Step, play
from tests.builders import entry, response
from tests.servers import eventually
from tests.stack import Running

PROVINCE = entry(EntryKind.PROVINCE, "01")


def office(code: str, stack: Running) -> list[RegistryEntry]:
    """A province and one office under it that listens."""
    hook = f"{stack.agency.webhook_url}/unit:{code}"
    unit = entry(EntryKind.UNIT, code, "province:01", email=f"o{code}@example.vn", webhook=hook)
    return [PROVINCE, unit]


def answers(stack: Running, unit: str, level: int, count: int, **more: Any) -> Step:
    """Citizens who hand in the same level, all now."""

    async def send() -> None:
        now = datetime.now(UTC).isoformat()
        body = [
            response(unit=unit, answers={"overall": level}, occurred_at=now, **more)
            for _ in range(count)
        ]
        url = f"{stack.addresses.gateway}/v1/feedback/batch"
        async with stack.session.post(url, json=body) as answer:
            assert answer.status == 202, await answer.text()

    return send


async def shown(stack: Running, scope: str) -> dict[str, Any]:
    """The last 24 hours of a scope as the gateway shows them."""
    async with stack.session.get(f"{stack.addresses.gateway}/v1/indices/{scope}") as answer:
        view = await answer.json()
    figure: dict[str, Any] = view["windows"]["24h"]["current"]
    return figure


async def test_a_fall_from_answers_to_alert_to_recovery(stack: Running) -> None:
    falling, steady = "000.00.40.H26", "000.00.41.H26"
    await stack.load([*office(falling, stack), *office(steady, stack)[1:]])

    def told(state: str, unit: str = falling) -> Any:
        async def check() -> bool:
            channels = [
                d.channel
                for d in stack.agency.deliveries
                if d.scope == f"unit:{unit}" and d.state == state
            ]
            return sorted(channels) == ["email", "webhook"]

        return check

    def index_is(scope: str, n: int, percent: float) -> Any:
        async def check() -> bool:
            figure = await shown(stack, scope)
            return (figure["n"], figure["index"]) == (n, percent)

        return check

    async def steady_alarmed() -> bool:
        return any(d.scope == f"unit:{steady}" for d in stack.agency.deliveries)

    await play(
        At(0, "forty are satisfied, at both", answers(stack, falling, 5, 40)),
        At(0, "", answers(stack, steady, 5, 40)),
        Between(0, 15, "the office stands at 100 %", index_is(f"unit:{falling}", 40, 100.0)),
        Between(0, 15, "so does its province, with both", index_is("province:01", 80, 100.0)),
        At(15, "sixty are not", answers(stack, falling, 1, 60)),
        Between(15, 30, "the office falls to 40 %", index_is(f"unit:{falling}", 100, 40.0)),
        Between(17, 40, "two seconds later its agency is told, twice", told("firing")),
        At(40, "two hundred and forty are satisfied again", answers(stack, falling, 5, 240)),
        Between(43, 65, "after three more seconds it is resolved", told("resolved")),
        Never(60, "the steady office raises an alert", steady_alarmed),
    )
    here = [d for d in stack.agency.deliveries if d.scope == f"unit:{falling}"]
    assert len(here) == 4, "each change was told once by each channel"
    assert len({d.alert for d in here}) == 1
    assert stack.agency.refused == 0


async def test_an_independent_recount_equals_what_is_shown(stack: Running) -> None:
    unit = "000.00.42.H26"
    await stack.load(office(unit, stack))
    for level in range(1, 6):
        await answers(stack, unit, level, 10 * level)()

    async def counted() -> bool:
        return bool((await shown(stack, f"unit:{unit}"))["n"] == 150)

    await eventually(counted, "all answers are counted")
    report = await verify(stack.database, patience=20, progress=None)
    assert report.differences == []
    assert report.responses >= 150


PERSONAL = {
    "telephone": "0912345678",
    "spaced telephone": "0987 654 321",
    "international": "+84 903 111 222",
    "identity card": "001098012345",
    "old identity card": "012345678",
    "account": "19034567890123",
    "mail": "nguyen.van.a@example.vn",
}


async def test_personal_data_reaches_no_topic_and_no_log(stack: Running) -> None:
    unit = "000.00.43.H26"
    await stack.load(office(unit, stack))
    url = f"{stack.addresses.gateway}/v1/feedback"
    # Twice each: so many are shown.
    for text in [*PERSONAL.values()] * 2:
        body = response(
            unit=unit, occurred_at=datetime.now(UTC).isoformat(), comment=f"Gọi tôi {text} nhé"
        )
        async with stack.session.post(url, json=body) as answer:
            assert answer.status == 202
        # The same in requests that are refused, and in ones that ingest sets aside.
        for wrong in ({"answers": {"overall": 9}}, {"comment": f"{text} " * 200}, {"unit": text}):
            async with stack.session.post(url, json=body | wrong) as answer:
                assert answer.status == 422
                assert text not in await answer.text()
        async with stack.session.post(url, data=json.dumps(body)[:-9].encode()) as answer:
            assert answer.status in {400, 415}
        stray = body | {"id": response()["id"], "unit": "000.00.99.H99"}
        async with stack.session.post(url, json=stray) as answer:
            assert answer.status == 202

    async def counted() -> bool:
        return bool((await shown(stack, f"unit:{unit}"))["n"] == 2 * len(PERSONAL))

    await eventually(counted, "all answers are counted")
    seen = await _everything_on_topics(stack.addresses.kafka_url)
    assert b"[s\xe1\xbb\x91]" in seen, "the comments did pass"
    log = "\n".join(stack.log)
    for name, text in PERSONAL.items():
        assert text.encode() not in seen, name
        assert text not in log, name


async def _everything_on_topics(kafka_url: str) -> bytes:
    """All keys, values and headers of all topics."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(t.name, p) for t in TOPICS for p in range(t.partitions)]
        consumer.assign(places)
        missing = sum((await consumer.end_offsets(places)).values()) - sum(
            (await consumer.beginning_offsets(places)).values()
        )
        seen = bytearray()
        quiet = 0
        while missing > 0 and quiet < 20:
            batches = await consumer.getmany(timeout_ms=250)
            quiet = 0 if batches else quiet + 1
            for batch in batches.values():
                for record in batch:
                    missing -= 1
                    seen += (record.key or b"") + (record.value or b"")
                    seen += b"".join(value for _, value in record.headers)
        return bytes(seen)
    finally:
        await consumer.stop()
