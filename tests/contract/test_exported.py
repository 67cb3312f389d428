"""What others build against is committed, current, and valid by its own standard."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from langnghe.reference import documents as generated_pages
from schemas.export import EXPORTED, ROOT, async_api, json_schema
from schemas.export import documents as exported
from schemas.flow import FLOWS
from schemas.topics import TOPICS, Topic

DOCUMENTS = exported() | generated_pages()


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_exported_files_have_not_drifted(path: Path) -> None:
    committed = (ROOT / path).read_text(encoding="utf-8")
    assert committed == DOCUMENTS[path], "run `make reference` and commit the result"


def test_nothing_stale_is_left_behind() -> None:
    on_disk = {p.relative_to(ROOT) for p in (ROOT / EXPORTED).rglob("*.json")}
    assert on_disk == {path for path in DOCUMENTS if path.suffix == ".json"}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda t: t.name)
def test_json_schemas_are_valid(topic: Topic) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(topic.event))


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in _references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in _references(value)]
    return []


@pytest.mark.parametrize("service", FLOWS)
def test_async_api_documents_hold_together(service: str) -> None:
    document = json.loads(json.dumps(async_api(service, FLOWS[service])))
    assert document["asyncapi"] == "3.0.0"
    for reference in _references(document):
        assert reference.startswith("#/")
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node
