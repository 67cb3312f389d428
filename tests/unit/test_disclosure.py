"""Small figures: nothing small, and no withheld figure, follows from what is published.

The trees are invented by Hypothesis; the attacks are written without the code they attack.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from method.definition import Definition, WindowLength, definitions
from method.disclosure import Sums, Whole
from method.nesting import Span, nested, window_spans

FROM = 10


@dataclass
class Node:
    """A figure, what it holds beside its parts, and its parts."""

    name: str
    rest: int
    parts: list["Node"] = field(default_factory=list)

    @property
    def n(self) -> int:
        return self.rest + sum(part.n for part in self.parts)

    def all(self) -> Iterator["Node"]:
        yield self
        for part in self.parts:
            yield from part.all()


counts = st.one_of(
    st.just(0), st.integers(1, 12), st.integers(1, 40), st.sampled_from([9, 10, 11, 500])
)
rests = st.one_of(st.just(0), st.just(0), counts)


@st.composite
def trees(draw: st.DrawFn, depth: int = 3, name: str = "c") -> Node:
    width = draw(st.integers(0, 4)) if depth else 0
    parts = [draw(trees(depth=depth - 1, name=f"{name}.{i}")) for i in range(width)]
    return Node(name, draw(rests if parts else counts), parts)


def sums_of(tree: Node) -> Sums[str]:
    return Sums(Whole(node.name, tuple(p.name for p in node.parts)) for node in tree.all())


def numbers(tree: Node) -> dict[str, int]:
    return {node.name: node.n for node in tree.all()}


def decide(tree: Node) -> set[str]:
    return sums_of(tree).withheld(numbers(tree), FROM)


def uncovered(node: Node, out: set[str]) -> list[int]:
    """What remains of a node when every shown figure below it is taken off: its pieces."""
    pieces = [node.rest] if node.rest else []
    for part in node.parts:
        if part.name in out:
            pieces += [part.n] if not part.parts else uncovered(part, out)
    return pieces


@settings(max_examples=300, deadline=None)
@given(trees())
def test_no_small_figure_follows_by_taking_shown_parts_from_a_shown_whole(tree: Node) -> None:
    out = decide(tree)
    for node in tree.all():
        if node.name in out:
            assert node.n > 0, "no answers are always shown"
            continue
        assert not 0 < node.n < FROM
        shown = sum(part.n for part in node.parts if part.name not in out)
        left = node.n - shown
        assert left == 0 or left >= FROM
        withheld = [part for part in node.parts if part.name in out]
        assert len(withheld) != 1 or left > withheld[0].n, "a single withheld figure is left over"
        deep = sum(uncovered(node, out)) if node.parts else 0
        assert deep == 0 or deep >= FROM


@settings(max_examples=300, deadline=None)
@given(trees())
def test_no_withheld_figure_is_a_combination_of_shown_ones(tree: Node) -> None:
    """The whole of linear algebra as an attacker, who knows which rests are nothing."""
    out = decide(tree)
    unknowns = [node.name for node in tree.all() if node.rest]

    def equation(node: Node) -> list[int]:
        inside = {below.name for below in node.all()}
        return [int(name in inside) for name in unknowns]

    equations = [equation(node) for node in tree.all() if node.name not in out]
    shown = np.array(equations, dtype=float).reshape(len(equations), len(unknowns))
    rank = np.linalg.matrix_rank(shown) if shown.size else 0
    for node in tree.all():
        if node.name in out:
            more = np.vstack([shown, equation(node)])
            assert np.linalg.matrix_rank(more) == rank + 1, f"{node.name} follows from the others"


@settings(max_examples=150, deadline=None)
@given(trees())
def test_deciding_again_changes_nothing(tree: Node) -> None:
    out = decide(tree)
    assert sums_of(tree).withheld(numbers(tree), FROM, also=out) == out
    assert decide(tree) == out


large = st.one_of(st.just(0), st.integers(FROM, 60))


@st.composite
def large_trees(draw: st.DrawFn, depth: int = 3, name: str = "c") -> Node:
    width = draw(st.integers(0, 4)) if depth else 0
    parts = [draw(large_trees(depth=depth - 1, name=f"{name}.{i}")) for i in range(width)]
    return Node(name, draw(large), parts)


@settings(max_examples=150, deadline=None)
@given(large_trees())
def test_nothing_is_withheld_where_nothing_is_small(tree: Node) -> None:
    assert decide(tree) == set()


@settings(max_examples=150, deadline=None)
@given(trees(depth=2), st.data())
def test_scopes_and_windows_hold_together(tree: Node, data: st.DataObject) -> None:
    """Each scope has three windows, each inside the next: no subtraction either way."""
    nodes = list(tree.all())
    rest = {
        (node.name, w): node.rest if w == 0 else data.draw(rests) if node.rest else 0
        for node, w in product(nodes, range(3))
    }
    n = {
        (node.name, w): sum(rest[below.name, v] for below in node.all() for v in range(w + 1))
        for node, w in product(nodes, range(3))
    }
    wholes = [
        Whole((node.name, w), tuple((p.name, w) for p in node.parts))
        for node, w in product(nodes, range(3))
    ] + [Whole((node.name, w), ((node.name, w - 1),)) for node in nodes for w in (2, 1)]
    out = Sums(wholes).withheld(n, FROM, keep={(node.name, 2) for node in nodes})
    for whole in wholes:
        if whole.figure in out:
            continue
        left = n[whole.figure] - sum(n[part] for part in whole.parts if part not in out)
        withheld = [part for part in whole.parts if part in out]
        assert left == 0 or left >= FROM or (left == n[whole.figure] and not withheld)
        assert len(withheld) != 1 or left > n[withheld[0]]


CASES = {
    "a small one takes the smallest other with it": ({"p": 150, "a": 3, "b": 47, "c": 100}, "ab"),
    "two small ones that are enough together": ({"p": 115, "a": 6, "b": 9, "c": 100}, "ab"),
    "two small ones that are not": ({"p": 127, "a": 3, "b": 4, "c": 120}, "abc"),
    "a small rest is not left over": ({"p": 155, "a": 50, "b": 100}, "a"),
    "a large rest hides nothing and needs nothing": ({"p": 170, "a": 50, "b": 100}, ""),
    "a small one and a large rest": ({"p": 170, "a": 5, "b": 100}, "a"),
    "of equals the first named": ({"p": 103, "a": 3, "b": 50, "c": 50}, "ab"),
    "no answers are shown": ({"p": 50, "a": 0, "b": 50}, ""),
    "a small whole": ({"p": 9, "a": 4, "b": 5}, "pab"),
    "parts beyond the whole": ({"p": 50, "a": 60, "b": 10}, ""),
}


@pytest.mark.parametrize(("n", "expected"), CASES.values(), ids=CASES)
def test_a_whole_and_its_parts(n: dict[str, int], expected: str) -> None:
    assert Sums([Whole("p", ("a", "b", "c"))]).withheld(n, FROM) == set(expected)


def test_a_withheld_whole_cannot_be_added_up_again() -> None:
    sums = Sums([Whole("p", ("a", "b"))])
    assert sums.withheld({"p": 100, "a": 60, "b": 40}, FROM, also={"p"}) == {"p", "b"}
    # One answer at `b` would leave one answer beside what is withheld of the others.
    assert sums.withheld({"p": 100, "a": 99, "b": 1}, FROM, also={"p"}) == {"p", "a", "b"}


def test_a_whole_goes_where_its_only_part_is_withheld() -> None:
    sums = Sums([Whole("p", ("a", "b"))])
    assert sums.withheld({"p": 50, "a": 50}, FROM, also={"a"}) == {"a", "p"}


def test_what_is_to_be_kept_goes_last() -> None:
    sums = Sums([Whole("p", ("a", "b"))])
    assert sums.withheld({"p": 105, "a": 40, "b": 60}, FROM, keep={"a"}) == {"b"}
    assert sums.withheld({"p": 45, "a": 40}, FROM, keep={"a"}) == {"a"}


def test_windows_and_days_lie_inside_one_another() -> None:
    spans = window_spans(definitions()[0]) | {str(n): Span("day", n, n + 1) for n in range(16)}
    assert {(w.figure, *w.parts) for w in nested(spans)} == {
        ("90d/current", "30d/current", "30d/previous"),
        ("30d/current", "7d/current", "7d/previous", "14", "15"),
        ("7d/current", "24h/current", "24h/previous"),
        ("7d/current", "0", "1", "2", "3", "4", "5", "6"),
        ("7d/previous", "7", "8", "9", "10", "11", "12", "13"),
        ("24h/current", "0"),
    }


def test_windows_that_do_not_nest_are_refused() -> None:
    values = definitions()[0].model_dump()
    values["windows"] = {"7d": WindowLength(days=7), "10d": WindowLength(days=10)}
    with pytest.raises(ValidationError, match="10 days must be at least twice 7 days"):
        Definition.model_validate(values)
