"""`langnghe rules test`: do the rules make of answers what they should?"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from langnghe.console import FAILED, MISUSED, results, stop
from langnghe.rules.simulation import Simulation
from langnghe.rules.testfile import Case, Expectation, ExpectedAlert, RuleTests, load_tests
from method.period import LOCAL_ZONE, local_day
from schemas.figure import Figure
from schemas.scope import Scope
from services.notify.alerts.lifecycle import Alert
from services.notify.rules.kinds import Change, Drift, IndexRule, Rule
from services.runtime.yamlfile import YamlFile, YamlFileError
from services.runtime.yamltree import Field


def _shown(moment: datetime) -> str:
    return moment.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _figure_shown(figure: Figure) -> str:
    return f"{figure.index} % of {figure.n}" if figure.n else "no answers"


def _was(simulation: Simulation, rule: Rule, scope: Scope) -> str:
    """What there was of an alert, and the figures that the rule read."""
    alert, index = simulation.alerts.get((rule.id, scope)), simulation.indices.get(scope)
    was = "no alert"
    if alert is not None:
        was = f"{alert.state} ({alert.severity}) since {_shown(alert.changed_at)}"
    if not isinstance(rule, IndexRule):
        return was
    if index is None:
        return f"{was}; no answers yet"
    if isinstance(rule, Change) and (chart := index.change):
        run = f"{chart.unsatisfied} of the last {chart.n} not satisfied"
        return f"{was}; chart: {chart.statistic}, {run}, usual index {chart.usual} %"
    if isinstance(rule, Drift) and (trend := index.trend):
        usual = f"usual index {trend.usual} %, {trend.deviation} standard deviations below it"
        return f"{was}; trend: {trend.index} % of {trend.n}, {usual}"
    window = index.windows[rule.window]
    current, previous = _figure_shown(window.current), _figure_shown(window.previous)
    return f"{was}; {rule.window}: {current}, before that {previous}"


def _moment(value: datetime | None) -> str:
    return _shown(value) if value is not None else "none"


def _given(want: ExpectedAlert, start: datetime) -> dict[str, str]:
    """What is expected of how an alert is handled and told, as it is shown."""
    values = want.model_dump(include={"handling", "escalated", "held"}, exclude_none=True)
    times = want.model_dump(include={"answer_due", "told_at"}, exclude_unset=True)
    shown = {name: _moment(None if time is None else start + time) for name, time in times.items()}
    return {name: str(value) for name, value in values.items()} | shown


def _stands(alert: Alert) -> dict[str, str]:
    """How an alert is handled and told, in the same words."""
    return {
        "handling": str(alert.handling),
        "escalated": str(alert.escalated),
        "held": str(alert.held is not None),
        "answer_due": _moment(alert.answer_due),
        "told_at": _moment(alert.told_at),
    }


def _differences(
    simulation: Simulation,
    rules: Mapping[str, Rule],
    expectation: Expectation,
    start: datetime,
) -> Iterator[tuple[Field, str]]:
    """What is not as expected: the field that expects it, and both sides of it."""
    expected = {(alert.rule, alert.scope): alert for alert in expectation.alerts}
    for number, (key, want) in enumerate(expected.items()):
        rule, found = rules[want.rule], simulation.alerts.get(key)
        given = _given(want, start)
        stands = _stands(found) if found is not None else {}
        wrong = {name: stands.get(name) for name in given if stands.get(name) != given[name]}
        if (
            found is None
            or found.state is not want.state
            or want.severity not in {None, found.severity}
            or wrong
        ):
            wanted = f"{want.state} ({want.severity})" if want.severity else want.state
            wanted = ", ".join([wanted, *(f"{name} {given[name]}" for name in wrong)])
            was = _was(simulation, rule, want.scope)
            if found is not None and wrong:
                was = "; ".join([was, *(f"{name} {value}" for name, value in wrong.items())])
            yield ("alerts", number), f"{want.rule} of {want.scope}: expected {wanted}, was {was}"
    for key, found in simulation.alerts.items():
        if found.open and key not in expected:
            was = _was(simulation, rules[found.rule], found.scope)
            yield ("alerts",), f"{found.rule} of {found.scope}: expected none, was {was}"


def _failures(
    file: YamlFile[RuleTests], rules: Mapping[str, Rule], number: int, case: Case
) -> Iterator[str]:
    """A line for everything that is not as a case expects, with its place in the file."""
    start, interval = file.value.start, file.value.interval
    simulation = Simulation(rules, case.answers, start, case.above, case.kiosks)
    last = max(time for times in case.times().values() for time in times)
    for step in range(last // interval + 1):
        now = start + step * interval
        simulation.step(now)
        for place, one in enumerate(case.replies):
            if start + one.at == now:
                due = None if one.due is None else local_day(start + one.due)
                refused = simulation.answer(one.rule, one.scope, one.kind, due, now)
                if refused:
                    at = file.at("cases", number, "replies", place)
                    yield f"{at}: {_shown(now)}: {one.kind} to {one.rule} of {one.scope}: {refused}"
        for place, expectation in enumerate(case.expect):
            if start + expectation.at == now:
                for field, difference in _differences(simulation, rules, expectation, start):
                    at = file.at("cases", number, "expect", place, *field)
                    yield f"{at}: {_shown(now)}: {difference}"


def command(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, readable=True, help="Test files"),
    ],
) -> None:
    """Let answers come in, in simulated time, and compare the alerts with those expected.

    Exit 0 when every case holds, 1 when one does not, 2 when a file cannot be used.
    """
    loaded = []
    problems: list[str] = []
    for path in files:
        try:
            loaded.append(load_tests(path))
        except YamlFileError as error:
            problems += error.problems
    if problems:
        stop("\n".join(problems), MISUSED)
    failed = 0
    for file, rules in loaded:
        for number, case in enumerate(file.value.cases):
            failures = list(_failures(file, rules, number, case))
            failed += bool(failures)
            results.print(f"{'FAILED' if failures else 'holds'}: {case.name}", markup=False)
            for failure in failures:
                results.print(f"  {failure}", markup=False)
    if failed:
        raise typer.Exit(FAILED)
