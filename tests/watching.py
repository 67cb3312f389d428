"""What operators watch, as the repository holds it: rules of Prometheus, dashboards of Grafana."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
GRAFANA = DEPLOY / "grafana"
RULE_FILES = ("alerts.yml", "loss.yml", "services.yml", "slo.yml")

Rule = dict[str, Any]
Target = dict[str, Any]


def all_rules() -> list[Rule]:
    """All rules of all files."""
    files = [yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8")) for name in RULE_FILES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def rules(key: str) -> list[Rule]:
    """The rules that have a key: `alert` or `record`."""
    return [rule for rule in all_rules() if key in rule]


def dashboards() -> dict[str, Any]:
    """Dashboards by the name of their file."""
    files = sorted((GRAFANA / "dashboards").glob("*.json"))
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def targets(source: str) -> Iterator[tuple[str, Target]]:
    """The queries of all panels to one data source, each with the title of its panel."""
    for dashboard in dashboards().values():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                if target["datasource"]["uid"] == source:
                    yield panel["title"], target


def expressions() -> list[str]:
    """Every PromQL expression of rules and dashboards, as Grafana would send it."""
    of_rules = [rule["expr"] for rule in all_rules()]
    shown = [target["expr"] for _, target in targets("prometheus")]
    return [expr.replace("$__rate_interval", "5m") for expr in (*of_rules, *shown)]
