"""Which rules hold others back: what a file may say of it, in what order rules are read. Pure.

An alert is held back while an alert fires, at the same scope, by a rule that its own rule names in
`inhibited_by`. Source of the idea: Prometheus Alertmanager, inhibition rules.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Protocol, TypeVar


class Inhibited(Protocol):
    """What is asked of a rule here."""

    @property
    def id(self) -> str: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    @property
    def inhibited_by(self) -> tuple[str, ...]: ...


AnyRule = TypeVar("AnyRule", bound=Inhibited)

Broken = tuple[tuple[int | str, ...], str]
"""A field, from the list of rules, and the rule that it breaks."""


def broken(rules: Sequence[Inhibited]) -> Iterator[Broken]:
    """What is wrong with the `inhibited_by` of rules whose ids are unique."""
    known = {rule.id: rule for rule in rules}
    for number, rule in enumerate(rules):
        for place, name in enumerate(rule.inhibited_by):
            field = (number, "inhibited_by", place)
            if name not in known:
                yield field, "must be the id of a rule of this file"
            elif not set(known[name].scopes) & set(rule.scopes):
                yield field, "must be a rule that watches a kind of scope that this one watches"
    if (cycle := _cycle(known)) is not None:
        number = next(n for n, rule in enumerate(rules) if rule.id in cycle)
        yield (
            (number, "inhibited_by"),
            f"must not lead back to the rule itself: {' → '.join(cycle)}",
        )


def _graph(rules: Iterable[Inhibited]) -> dict[str, tuple[str, ...]]:
    return {rule.id: rule.inhibited_by for rule in rules}


def _cycle(known: Mapping[str, Inhibited]) -> list[str] | None:
    try:
        TopologicalSorter(_graph(known.values())).prepare()
    except CycleError as error:
        # graphlib names a cycle from what comes first to what waits for it.
        return list(reversed(error.args[1]))
    return None


def in_order(rules: Sequence[AnyRule]) -> list[AnyRule]:
    """Rules, each after those that hold it back: one index may raise both, and must not tell of one
    that the other was about to hold back."""
    known = {rule.id: rule for rule in rules}
    order = TopologicalSorter(_graph(rules)).static_order()
    return [known[name] for name in order if name in known]
