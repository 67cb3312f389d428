"""`langnghe rules`: what it says of good files and of bad ones, and how it ends."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from langnghe.cli import app
from schemas.export import ROOT

SHIPPED = ROOT / "deploy" / "rules"


def rules(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of a command."""
    result = CliRunner().invoke(app, ["rules", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


DROP = """
    min_points: 5
    min_n: 30
    for: 1h
    keep_firing_for: 12h
    severity: info
"""

SILENT = """\
    keep_firing_for: 10m
    severity: warning
"""

DRIFT = """
    limit: 3.25
    min_n: 30
    for: 0s
    keep_firing_for: 2d
    severity: warning
"""

RULES = """\
version: 1
rules:
  - id: low
    kind: below_target
    scopes: [unit]
    window: 24h
    target: 80
    min_n: 10
    for: 1h
    keep_firing_for: 2h
    severity: warning
  - {id: fall, kind: drop, scopes: [country], window: 24h, for: 0s, keep_firing_for: 1h,
     severity: info}
"""

CASES = """\
rules: rules.yaml
start: 2026-11-02T07:00
interval: 30m
cases:
  - name: fires
    answers:
      - {scope: unit:A, from: 0h, to: 5h, every: 1h, levels: {1: 3, 2: 2}}
    expect:
      - at: 30m
        alerts: []
      - at: 1h
        alerts:
          - {rule: low, scope: unit:A, state: pending}
      - {at: 2h, alerts: [{rule: low, scope: unit:A, state: firing, severity: warning}]}
  - name: does not
    answers:
      - {scope: unit:A, from: 0h, levels: {5: 30}}
    expect:
      - {at: 3h, alerts: []}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Rules and their cases, all of which hold."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "cases.yaml").write_text(CASES)
    return tmp_path


def place(path: Path, text: str) -> str:
    """`path:line:column` of the first such text in a file."""
    before, found, _ = path.read_text("utf-8").partition(text)
    assert found, f"{text} is not in the file"
    return f"{path}:{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text, f"{before} is no longer in the file"
    path.write_text(text.replace(before, after, 1), "utf-8")


def test_check_finds_every_problem_of_every_file(folder: Path) -> None:
    good, bad, text = folder / "rules.yaml", folder / "bad.yaml", folder / "text.yaml"
    bad.write_text(100 * "#\n" + RULES)
    change(bad, "target: 80", "target: eighty")
    change(bad, "for: 0s", "for: 0s, for: 1s")
    text.write_text("rules: [")
    code, output = rules("check", bad, good, text)
    assert code == 1
    assert output.splitlines() == [
        (
            f"{bad}:107:13: rules.0.target: Input should be a valid number, unable to parse "
            "string as a number"
        ),
        f"{bad}:112:69: rules.1.for: stands already in line 112",
        f"{good}: good, 2 rules",
        (
            f"{text}:1:9: file: is not YAML: expected the node content, but found '<stream end>' "
            "(while parsing a flow node, line 1)"
        ),
    ]


def test_a_place_is_not_taken_for_a_picture(folder: Path) -> None:
    path = folder / "rules.yaml"
    path.write_text(99 * "#\n" + "version: 2\nrules: []")
    assert rules("check", path) == (1, f"{path}:100:10: version: Input should be 1\n")


def test_the_shipped_rules_are_good() -> None:
    for file, count in ((SHIPPED / "rules.yaml", 5), (ROOT / "deploy" / "demo" / "rules.yaml", 2)):
        assert rules("check", file) == (0, f"{file}: good, {count} rules\n")


@pytest.mark.parametrize("command", ["check", "test"])
def test_without_a_file_that_is_there_nothing_is_done(command: str, tmp_path: Path) -> None:
    for arguments in ((), (tmp_path / "nowhere.yaml",), (tmp_path,)):
        code, output = rules(command, *arguments)
        assert code == 2
        assert "good" not in output


def test_the_shipped_rules_do_what_their_cases_say() -> None:
    code, output = rules("test", SHIPPED / "rules.test.yaml")
    assert code == 0, output
    assert output.count("holds: ") == len(output.splitlines()) == 17


def test_the_documented_case_holds_for_the_shipped_rules(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "alerting.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(rules: .+?)```", page, re.DOTALL)
    path = tmp_path / "rules.test.yaml"
    path.write_text(example, "utf-8")
    (tmp_path / "rules.yaml").write_text((SHIPPED / "rules.yaml").read_text("utf-8"), "utf-8")
    code, output = rules("test", path)
    assert code == 0, output
    path.write_text(example.rstrip().rpartition("\n")[0], "utf-8")
    said = " ".join(rules("test", path)[1].replace(str(path), path.name).split())
    assert said in " ".join(page.split()), "the page shows what the command says"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("false_alarm_every: 1200d", "false_alarm_every: 1d"),
        ("false_alarm_every: 1200d", "false_alarm_every: 999999d"),
        ("for: 0s", "for: 10m"),
        ("keep_firing_for: 12h", "keep_firing_for: 13h"),
        ("severity: critical", "severity: warning"),
        ("repeat_every: 1d", "repeat_every: 2d"),
        ("acknowledge_within: 2d", "acknowledge_within: 3d"),
        ("acknowledge_within: 2d", "acknowledge_within: 1d"),
        ("plan_within: 5d", "plan_within: 6d"),
        ("plan_within: 5d", "plan_within: 4d"),
        ("inhibited_by: [change]", "inhibited_by: []"),
        ("inhibited_by: [silent-kiosk] #", "inhibited_by: [] #"),
        ("inhibited_by: [silent-kiosk]\n", "inhibited_by: []\n"),
        ("target: 80", "target: 72"),
        ("confidence: 0.99", "confidence: 0.6"),
        ("confidence: 0.99\n    min_n: 30", "confidence: 0.99\n    min_n: 31"),
        ("for: 1h", "for: 70m"),
        ("for: 1h\n    keep_firing_for: 12h", "for: 1h\n    keep_firing_for: 710m"),
        ("window: 30d\n    target", "window: 24h\n    target"),
        ("severity: warning", "severity: info"),
        ("alpha: 0.01", "alpha: 0.2"),
        ("min_points: 5", "min_points: 3"),
        ("min_points: 5\n    min_n: 30", "min_points: 5\n    min_n: 90"),
        (DRIFT, DRIFT.replace("3.25", "2.2")),
        (DRIFT, DRIFT.replace("3.25", "3.5")),
        (DRIFT, DRIFT.replace("30", "29")),
        (DRIFT, DRIFT.replace("30", "31")),
        (DRIFT, DRIFT.replace("0s", "10m")),
        (DRIFT, DRIFT.replace("2d", "1d")),
        (DRIFT, DRIFT.replace("warning", "info")),
        (DROP, DROP.replace("1h", "70m")),
        (DROP, DROP.replace("12h", "13h")),
        (DROP, DROP.replace("info", "critical")),
        ("silent_for: 2h", "silent_for: 110m"),
        ("silent_for: 2h", "silent_for: 130m"),
        (SILENT, SILENT.replace("10m", "20m")),
        (SILENT, SILENT.replace("10m", "0m")),
        (SILENT, SILENT.replace("warning", "info")),
        (SILENT, f"    for: 10m\n{SILENT}"),
    ],
)
def test_the_cases_hold_for_the_shipped_settings_only(
    tmp_path: Path, before: str, after: str
) -> None:
    for name in ("rules.yaml", "rules.test.yaml"):
        (tmp_path / name).write_text((SHIPPED / name).read_text("utf-8"), "utf-8")
    change(tmp_path / "rules.yaml", before, after)
    code, output = rules("test", tmp_path / "rules.test.yaml")
    assert "FAILED: " in output, output
    assert code == 1


def test_cases_that_hold_are_named(folder: Path) -> None:
    assert rules("test", folder / "cases.yaml") == (0, "holds: fires\nholds: does not\n")


@pytest.mark.parametrize(
    ("before", "after", "where", "difference"),
    [
        (
            "state: firing, severity: warning",
            "state: firing, handling: done, escalated: 0, answer_due: 1h, held: true, told_at: 2h",
            "{rule: low, scope: unit:A, state: firing",
            (
                "2026-11-02 09:00:00: low of unit:A: expected firing, handling done, held True, "
                "answer_due 2026-11-02 08:00:00, was firing (warning) since 2026-11-02 09:00:00; "
                "24h: 0.0 % of 15, before that no answers; handling waiting; held False; "
                "answer_due none"
            ),
        ),
        (
            "state: firing, severity: warning}]",
            "state: firing}, {rule: low, scope: unit:B, state: lapsed}]",
            "{rule: low, scope: unit:B",
            "2026-11-02 09:00:00: low of unit:B: expected lapsed, was no alert; no answers yet",
        ),
        (
            "state: firing, severity: warning",
            "state: resolved",
            "{rule: low, scope: unit:A, state: resolved",
            (
                "2026-11-02 09:00:00: low of unit:A: expected resolved, was firing (warning) since "
                "2026-11-02 09:00:00; 24h: 0.0 % of 15, before that no answers"
            ),
        ),
        (
            "state: firing, severity: warning",
            "state: firing, severity: info",
            "{rule: low, scope: unit:A, state: firing",
            (
                "2026-11-02 09:00:00: low of unit:A: expected firing (info), was firing (warning) "
                "since 2026-11-02 09:00:00; 24h: 0.0 % of 15, before that no answers"
            ),
        ),
        (
            "state: pending",
            "state: firing",
            "{rule: low, scope: unit:A, state: firing",
            (
                "2026-11-02 08:00:00: low of unit:A: expected firing, was pending (warning) since "
                "2026-11-02 08:00:00; 24h: 0.0 % of 10, before that no answers"
            ),
        ),
        (
            "alerts: []",
            "alerts: [{rule: fall, scope: country, state: firing}]",
            "{rule: fall",
            "2026-11-02 07:30:00: fall of country: expected firing, was no alert; no answers yet",
        ),
        (
            "at: 30m",
            "at: 1h",
            "[]",
            (
                "2026-11-02 08:00:00: low of unit:A: expected none, was pending (warning) since "
                "2026-11-02 08:00:00; 24h: 0.0 % of 10, before that no answers"
            ),
        ),
    ],
)
def test_a_wrong_expectation_fails_and_says_what_there_was(
    folder: Path, before: str, after: str, where: str, difference: str
) -> None:
    path = folder / "cases.yaml"
    change(path, before, after)
    lines = ["FAILED: fires", f"  {place(path, where)}: {difference}", "holds: does not", ""]
    assert rules("test", path) == (1, "\n".join(lines))


@pytest.mark.parametrize(
    ("reply", "time", "refused"),
    [
        ("at: 30m, kind: acknowledged", "07:30", "there is no alert"),
        ("at: 1h, kind: acknowledged", "08:00", "the alert is pending"),
        (
            "at: 2h, kind: result",
            "09:00",
            "kind of an alert that is waiting must be acknowledged, cause, plan",
        ),
        ("at: 2h, kind: plan", "09:00", "due must be there with kind plan, and with no other"),
        (
            "at: 2h, kind: plan, due: 181d",
            "09:00",
            "due must be today or later, and within 180 days",
        ),
        (
            "at: 8h, kind: result",
            "15:00",
            "kind of an alert that is waiting must be acknowledged, ",
        ),
    ],
)
def test_a_reply_that_would_not_be_taken_fails_its_case(
    folder: Path, reply: str, time: str, refused: str
) -> None:
    path = folder / "cases.yaml"
    change(
        path, "    expect:", f"    replies: [{{{reply}, rule: low, scope: unit:A}}]\n    expect:"
    )
    code, output = rules("test", path)
    assert code == 1
    where = f"{place(path, '{at')}: 2026-11-02 {time}:00"
    kind = reply.split("kind: ")[1].split(",", maxsplit=1)[0]
    said = f"FAILED: fires\n  {where}: {kind} to low of unit:A: {refused}"
    assert output.startswith(said), output


def test_a_reply_moves_the_handling_of_its_alert(folder: Path) -> None:
    path = folder / "cases.yaml"
    plan = "{at: 2h, kind: plan, due: 2d, rule: low, scope: unit:A}"
    change(path, "    expect:", f"    replies: [{plan}]\n    expect:")
    change(
        path,
        "firing, severity: warning",
        "firing, handling: planned, escalated: 0, answer_due: 2d17h, held: false, told_at: 2h",
    )
    assert rules("test", path) == (0, "holds: fires\nholds: does not\n")


def test_targets_go_by_what_a_case_says_stands_above(folder: Path) -> None:
    change(folder / "rules.yaml", "rules:", "targets: [{target: 20, level: commune}]\nrules:")
    cases = folder / "cases.yaml"
    change(cases, "levels: {1: 3, 2: 2}", "levels: {1: 3, 5: 2}")
    assert rules("test", cases)[0] == 0, "80 % is for what stands under nothing"
    change(cases, "answers:", "above: {unit:A: [commune:00004, province:01]}\n    answers:")
    code, output = rules("test", cases)
    assert code == 1
    assert "expected firing (warning), was no alert" in output


def test_every_difference_of_every_case_is_told(folder: Path) -> None:
    path = folder / "cases.yaml"
    path.write_text(CASES.replace("firing", "lapsed").replace("{5: 30}", "{5: 10, 1: 20}"))
    code, output = rules("test", path, path)
    assert code == 1
    assert output.count("FAILED: ") == 4
    assert output.count("expected lapsed (warning), was firing (warning)") == 2
    assert output.count("expected none, was firing") == 2


@pytest.mark.parametrize(
    ("before", "after", "where", "problem"),
    [
        ("start: 2026-11-02T07:00", "start: 5", "5", "start: must be a day or a time, as in 2026"),
        (
            "start: 2026-11-02T07:00",
            "start: noon",
            "noon",
            "start: Input should be a valid datetime",
        ),
        ("interval: 30m", "interval: 0m", "0m", "interval: must be more than nothing"),
        (
            "at: 30m",
            "at: 45m",
            "45m",
            "cases.0.expect.0.at: must be a multiple of the interval, 0:",
        ),
        ("from: 0h", "from: soon", "soon", "cases.0.answers.0.from: must be whole numbers with d,"),
        ("from: 0h", "from: ''", "''", "cases.0.answers.0.from: must be whole numbers with d, h,"),
        ("from: 0h", "from: 3", "3,", "cases.0.answers.0.from: must be whole numbers with d, h, m"),
        ("from: 0h", "from: 9999999d", "9999999d", "cases.0.answers.0.from: must be whole numbers"),
        ("from: 0h", "from: 5h", "5h, every", "cases.0.answers.0.to: must be later than from"),
        ("every: 1h, ", "", "{scope", "cases.0.answers.0: every and to go together"),
        ("every: 1h", "every: 0d", "0d", "cases.0.answers.0.every: must be more than nothing"),
        ("{1: 3,", "{6: 3,", "6: 3", "cases.0.answers.0.levels.6.[key]: Input should be less than"),
        ("{1: 3,", "{1: 0,", "0, 2", "cases.0.answers.0.levels.1: Input should be greater than or"),
        (
            "{1: 3,",
            "{1: 100001,",
            "100001",
            "cases.0.answers.0.levels.1: Input should be less than",
        ),
        ("unit:A", "village:A", "village", "cases.0.answers.0.scope: String should match pattern"),
        ("unit:A", "province:A", "province", "cases.0.answers.0.scope: no rule watches it"),
        ("alerts: []", "alerts: none", "none", "cases.0.expect.0.alerts: Input should be a valid"),
        ("        alerts: []\n", "", "at: 30m", "cases.0.expect.0.alerts: Field required"),
        (
            "rule: low",
            "rule: lo",
            "lo,",
            "cases.0.expect.1.alerts.0.rule: must be one of low, fall",
        ),
        ("state: pending", "state: red", "red", "cases.0.expect.1.alerts.0.state: Input should be"),
        (
            "firing, severity: warning}",
            "firing}, {rule: low, scope: unit:A, state: lapsed}",
            "{rule: low, scope: unit:A, state: lapsed}",
            "cases.0.expect.2.alerts.1: there is one newest alert of a rule at a scope",
        ),
        (
            "rule: low, scope: unit:A",
            "rule: low, scope: country",
            "country",
            "cases.0.expect.1.alerts.0.scope: low does not watch it",
        ),
        (
            "    expect:",
            "    replies: [{at: 45m, kind: plan, rule: low, scope: unit:A}]\n    expect:",
            "45m",
            "cases.0.replies.0.at: must be a multiple of the interval, 0:30:00",
        ),
        (
            "    expect:",
            "    replies: [{at: 1h, kind: shrug, rule: low, scope: unit:A}]\n    expect:",
            "shrug",
            "cases.0.replies.0.kind: Input should be 'acknowledged', ",
        ),
        (
            "    expect:",
            "    replies: [{at: 1h, kind: plan, due: soon, rule: lo, scope: unit:A}]\n    expect:",
            "soon",
            "cases.0.replies.0.due: must be whole numbers with d, h, m and s",
        ),
        (
            "    expect:",
            "    replies: [{at: 1h, kind: plan, rule: lo, scope: unit:A}]\n    expect:",
            "lo,",
            "cases.0.replies.0.rule: must be one of low, fall",
        ),
        (
            "    expect:",
            "    replies: [{at: 1h, kind: plan, rule: low, scope: country}]\n    expect:",
            "country",
            "cases.0.replies.0.scope: low does not watch it",
        ),
        (
            "state: pending}",
            "state: pending, escalated: -7}",
            "-7",
            "cases.0.expect.1.alerts.0.escalated: Input should be greater than or equal to 0",
        ),
        (
            "    expect:\n      - at: 30m",
            "    kiosks: [{scope: unit:A}]\n    expect:\n      - at: 30m",
            "[{scope: unit:A}]",
            "cases.0.kiosks: no rule watches kiosks",
        ),
        (
            "    expect:\n      - at: 30m",
            "    kiosks: [{scope: province:A}]\n    expect:\n      - at: 30m",
            "province:A",
            "cases.0.kiosks.0.scope: String should match pattern '^unit:'",
        ),
        (
            "    expect:",
            "    kiosks: [{scope: unit:A, heard: [{from: 1h, to: 1h, every: 1m}]}]\n    expect:",
            "1h, every: 1m",
            "cases.0.kiosks.0.heard.0.to: must be later than from",
        ),
        ("cases:", "cases: []\nothers:", "[]", "cases: Tuple should have at least 1 item"),
    ],
)
def test_a_test_file_that_cannot_be_used_is_refused_by_place(
    folder: Path, before: str, after: str, where: str, problem: str
) -> None:
    path, good = folder / "cases.yaml", folder / "good.yaml"
    good.write_text(CASES)
    change(path, before, after)
    code, output = rules("test", good, path)
    assert code == 2
    assert output.startswith(f"{place(path, where)}: {problem}")
    assert "holds" not in output, "nothing is run"


def test_rules_that_cannot_be_used_are_told_by_their_own_place(folder: Path) -> None:
    change(folder / "rules.yaml", "target: 80", "target: 180")
    code, output = rules("test", folder / "cases.yaml")
    assert code == 2
    assert output.startswith(f"{folder / 'rules.yaml'}:7:13: rules.0.target: ")
    (folder / "rules.yaml").unlink()
    lost = f"{folder / 'rules.yaml'}: No such file or directory\n"
    assert rules("test", folder / "cases.yaml") == (2, lost)


def test_a_rule_that_reads_no_index_is_left_out_of_the_measurement(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    rule = f"  - id: silent\n    kind: silent_kiosk\n    silent_for: 2h\n{SILENT}"
    path.write_text(f"version: 1\nrules:\n{rule}")
    code, output = rules("evaluate", path)
    said = " ".join(output.split())
    assert code == 2
    assert said.startswith("silent is left out: silent_kiosk reads no index ")
    assert said.endswith("no rule watches the indices of offices")
