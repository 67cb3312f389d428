"""One trace from a kiosk to the agency that is told, through the four services as processes."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.registry import EntryKind
from schemas.topics import ALERT_CHANGED, INDEX_UPDATED, Topic
from tests.builders import entry, response
from tests.collector import Collector, Seen
from tests.devices import named
from tests.post import Receivers
from tests.servers import Servers, eventually, published
from tests.stack import Running, below_target, running_stack

UNIT = "000.00.50.H26"
TRACE, KIOSK = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
COMMENT = "Chờ từ bảy giờ sáng"
NEEDED = 30
"""So many answers a rule needs to say anything (`min_n`): the last of them tips it."""

DELIVERED = Counter({"deliver by topic": 2, "deliver by webhook": 1, "deliver by email": 1})


def unhappy(stack: Running) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    answer = response(unit=UNIT, answers={"overall": 1}, comment=COMMENT, occurred_at=now)
    return dict(named(stack.signer, answer))


async def hand_in(stack: Running, traceparent: str) -> None:
    """One answer, as a kiosk that traces hands it in."""
    body, path = json.dumps(unhappy(stack)).encode(), "/v1/feedback"
    headers = stack.signer.headers("POST", path, body) | {"traceparent": traceparent}
    url = stack.addresses.gateway + path
    async with stack.session.post(url, data=body, headers=headers) as answer:
        assert answer.status == 202, await answer.text()


async def traces_on(stack: Running, topic: Topic, about: str) -> list[str]:
    """What records about something say of their traces."""
    servers = Servers(stack.addresses.kafka_url, stack.addresses.mongo_url)
    return [
        dict(record.headers)["ce_traceparent"].decode()
        for partition in range(topic.partitions)
        for record in await published(servers, topic.name, partition)
        if about.encode() in (record.key or b"")
    ]


def way(spans: list[Seen], last: Seen) -> list[Seen]:
    """The spans from the first one to this one."""
    before = [span for span in spans if span.id == last.parent]
    return [*(way(spans, before[0]) if before else []), last]


def said(log: list[str]) -> list[dict[str, Any]]:
    """The services' lines: each is JSON, or this raises."""
    services = ("gateway: ", "ingest: ", "scoring: ", "notify: ")
    return [json.loads(line.partition(": ")[2]) for line in log if line.startswith(services)]


async def test_one_trace_leads_from_the_kiosk_to_the_agency(tmp_path: Path) -> None:
    collector, receivers = Collector(), Receivers()
    environment = {
        "LANGNGHE_TRACES": collector.url,
        "LANGNGHE_LOG_FORMAT": "json",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        # FastAPI would send what it sees: addresses as they were asked for, errors as they are.
        "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
    }
    rules = below_target(for_="1s", keep_firing_for="1h")
    runner = await receivers.start()
    async with (
        collector.listening(),
        running_stack(tmp_path / "data", rules, environment) as stack,
    ):
        hook = f"{receivers.url}/office"
        province = entry(EntryKind.PROVINCE, "01")
        contact = {"email": "office@example.vn", "webhook": hook}
        await stack.load([province, entry(EntryKind.UNIT, UNIT, "province:01", **contact)])
        assert await stack.hand_in(*(unhappy(stack) for _ in range(NEEDED - 1))) == 202

        async def shown() -> bool:
            url = f"{stack.addresses.gateway}/v1/indices/unit:{UNIT}"
            async with stack.session.get(url) as answer:
                view = await answer.json()
            return bool(view["windows"]["24h"]["current"]["n"] == NEEDED - 1)

        await eventually(shown, "all but one are counted")
        await hand_in(stack, f"00-{TRACE}-{KIOSK}-01")

        async def told() -> bool:
            return receivers.told("office") == ["alert.firing"]

        await eventually(told, "the office is told")

        async def exported() -> bool:
            names = Counter(span.name for span in collector.of_trace(TRACE))
            return names >= DELIVERED

        await eventually(exported, "the deliveries' spans are with the collector")
        (index,) = (await traces_on(stack, INDEX_UPDATED, f"unit:{UNIT}"))[-1:]
        changes = await traces_on(stack, ALERT_CHANGED, f"unit:{UNIT}")
        log = said(stack.log)
    await runner.cleanup()

    spans = collector.of_trace(TRACE)
    (delivery,) = (span for span in spans if span.name == "deliver by webhook")
    steps = way(spans, delivery)
    assert steps[0].parent == KIOSK
    assert [(span.service, span.name) for span in steps if "index.updated" not in span.name] == [
        ("langnghe-gateway", "POST /v1/feedback"),
        ("langnghe-ingest", "process feedback.submitted.v1"),
        ("langnghe-scoring", "refresh"),
        ("langnghe-notify", "write alert"),  # it is pending
        ("langnghe-notify", "write alert"),  # a second later it fires
        ("langnghe-notify", "deliver by webhook"),
    ]
    assert not any(span.failed for span in spans)
    # What travelled between the services, and to the agency.
    assert index.split("-")[1] == TRACE
    assert [change.split("-")[1] for change in changes] == [TRACE, TRACE]
    (got,) = receivers.got
    assert got.traceparent == f"00-{TRACE}-{delivery.id}-01"
    # The log leads to the trace.
    (fired,) = (line for line in log if line["message"].endswith("is firing"))
    assert (fired["service"], fired["trace_id"]) == ("notify", TRACE)
    assert {line["service"] for line in log} == {"gateway", "ingest", "scoring", "notify"}
    # Nothing of what somebody wrote, and nothing of libraries that we did not ask.
    assert COMMENT.encode() not in collector.raw
    assert b"/v1/indices" not in collector.raw
    assert collector.refused == []
