"""Writes what others build against: JSON Schemas, an AsyncAPI document per service, docs/events.md.

`python -m schemas.export` rewrites the files; a test fails when they drift from the models.
"""

import json
from pathlib import Path
from typing import Any

from schemas.base import Event
from schemas.flow import FLOWS, Flow
from schemas.topics import TOPICS, Topic

ROOT = Path(__file__).resolve().parent.parent
EXPORTED = Path("schemas/exported")
EVENTS_PAGE = Path("docs/events.md")

_HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binary content mode",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "The same however often the event is sent"},
        "ce_source": {"type": "string", "description": "/langnghe/ and the service"},
        "ce_type": {"type": "string"},
        "ce_traceparent": {
            "type": "string",
            "description": "W3C Trace Context, where it is traced",
        },
    },
}


def json_schema(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of an event as we send it."""
    schema = event.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": event.TYPE, **schema}


def _message(topic: Topic) -> dict[str, Any]:
    schema = topic.event.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    schema.pop("$defs", None)
    return {
        "name": topic.event.TYPE,
        "title": topic.event.__name__,
        "contentType": "application/json",
        "headers": _HEADERS,
        "payload": schema,
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.keyed_by}}},
    }


def _shared_schemas(topics: tuple[Topic, ...]) -> dict[str, Any]:
    shared: dict[str, Any] = {}
    for topic in topics:
        schema = topic.event.model_json_schema(
            mode="serialization", ref_template="#/components/schemas/{model}"
        )
        shared |= schema.get("$defs", {})
    return dict(sorted(shared.items()))


def async_api(service: str, flow: Flow) -> dict[str, Any]:
    """The AsyncAPI 3.0 document of a service."""
    topics = (*flow.receives, *flow.sends)

    def operations(action: str, of: tuple[Topic, ...]) -> dict[str, Any]:
        return {
            f"{action}-{topic.name}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.event.__name__}"}],
            }
            for topic in of
        }

    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Lắng Nghe: {service}",
            "version": "1.0.0",
            "description": flow.purpose,
        },
        "defaultContentType": "application/json",
        "channels": {
            topic.name: {
                "address": topic.name,
                "description": topic.purpose,
                "messages": {
                    topic.event.__name__: {"$ref": f"#/components/messages/{topic.event.__name__}"}
                },
                "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions}},
            }
            for topic in topics
        },
        "operations": operations("receive", flow.receives) | operations("send", flow.sends),
        "components": {
            "messages": {topic.event.__name__: _message(topic) for topic in topics},
            "schemas": _shared_schemas(topics),
        },
    }


def _kept(topic: Topic) -> str:
    if topic.retention is None:
        return "the newest of each key"
    return f"{topic.retention.days} d"


def events_page() -> str:
    """docs/events.md: every topic at a glance."""
    lines = [
        "# Events",
        "",
        "Generated from the code by `make reference`; do not edit. Values are JSON, headers are",
        "CloudEvents 1.0 in Kafka's binary mode; the full schemas are in `schemas/exported/`.",
        "",
        "| topic | event | keyed by | partitions | kept | what it carries |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{t.name}` | `{t.event.__name__}` | {t.keyed_by} | {t.partitions} | {_kept(t)} "
        f"| {t.purpose} |"
        for t in TOPICS
    ]
    lines += ["", "| service | receives | sends |", "|---|---|---|"]
    for service, flow in FLOWS.items():
        receives = ", ".join(f"`{t.name}`" for t in flow.receives)
        sends = ", ".join(f"`{t.name}`" for t in flow.sends)
        lines.append(f"| {service} | {receives} | {sends} |")
    for topic in TOPICS:
        lines += ["", f"## {topic.event.__name__}", "", (topic.event.__doc__ or "").strip(), ""]
        lines += ["| field | required | meaning |", "|---|---|---|"]
        schema = topic.event.model_json_schema(mode="serialization")
        required = set(schema.get("required", ()))
        for name, field in schema["properties"].items():
            meaning = field.get("description", "").replace("\n", " ")
            lines.append(f"| `{name}` | {'yes' if name in required else ''} | {meaning} |")
    return "\n".join(lines) + "\n"


def documents() -> dict[Path, str]:
    """Every generated file, by its path from the root of the repository."""

    def pretty(value: dict[str, Any]) -> str:
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

    files = {EXPORTED / f"{t.event.TYPE}.json": pretty(json_schema(t.event)) for t in TOPICS}
    files |= {
        EXPORTED / "asyncapi" / f"{service}.json": pretty(async_api(service, flow))
        for service, flow in FLOWS.items()
    }
    return files | {EVENTS_PAGE: events_page()}


def main() -> None:
    """Write the files into the source tree."""
    for path, text in documents().items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
