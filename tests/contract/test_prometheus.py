"""What wakes an operator, as Prometheus's own tool reads and tests it."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from services.runtime.metrics import CATALOGUE
from tests.tools import tool
from tests.watching import PROMETHEUS, RULE_FILES, expressions, rules

# Of Prometheus itself, and of prometheus_client.
_NOT_OURS: dict[str, set[str]] = {
    "up": set(),
    "ALERTS": {"alertname", "alertstate"},
    "process_start_time_seconds": set(),
}
_OF_EVERY_TARGET = {"job", "instance"}
_WORDS = {"and", "or", "unless", "bool", "offset"}


def promtool(*arguments: str) -> None:
    """Run promtool among the rules; it must find nothing wrong."""
    program = tool(("promtool",), "the alerting rules are", "prometheus")
    done = subprocess.run(  # noqa: S603  # nothing here comes from outside
        [program, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def known() -> dict[str, set[str]]:
    """Names that an expression may have, each with its labels; recorded ones may have any."""
    names = dict(_NOT_OURS)
    for entry in CATALOGUE:
        labels = set(entry.labels)
        if entry.kind == "histogram":
            names |= {f"{entry.name}_{part}": labels for part in ("sum", "count")}
            names[f"{entry.name}_bucket"] = labels | {"le"}
        else:
            names[entry.name] = labels
    return names


def selectors(expr: str) -> dict[str, set[str]]:
    """The names of an expression, each with the labels by which it is selected."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    bare = re.sub(r"\[[^\]]*\]|\boffset \w+", "", bare)
    bare = re.sub(r"\b(by|on|ignoring|without|group_left|group_right) ?\([^)]*\)", "", bare)
    found: dict[str, set[str]] = {}
    for name, braces in re.findall(r"(?<![\w.:])([A-Za-z_][\w:]*)(?![\w:]* *\()(\{[^}]*\})?", bare):
        if name not in _WORDS:
            found.setdefault(name, set()).update(re.findall(r"(\w+) ?(?:=|!)", braces))
    return found


def test_every_rule_file_is_loaded() -> None:
    assert {file.name for file in PROMETHEUS.glob("*.test.yml")} == {
        name.replace(".yml", ".test.yml") for name in RULE_FILES
    }
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    assert sorted(config["rule_files"]) == sorted(RULE_FILES)
    promtool("check", "config", "prometheus.yml")


@pytest.mark.parametrize("name", RULE_FILES)
def test_rules_say_what_they_should(name: str) -> None:
    promtool("check", "rules", name)
    promtool("test", "rules", name.replace(".yml", ".test.yml"))


def test_every_expression_can_be_read(tmp_path: Path) -> None:
    found = [{"record": f"e:{number}", "expr": e} for number, e in enumerate(expressions())]
    file = tmp_path / "all.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": found}]}))
    promtool("check", "rules", str(file))


def test_every_expression_reads_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in rules("record")}
    names = known()
    read = [(name, labels) for expr in expressions() for name, labels in selectors(expr).items()]
    assert read
    unknown = {name for name, _ in read} - names.keys() - recorded
    assert not unknown
    for name, labels in read:
        assert name in recorded or labels <= names[name] | _OF_EVERY_TARGET, name


def test_every_recorded_name_is_read() -> None:
    read = {name for expr in expressions() for name in selectors(expr)}
    assert {rule["record"] for rule in rules("record")} <= read
