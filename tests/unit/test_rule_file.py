"""Rule files: the shipped ones hold, bad ones are refused by field and rule."""

from datetime import timedelta
from pathlib import Path

import pytest

from schemas.alert import Severity
from schemas.export import ROOT
from services.notify.rules.file import load_rules
from services.notify.rules.kinds import IndexRule
from services.runtime.yamlfile import YamlFileError

GOOD = """
version: 1
rules:
  - {id: a, kind: drop, scopes: [unit], window: 7d, for: 90s, keep_firing_for: 2d, severity: info}
"""

SILENT = """
version: 1
rules:
  - {id: a, kind: silent_kiosk, silent_for: 2h, keep_firing_for: 10m, severity: warning}
"""


def test_shipped_rules_are_valid_and_one_of_them_pages() -> None:
    rules = load_rules(ROOT / "deploy/rules/rules.yaml")
    kinds = {"below_target", "drop", "change", "drift", "silent_kiosk"}
    assert {rule.kind for rule in rules} == kinds
    assert [rule.id for rule in rules if rule.severity is Severity.CRITICAL] == ["change"]
    assert all(rule.min_n >= 30 for rule in rules if isinstance(rule, IndexRule))


def test_rules_of_the_demo_are_valid() -> None:
    rules = load_rules(ROOT / "deploy/demo/rules.yaml")
    assert {rule.kind for rule in rules} == {"below_target", "drop"}


def test_durations_are_numbers_with_a_unit(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD)
    (rule,) = load_rules(path)
    assert (rule.for_, rule.keep_firing_for) == (timedelta(seconds=90), timedelta(days=2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "file"),
        ("version: 2\nrules: []", "version"),
        ("version: 1\nrules: [", "rules.yaml"),
        (GOOD.replace("for: 90s,", "for: soon,"), "as in 30m"),
        (GOOD.replace("for: 90s,", "for: 9999999999d,"), "up to six digits"),
        (GOOD.replace("for: 90s, ", ""), "rules.0.for: Field required"),
        (GOOD.replace("kind: drop", "kind: guess"), "kind"),
        (GOOD.replace("window: 7d", "window: 8d"), "must be one of 24h, 7d, 30d, 90d"),
        (GOOD.replace("scopes: [unit]", "scopes: [village]"), "scopes"),
        (GOOD.replace("scopes: [unit]", "scopes: []"), "scopes"),
        (GOOD.replace("severity: info", "severity: info, alfa: 1"), "alfa"),
        (GOOD.replace("severity: info", "severity: info, alpha: 2"), "alpha"),
        (GOOD + GOOD.split("rules:")[1], "unique"),
        (SILENT.replace("2h", "9m"), "rules.0.silent_for: Input should be"),
        (SILENT.replace("2h", "31d"), "rules.0.silent_for: Input should be"),
        (SILENT.replace("silent_for: 2h, ", ""), "rules.0.silent_for: Field required"),
        (SILENT.replace("2h,", "2h, window: 7d,"), "rules.0.window: Extra inputs"),
        (SILENT.replace("2h,", "2h, scopes: [province],"), "rules.0.scopes.0: Input should be"),
    ],
)
def test_a_bad_file_is_refused_with_field_and_rule(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(YamlFileError, match=message.replace(".", r"\.")):
        load_rules(path)


def test_doubled_ids_are_named_whatever_else_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    one = "  - {id: a, kind: drop, scopes: [unit], window: 7d, for: 1h, keep_firing_for: 2d, "
    path.write_text(
        "version: 2\nrules:\n"
        f"{one}severity: loud}}\n{one}severity: info}}\n"
        "  - {id: b, kind: guess}\n  - {id: b}\n  - none\n  - {id: a, kind: drop, scopes: []}\n"
    )
    with pytest.raises(YamlFileError) as refused:
        load_rules(path)
    told = [problem.removeprefix(f"{path}:") for problem in refused.value.problems]
    assert [line for line in told if line.endswith("must be unique")] == [
        "4:10: rules.1.id: must be unique",
        "6:10: rules.3.id: must be unique",
        "8:10: rules.5.id: must be unique",
    ]
    assert [line.split(" ", 1)[0] for line in told if "unique" not in line] == [
        *("1:10:", "3:93:", "5:19:", "6:5:", "7:5:"),
        *4 * ["8:5:"],
        "8:33:",
    ], "what is wrong besides has its own place"
    assert "8:33: rules.5.scopes: Tuple should have at least 1 item" in "\n".join(told)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(YamlFileError, match="nowhere"):
        load_rules(tmp_path / "nowhere.yaml")
