"""Personal data planted wherever a request has room for it, and the search for it afterwards."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import TOPICS
from services.gateway.contacts.asking import EXAMPLE as CONTACT
from tests.builders import response
from tests.masking.labelled import comments

FEEDBACK = "/v1/feedback"
_JSON = {"Content-Type": "application/json"}

_OPEN = {"comment", "occurred_at"}
"""Fields that take a number of a person: masked in comments, read as a time in `occurred_at`."""


class Planted:
    """Hands out numbers and addresses that occur nowhere else, and remembers them."""

    def __init__(self) -> None:
        """Nothing is planted yet."""
        self.places: dict[str, str] = {}

    def _new(self, form: str, place: str) -> str:
        value = form.format(7_000_000 + 13 * len(self.places))
        self.places[value] = place
        return value

    def phone(self, place: str) -> str:
        """A mobile number."""
        return self._new("091{}", place)

    def email(self, place: str) -> str:
        """An address."""
        return self._new("an{}@example.vn", place)

    def identity(self, place: str) -> str:
        """The number of an identity card."""
        return self._new("00109{}", place)

    def number(self, place: str) -> int:
        """A mobile number as a number."""
        return int(self._new("912{}", place))

    def all_three(self, place: str) -> str:
        """One of each, as in a comment."""
        return f"{self.phone(place)}, {self.identity(place)}, {self.email(place)}"

    def add_comments(self) -> list[str]:
        """The labelled comments in usual spelling; short labels would be met by chance."""
        found = comments("ordinary")
        for text, labels in found:
            values = (text[label.start : label.end] for label in labels)
            self.places |= {value: "comment" for value in values if len(value) >= 9}
        return [comment.text for comment in found]

    def met_in(self, text: str) -> list[str]:
        """What is there of it, with where it was planted."""
        return [
            f"{value} ({place})"
            for value, place in self.places.items()
            if value in text or json.dumps(value)[1:-1] in text
        ]


class Shot(NamedTuple):
    """One request, and the answers that are right."""

    method: str
    path: str
    statuses: set[int]
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})


def _refused(planted: Planted) -> Iterator[dict[str, Any]]:
    """Bodies with something personal where it has no place."""
    good = response()
    for name in (*good, "procedure", "field", "comment", "dossier_token", "received_at", "other"):
        for kind in (planted.phone, planted.email, planted.identity):
            if name not in _OPEN:
                yield good | {name: kind(f"{name} as text")}
            yield good | {name: {kind(f"{name} as key"): 1}}
            yield good | {name: [kind(f"{name} in a list")]}
        if name != "occurred_at":  # there, a number is a time
            yield good | {name: planted.number(f"{name} as number")}
    for kind in (planted.phone, planted.email, planted.identity):
        yield good | {kind("unknown field"): 1}
        yield good | {"answers": {"overall": kind("level")}}
        yield good | {"answers": {kind("item"): 5}}
        yield good | {"answers": {"a" + kind("item that begins with a letter"): 5}}
        yield good | {"instrument": "a" + kind("instrument that begins with a letter")}
        yield good | {"field": "a" + kind("field that begins with a letter")}
        yield good | {"comment": f"{kind('comment that is too long')} " * 200}
        yield good | {"unit": f"{kind('unit')}.H26"}


def shots(planted: Planted, unit: str, device: str) -> Iterator[Shot]:
    """Every request; the statuses 202 of single responses are what has to arrive in the end.

    Args:
        planted: remembers what is where.
        unit: an office.
        device: that signs, and may hand in for it.
    """

    def good(**changes: Any) -> bytes:
        now = datetime.now(UTC).isoformat()
        answer = response(unit=unit, device=device, occurred_at=now, **changes)
        return json.dumps(answer).encode()

    for text in planted.add_comments():
        yield Shot("POST", FEEDBACK, {202}, good(comment=text, answers={"overall": 1}), _JSON)
    # Ingest sets these aside.
    for place, changes in (
        ("comment, unknown unit", {"unit": "000.00.99.H99"}),
        ("comment, unknown item", {"answers": {"overall": 5, "foreign": 1}}),
        ("comment, too late", {"occurred_at": "2020-01-01T00:00:00+07:00"}),
    ):
        now = datetime.now(UTC).isoformat()
        body = response(unit=unit, device=device, occurred_at=now) | changes
        body["comment"] = planted.all_three(place)
        yield Shot("POST", FEEDBACK, {202}, json.dumps(body).encode(), _JSON)
    refused = list(_refused(planted))
    for item in refused:
        yield Shot("POST", FEEDBACK, {403, 422}, json.dumps(item).encode(), _JSON)
    for start in range(0, len(refused), 400):
        batch = json.dumps(refused[start : start + 400]).encode()
        yield Shot("POST", FEEDBACK + "/batch", {207}, batch, _JSON)
    yield from _malformed(planted)
    yield from _contacts(planted)
    yield from _around_the_body(planted, good)


def _malformed(planted: Planted) -> Iterator[Shot]:
    bodies = (
        lambda text: f'{{"comment": "{text}',
        lambda text: text,
        lambda text: f'"{text}"',
        lambda text: f"[[[{text}]]]",
        lambda text: f"<comment>{text}</comment>",
        lambda text: f"comment={text}&unit=1",
    )
    for make in bodies:
        body = make(planted.all_three("malformed body")).encode()
        yield Shot("POST", FEEDBACK, {400, 422}, body, _JSON)
        yield Shot("POST", FEEDBACK + "/batch", {400, 422}, body, _JSON)
        yield Shot("POST", FEEDBACK, {415}, body, {"Content-Type": "text/plain"})
        yield Shot("POST", FEEDBACK, {400}, body + b"\xff\xfe", _JSON)


def _contacts(planted: Planted) -> Iterator[Shot]:
    path = "/v1/contacts"
    for kind, make in (("phone", planted.phone), ("email", planted.email)):
        for place, status, changes in (
            ("contact", 201, {}),
            ("contact of another kind", 422, {"kind": "zalo"}),
            ("contact without consent", 422, {"consent": False}),
            ("contact for nothing", 422, {"response": make("contact's response")}),
            ("contact with more", 422, {make("contact's field"): make("contact's field")}),
        ):
            body = json.dumps(CONTACT | {"kind": kind, "value": make(place)} | changes).encode()
            yield Shot("POST", path, {status}, body, _JSON)
            yield Shot("POST", path, {400}, body[:-1], _JSON)
        token = {"Authorization": f"Bearer {make('erase token')}"}
        yield Shot("DELETE", f"{path}/{make('id of a contact')}", {422}, headers=token)
        yield Shot("DELETE", f"{path}/{CONTACT['response']}", {404}, headers=token)


def _around_the_body(planted: Planted, good: Callable[[], bytes]) -> Iterator[Shot]:
    headers = ("User-Agent", "Referer", "Cookie", "Authorization", "X-Forwarded-For", "X-Phone")
    for name in (*headers, "traceparent", "tracestate"):
        value = planted.phone(f"header {name}")
        yield Shot("POST", FEEDBACK, {202}, good(), _JSON | {name: value})
    for name in ("Content-Type", "Content-Encoding"):
        value = planted.email(f"header {name}")
        yield Shot("POST", FEEDBACK, {415}, good(), _JSON | {name: value})
    yield Shot("POST", f"{FEEDBACK}?phone={planted.phone('query')}", {202}, good(), _JSON)
    for path, statuses in (
        ("/v1/indices/{}", {422}),
        ("/v1/indices/unit:{}", {404, 422}),
        ("/v1/indices?parent={}", {422}),
        ("/v1/indices?kind={}", {422}),
        ("/v1/alerts?state={}", {422}),
        ("/v1/alerts?limit={}", {422}),
        ("/kiosk/{}", {404, 422}),
        ("/static/{}", {404}),
        ("/{}", {404}),
    ):
        for kind in (planted.phone, planted.email):
            yield Shot("GET", path.format(kind(f"path {path}")), statuses)
            yield Shot("DELETE", path.format(kind(f"path {path}")), {404, 405})


async def everything_on_topics(kafka_url: str) -> bytes:
    """All keys, values and headers of all topics."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(t.name, p) for t in TOPICS for p in range(t.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        seen = bytearray()
        while any([await consumer.position(place) < ends[place] for place in places]):
            for batch in (await consumer.getmany(timeout_ms=250)).values():
                for record in batch:
                    seen += _bytes_of((record.key, record.value))
                    seen += _bytes_of(part for header in record.headers for part in header)
        return bytes(seen)
    finally:
        await consumer.stop()


def _bytes_of(parts: Iterable[bytes | str | None]) -> bytes:
    return b"".join(p.encode() if isinstance(p, str) else p or b"" for p in parts) + b"\n"
