"""Targets: which one an agency is read by, on which day; and what is wrong with a file of them."""

import re
from datetime import date
from pathlib import Path

import pytest

from schemas.export import ROOT
from services.notify.rules.file import load_rules
from services.notify.rules.kinds import BelowTarget, IndexRule, rule_at
from services.runtime.yamlfile import YamlFileError

FILE = """\
version: 1
targets:
  - {target: 81, to: 2027-01-01}
  - {target: 82, from: 2027-01-01}
  - {target: 70, level: commune}
  - {target: 90, scope: "province:01", to: 2026-07-01}
  - {target: 91, scope: "province:01", from: 2026-07-01, to: 2028-01-01}
  - {target: 75, scope: "province:01", level: commune}
  - {target: 60, scope: "commune:00004"}
  - {target: 50, scope: "unit:A"}
  - {target: 95, level: ministry}
rules:
  - {id: low, kind: below_target, scopes: [unit], window: 7d, target: 80, for: 0s,
     keep_firing_for: 1h, severity: info}
  - {id: fall, kind: drop, scopes: [unit], window: 7d, for: 0s, keep_firing_for: 1h,
     severity: info}
"""
COMMUNE, OTHER = ("commune:00004", "province:01", "country"), ("commune:00008", "province:02")
DAY = date(2026, 12, 31)


def index_rules(path: Path) -> list[IndexRule]:
    """The rules of a file; all of them read an index."""
    return [rule for rule in load_rules(path) if isinstance(rule, IndexRule)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize(
    ("scope", "above", "day", "target"),
    [
        ("unit:B", (), DAY, 81),
        ("unit:B", (), date(2027, 1, 1), 82),
        ("country", (), DAY, 81),
        ("field:ho-tich", ("country",), DAY, 81),
        ("unit:B", OTHER, DAY, 70),  # an office of a commune, as is the commune itself
        ("commune:00008", ("province:02",), DAY, 70),
        ("unit:B", ("province:02",), DAY, 81),
        ("unit:B", ("ministry:G09", "country"), DAY, 95),
        ("ministry:G09", ("country",), DAY, 95),
        ("unit:B", ("province:01", "country"), date(2026, 6, 30), 90),
        ("unit:B", ("province:01", "country"), date(2026, 7, 1), 91),
        ("unit:B", ("province:01", "country"), date(2028, 1, 1), 82),  # no more: that of all
        ("province:01", ("country",), DAY, 91),
        ("unit:B", ("commune:00008", "province:01", "country"), DAY, 75),  # of both
        ("unit:B", COMMUNE, DAY, 60),  # the nearest scope, whatever the level
        ("unit:A", COMMUNE, DAY, 50),
    ],
)
def test_the_nearest_target_of_the_day_is_the_one(
    path: Path, scope: str, above: tuple[str, ...], day: date, target: float
) -> None:
    low, fall = index_rules(path)
    read_by = rule_at(low, scope, above, day)
    assert isinstance(read_by, BelowTarget)
    assert read_by.target == target
    assert (read_by.id, read_by.window) == (low.id, low.window)
    assert rule_at(fall, scope, above, day) is fall


def test_without_a_target_of_the_day_that_of_the_rule_holds(path: Path) -> None:
    path.write_text(FILE.replace(", to: 2027-01-01", ", from: 2026-02-01, to: 2027-01-01"))
    low, _ = index_rules(path)
    assert rule_at(low, "unit:B", (), date(2026, 1, 31)) is low
    assert isinstance(low, BelowTarget)
    assert low.target == 80


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (
            ", to: 2027-01-01",
            "",
            "4:5: targets.1: holds on days of targets.0, which is for the same agencies",
        ),
        (
            ", from: 2026-07-01",
            "",
            "7:5: targets.4: holds on days of targets.3, which is for the same agencies",
        ),
        (
            '{target: 50, scope: "unit:A"}',
            "{target: 81, scope: country, to: 2020-01-01}",
            "10:5: targets.7: holds on days of targets.0, which is for the same agencies",
        ),
        ("to: 2028-01-01", "to: 2026-07-01", "7:62: targets.4.to: must be later than from"),
        ("to: 2028-01-01", "to: 2026-06-30", "7:62: targets.4.to: must be later than from"),
        ("from: 2027-01-01", "from: 2027", "4:24: targets.1.from: must be a day, as in 2027-01-01"),
        ("from: 2027-01-01", "from: 2027-01-01T07:00", "4:24: targets.1.from: must be a day, as"),
        ("to: 2027-01-01", "to: 2027-02-29", "3:22: file: is not YAML: day is out of range"),
        ("target: 70", "target: 170", "5:14: targets.2.target: Input should be less than or equal"),
        ("target: 70, ", "", "5:5: targets.2.target: Field required"),
        (
            "level: commune}",
            "level: village}",
            "5:25: targets.2.level: Input should be 'commune', ",
        ),
        ('scope: "unit:A"', "scope: A", "10:25: targets.7.scope: String should match pattern"),
        ("level: ministry", "levels: ministry", "11:18: targets.8.levels: Extra inputs are not"),
        ("targets:", "targets: 80\nothers:", "2:10: targets: Input should be a valid tuple"),
    ],
)
def test_a_wrong_target_is_refused_by_line_and_column(
    path: Path, before: str, after: str, problem: str
) -> None:
    assert before in FILE
    path.write_text(FILE.replace(before, after, 1))
    with pytest.raises(YamlFileError) as refused:
        load_rules(path)
    assert refused.value.problems[0].removeprefix(f"{path}:").startswith(problem)


def test_targets_that_follow_one_another_do_not_overlap(path: Path) -> None:
    three = "".join(
        f"  - {{target: {80 + n}, from: {2020 + n}-01-01, to: {2021 + n}-01-01}}\n"
        for n in (2, 0, 1)
    )
    path.write_text(
        re.sub(r"targets:\n(  - .*\n)+?(?=  - \{id|rules:)", f"targets:\n{three}", FILE)
    )
    low, _ = index_rules(path)
    found = [rule_at(low, "country", (), date(2020 + n, 12, 31)) for n in range(4)]
    assert [rule.target for rule in found if isinstance(rule, BelowTarget)] == [80, 81, 82, 80]


def test_the_documented_targets_can_be_used(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "alerting.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(targets:\n.+?)```", page, re.DOTALL)
    shipped = (ROOT / "deploy" / "rules" / "rules.yaml").read_text("utf-8")
    path = tmp_path / "rules.yaml"
    path.write_text(shipped.replace("\nrules:\n", f"\n{example}rules:\n", 1), "utf-8")
    (low,) = (rule for rule in load_rules(path) if isinstance(rule, BelowTarget))

    def target(*above: str, day: date = date(2026, 12, 31)) -> float:
        rule = rule_at(low, "unit:A", above, day)
        assert isinstance(rule, BelowTarget)
        return rule.target

    assert target() == 80
    assert target("province:48") == 80
    assert target("province:48", day=date(2027, 1, 1)) == 85
    assert target("commune:20194", "province:48", day=date(2027, 1, 1)) == 85
    assert target("commune:00004", "province:01") == 75
    assert target("ministry:G09") == 90
