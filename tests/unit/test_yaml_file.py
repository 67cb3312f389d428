"""What is wrong with a YAML file is told with its line, its column, its field and the rule."""

from pathlib import Path
from textwrap import dedent

import pytest

from langnghe.importing.mapping import load_mapping
from services.notify.rules.file import load_rules
from services.notify.rules.kinds import IndexRule
from services.runtime.yamlfile import YamlFileError

DURATION = "must be a whole number of up to six digits and s, m, h or d, as in 30m"
RULES = """\
version: 1
rules:
  - id: low
    kind: below_target
    scopes: [unit, commune]
    window: 7d
    target: 80
    for: 1h
    keep_firing_for: 12h
    severity: warning
  - &fall
    id: fall
    kind: drop
    scopes: [unit]
    window: 7d
    for: 1h
    keep_firing_for: 12h
    severity: critical
"""


def problems(folder: Path, content: str | bytes) -> list[str]:
    """What is wrong with a rule file, without its path."""
    path = folder / "rules.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(YamlFileError) as raised:
        load_rules(path)
    assert str(raised.value) == "\n".join(raised.value.problems)
    assert all(problem.startswith(f"{path}:") for problem in raised.value.problems)
    return [problem.removeprefix(f"{path}:") for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "    target: 80\n    for: 1h",
            "    target: 101\n    for: soon",
            [
                "7:13: rules.0.target: Input should be less than or equal to 100",
                f"8:10: rules.0.for: {DURATION}",
            ],
        ),
        ("    for: 1h\n", "", ["3:5: rules.0.for: Field required"]),
        (
            "    for: 1h\n",
            "    for:\n",
            [f"8:9: rules.0.for: {DURATION}"],
        ),
        ("severity: w", "alfa: 1\n    severity: w", ["10:5: rules.0.alfa: Extra inputs are not"]),
        ("[unit, commune]", "[unit, village]", ["5:20: rules.0.scopes.1: Input should be 'unit'"]),
        ("[unit, commune]", "[village]", ["5:14: rules.0.scopes.0: Input should be 'unit'"]),
        ("[unit, commune]", "[]", ["5:13: rules.0.scopes: Tuple should have at least 1 item"]),
        ("below_target", "guess", ["4:11: rules.0.kind: must be one of 'below_target', 'drop'"]),
        ("    kind: below_target\n", "", ["3:5: rules.0.kind: Field required"]),
        ("id: fall", "id: low", ["12:9: rules.1.id: must be unique"]),
        ("version: 1", "version: 2", ["1:10: version: Input should be 1"]),
        ("version: 1", "version: 1\nversion: 1", ["2:1: version: stands already in line 1"]),
        (
            "    target: 80\n",
            "    target: 80\n    for: 2h\n    id: HIGH\n",
            [
                "9:5: rules.0.id: stands already in line 3",
                "9:9: rules.0.id: String should match pattern",
                "10:5: rules.0.for: stands already in line 8",
            ],
        ),
        ("version: 1", "version: [1", ["2:6: file: is not YAML: expected ',' or ']', but got"]),
        ("    window", "   window", ["6:4: file: is not YAML: expected <block end>, but found"]),
        ("id: low", "id: *low", ["3:9: file: is not YAML: found undefined alias 'low'"]),
        ("target: 80", "target: 2026-13-01", ["7:13: file: is not YAML: month must be in 1..12"]),
        ("id: low", "id: l\0w", ["3:10: file: is not YAML: special characters are not allowed"]),
        ("version: 1", "version: " + 2000 * "[", ["1:1: file: is nested too deeply"]),
        ("version: 1", "---\nversion: 1\n---", ["3:1: file: is not YAML: but found another"]),
    ],
)
def test_every_problem_has_its_place(
    tmp_path: Path, before: str, after: str, expected: list[str]
) -> None:
    assert before in RULES
    found = problems(tmp_path, RULES.replace(before, after, 1))
    assert len(found) == len(expected), found
    for line, beginning in zip(found, expected, strict=True):
        assert line.startswith(beginning)


def test_what_is_merged_in_stands_where_it_was_written(tmp_path: Path) -> None:
    added = "  - <<: *fall\n    id: fall-24h\n    window: 24h\n"
    path = tmp_path / "good.yaml"
    path.write_text(RULES + added)
    windows = [rule.window for rule in load_rules(path) if isinstance(rule, IndexRule)]
    assert windows == ["7d", "7d", "24h"], "no key is doubled"
    wrong = RULES.replace("12h\n    severity: c", "12\n    severity: c")
    assert problems(tmp_path, wrong + added) == [
        f"17:22: rules.{number}.keep_firing_for: {DURATION}" for number in (1, 2)
    ]
    assert problems(tmp_path, RULES + added.replace("24h\n", "9d\n")) == [
        "21:13: rules.2.window: must be one of 24h, 7d, 30d, 90d"
    ]


def test_what_contains_itself_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "version: 1\nrules: &all [*all]\n")
    assert found.startswith("2:8: rules.0: ")


@pytest.mark.parametrize("content", ["", "# only a comment\n", "null"])
def test_a_file_without_content_has_a_place_too(tmp_path: Path, content: str) -> None:
    (found,) = problems(tmp_path, content)
    assert found.startswith("1:1: file: Input should be a valid dictionary")


def test_other_encodings_are_refused_where_they_begin_to_differ(tmp_path: Path) -> None:
    content = "version: 1\n# Đánh giá\n# ".encode() + "giá".encode("latin-1")
    assert problems(tmp_path, content) == ["3:5: file: must be UTF-8"]


def test_a_file_that_cannot_be_read_has_no_place(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "nowhere.yaml", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(YamlFileError) as raised:
            load_rules(path)
        assert raised.value.problems == (f"{path}: {reason}",)


def test_a_mapping_of_the_import_names_the_places_too(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        dedent("""\
        name: paper
        format: csv
        columns:
          unit: u
          occurred_at: t
          answers: {overall: q, speed: r}
        scale:
          values: {Tốt: 5, Kém: 9}
        units: {Hà Nội: 000.00.01.H26, Hà Nội: 000.00.02.H26}
        instrument: kiosk
        """),
        encoding="utf-8",
    )
    with pytest.raises(YamlFileError) as raised:
        load_mapping(path)
    assert [line.removeprefix(f"{path}:") for line in raised.value.problems] == [
        "8:25: scale.values.Kém: Input should be less than or equal to 5",
        "9:32: units.Hà Nội: stands already in line 9",
    ]
    path.write_text(path.read_text("utf-8").replace("9}", "1}").replace(", Hà Nội", ", Huế"))
    with pytest.raises(YamlFileError) as raised:
        load_mapping(path)
    assert str(raised.value) == f"{path}:6:32: columns.answers.speed: is not in kiosk"
