"""`inhibited_by`: what a rule file may say, and that holders are read before those they hold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.rules.file import load_rules
from services.notify.rules.inhibition import broken, in_order
from services.notify.rules.kinds import Drop
from services.runtime.yamlfile import YamlFileError

RULES = """version: 1
rules:
  - {id: a, kind: drop, scopes: [unit], window: 7d, for: 90s, keep_firing_for: 2d, severity: info}
  - id: b
    kind: drop
    scopes: [unit, province]
    window: 7d
    for: 90s
    keep_firing_for: 2d
    severity: critical
    inhibited_by: [a]
    repeat_every: 1d
"""


def rule(name: str, *by: str, scopes: tuple[str, ...] = ("unit",)) -> Drop:
    values = {"id": name, "kind": "drop", "window": "7d", "for": "0s", "keep_firing_for": "0s"}
    return Drop.model_validate(
        {**values, "severity": "warning", "scopes": scopes, "inhibited_by": by}
    )


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("[a]", "[a, z]", "11:23: rules.1.inhibited_by.1: must be the id of a rule of this file"),
        ("[a]", "[b]", "11:19: rules.1.inhibited_by: must not lead back to the rule itself: b → b"),
        (
            "info}",
            "info, inhibited_by: [b]}",
            "3:114: rules.0.inhibited_by: must not lead back to the rule itself: a → b → a",
        ),
        (
            "[unit, province]",
            "[province]",
            "11:20: rules.1.inhibited_by.0: must be a rule that watches a kind of scope that this",
        ),
        ("[a]", "[A]", "11:20: rules.1.inhibited_by.0: String should match pattern"),
        ("1d", "59m", "12:19: rules.1.repeat_every: must be 1h or more"),
        (
            "severity: critical",
            "severity: info",
            "12:19: rules.1.repeat_every: must not be there with severity info",
        ),
    ],
)
def test_a_wrong_word_is_refused_by_its_place(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    path = tmp_path / "rules.yaml"
    assert before in RULES
    path.write_text(RULES)
    assert [one.inhibited_by for one in load_rules(path)] == [(), ("a",)]
    path.write_text(RULES.replace(before, after))
    with pytest.raises(YamlFileError) as raised:
        load_rules(path)
    assert str(raised.value).startswith(f"{path}:{problem}"), raised.value


NAMES = [f"r{number}" for number in range(6)]


@given(st.permutations(NAMES), st.data())
def test_holders_come_first_and_nothing_else_is_refused(
    names: list[str], data: st.DataObject
) -> None:
    rules = [
        rule(name, *data.draw(st.sets(st.sampled_from(NAMES[:number]))) if number else ())
        for number, name in enumerate(NAMES)
    ]
    mixed = sorted(rules, key=lambda one: names.index(one.id))
    assert list(broken(mixed)) == []
    order = [one.id for one in in_order(mixed)]
    assert sorted(order) == NAMES
    for one in rules:
        assert all(order.index(by) < order.index(one.id) for by in one.inhibited_by)
