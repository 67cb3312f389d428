"""What wakes an operator, as Prometheus's own tool reads and tests it."""

import re
import subprocess
from pathlib import Path

from services.runtime.metrics import CATALOGUE
from tests.tools import tool

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"


def test_alerting_rules_say_what_they_should() -> None:
    promtool = tool(("promtool",), "the alerting rules are", "prometheus")
    for command in (("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")):
        done = subprocess.run(  # noqa: S603  # nothing here comes from outside
            [promtool, *command], cwd=RULES, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_alerting_rules_read_metrics_that_exist() -> None:
    named = set(re.findall(r"\blangnghe_\w+", (RULES / "alerts.yml").read_text(encoding="utf-8")))
    assert named
    assert named <= {entry.name for entry in CATALOGUE}
