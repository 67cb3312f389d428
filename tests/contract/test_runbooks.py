"""Every alert of operators has its page, and what a page says to type exists."""

import re
import shlex
from pathlib import Path

from typer import Context
from typer.core import TyperGroup
from typer.main import get_command

from langnghe.cli import app
from tests.contract.test_prometheus import known
from tests.watching import rules

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def runbooks() -> dict[str, str]:
    """What stands under each heading of the runbooks."""
    text = TEXT.split("\n## Runbooks\n")[1].split("\n## ")[0]
    parts = re.split(r"^### (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def quoted(beginning: str) -> list[str]:
    """What stands in backquotes and begins so, on one line."""
    found = re.findall(r"`([^`]+)`", re.sub(r"\s+", " ", TEXT))
    return [one for one in found if re.match(beginning, one)]


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    found = runbooks()
    assert list(found) == sorted(found)
    assert found.keys() == {rule["alert"] for rule in rules("alert")}
    for name, section in found.items():
        for part in ("**Means.**", "**Look.**", "**Mend.**", "**Wake.**"):
            assert part in section, (name, part)


def test_every_alert_says_it_in_both_languages_and_leads_to_its_runbook() -> None:
    for rule in rules("alert"):
        name, notes, section = rule["alert"], rule["annotations"], runbooks()[rule["alert"]]
        assert notes.keys() == {"summary", "description", "runbook_url"}, name
        assert notes["runbook_url"] == f"docs/operations.md#{name.lower()}"
        assert f"`{rule['labels']['severity']}`" in section, name
        assert rule["labels"]["severity"] in {"critical", "warning"}, name
        vietnamese, _, english = notes["summary"].partition(" / ")
        assert english, name
        assert " / " in notes["description"], name
        title = re.sub(r" ?\(?\{\{[^}]*\}\}\)?", " …", vietnamese).strip()
        assert f"**{title}**" in section, name


def test_every_metric_that_the_page_names_exists() -> None:
    named = set(re.findall(r"\blangnghe[_:][\w:]+", TEXT))
    assert len(named) > 10
    assert named <= known().keys() | {rule["record"] for rule in rules("record")} | {
        name.removesuffix("_count") for name in known()
    }


def test_every_command_that_the_page_names_exists() -> None:
    commands = quoted(r"langnghe [a-z]")
    assert len(commands) > 10
    for line in commands:
        group = get_command(app)
        words = shlex.split(line)[1:]
        while isinstance(group, TyperGroup) and words:
            found = group.get_command(Context(group), words.pop(0))
            assert found is not None, line
            group = found
        options = {option for parameter in group.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, line
