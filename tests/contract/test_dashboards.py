"""Dashboards that Grafana can show: their data sources, their places, both languages."""

import re
from typing import Any

import pytest
import yaml

from tests.watching import DEPLOY, GRAFANA, dashboards

SAME_IN_BOTH = {"Kiosk"}


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    """The types of the data sources that are set up, by uid."""
    file = GRAFANA / "provisioning" / "datasources" / "langnghe.yml"
    found = yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]
    return {one["uid"]: one["type"] for one in found}


@pytest.mark.parametrize("name", ["operators.json", "unit.json"])
def test_a_dashboard_can_be_shown(name: str, sources: dict[str, str]) -> None:
    board = dashboards()[name]
    panels: list[dict[str, Any]] = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert not taken & cells, panel["title"]
        taken |= cells
        assert " / " in panel["title"] or panel["title"] in SAME_IN_BOTH
        for target in panel.get("targets", ()):
            source = target["datasource"]
            assert sources[source["uid"]] == source["type"], panel["title"]


def test_what_grafana_lacks_is_installed_as_it_starts(sources: dict[str, str]) -> None:
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text(encoding="utf-8"))
    installed = compose["services"]["grafana"]["environment"]["GF_PLUGINS_PREINSTALL"]
    plugins = {re.fullmatch(r"([\w-]+)@\d+\.\d+\.\d+", one)[1] for one in installed.split(",")}  # type: ignore[index]  # one without a version fails here
    assert plugins == set(sources.values()) - {"prometheus"}
