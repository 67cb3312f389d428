"""A rule file that is changed under a running notify."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.notify.reload import Reload
from services.notify.rules.file import load_rules
from services.notify.rules.kinds import Rule
from services.runtime import metrics
from tests.unit.test_rule_file import GOOD


class Notify:
    """Keeps the rules that it was last given."""

    def __init__(self) -> None:
        self.given: list[list[str]] = []

    def use(self, rules: Sequence[Rule]) -> None:
        self.given.append([rule.id for rule in rules])


def refused() -> float:
    return float(metrics.NOTIFY_FILE_REFUSED.labels("rules")._value.get())


async def test_each_content_is_used_once_and_a_bad_one_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path, notify = tmp_path / "rules.yaml", Notify()
    reload = Reload("rules", path, load_rules, notify.use)

    async def becomes(text: str | None) -> list[tuple[str, str]]:
        """What is logged when the file becomes this, by level."""
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        caplog.clear()
        for _ in range(3):
            await reload.run()
        return [(record.levelname, record.getMessage()) for record in caplog.records]

    assert await becomes(GOOD) == [("INFO", f"{path} is in force: a")]
    assert refused() == 0
    told = await becomes(GOOD.replace("id: a", "id: A").replace("7d", "8d"))
    refusal = "rules are refused, those before stay in force: "
    assert [level for level, _ in told] == ["ERROR"], "one line, however often it looks"
    assert told[0][1].startswith(f"{refusal}{path}:4:10: rules.0.id: String should match pattern")
    assert told[0][1].endswith(f"; {path}:4:49: rules.0.window: must be one of 24h, 7d, 30d, 90d")
    assert "\n" not in told[0][1]
    assert refused() == 1
    assert await becomes(None) == [("ERROR", f"{refusal}{path}: No such file or directory")]
    assert refused() == 1
    assert notify.given == [["a"]], "nothing has changed meanwhile"
    assert await becomes(GOOD.replace("id: a", "id: b")) == [("INFO", f"{path} is in force: b")]
    assert refused() == 0
    assert await becomes(GOOD) == [("INFO", f"{path} is in force: a")]
    assert notify.given == [["a"], ["b"], ["a"]]
