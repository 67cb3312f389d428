"""Which figures are withheld, so that no small one can be read or worked out from the others.

A figure of fewer than `publish_from` answers (`definitions.yaml`) may tell what one person said.
Leaving it out is not enough: it also must not follow by taking published parts from a published
whole. So more is withheld until, for every whole and the parts that it is the sum of:

- what is not shown of a shown whole (its withheld parts, and the rest that no part holds, such as
  answers that name no service field) is nothing, or at least `publish_from` answers in at least two
  pieces: neither a small number nor one withheld figure is left over;
- of a whole that is withheld although it is large, at least `publish_from` answers are not shown
  among its parts, so that it cannot be added up again.

Protected: within one tree of sums (the offices of the country in one window; its service fields in
one window; the windows of one scope), whatever follows by adding and subtracting any number of
shown figures is 0 or at least `publish_from` answers, and is no withheld figure. For a tree, these
two rules for each whole and its direct parts are enough for all depths.

Not protected: what somebody works out who combines several windows *and* several scopes; who
watches the same figure from one update to the next (an answer that arrives moves it by one); who
knows some of the answers already, as an office knows its own; or what a figure of `publish_from` or
more says by itself, when all have answered alike. No answers (n = 0) is always shown: it tells
nothing about anybody. Where parts add up to more than their whole, as when an office has moved to
another commune within the window, the rest is taken as nothing.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

Cell = TypeVar("Cell", bound=Hashable)
"""Whatever names one figure."""


class Whole(NamedTuple, Generic[Cell]):
    """A figure and the figures that it is the sum of, but for a rest. They do not overlap."""

    figure: Cell
    parts: tuple[Cell, ...]


class Sums(Generic[Cell]):
    """Which published figures are sums of which others."""

    def __init__(self, wholes: Iterable[Whole[Cell]]) -> None:
        """Hold the wholes, those further up first; a figure may be a part of several."""
        self._wholes = list(wholes)
        self._touching: dict[Cell, list[int]] = defaultdict(list)
        for place, whole in enumerate(self._wholes):
            for cell in (whole.figure, *whole.parts):
                self._touching[cell].append(place)

    def withheld(
        self,
        n: Mapping[Cell, int],
        publish_from: int,
        *,
        also: Collection[Cell] = (),
        keep: Collection[Cell] = (),
    ) -> set[Cell]:
        """The figures to withhold; of parts that would do, the smallest, then the first named.

        Args:
            n: answers of each figure; one that is missing has none.
            publish_from: the smallest n that is shown.
            also: withheld for another reason.
            keep: withheld only when no other part is left.
        """
        out = {cell for cell, count in n.items() if 0 < count < publish_from}
        out.update(also)
        queue = deque(range(len(self._wholes)))
        waiting = set(queue)
        while queue:
            place = queue.popleft()
            waiting.discard(place)
            while (cell := _next(self._wholes[place], n, publish_from, out, keep)) is not None:
                out.add(cell)
                for other in self._touching[cell]:
                    if other != place and other not in waiting:
                        waiting.add(other)
                        queue.append(other)
        return out


def _next(
    whole: Whole[Cell],
    n: Mapping[Cell, int],
    publish_from: int,
    out: Collection[Cell],
    keep: Collection[Cell],
) -> Cell | None:
    """What has to be withheld next for the sake of one whole; None when it is safe."""
    total = n.get(whole.figure, 0)
    if total == 0:
        return None
    summed = hidden = pieces = 0
    shown: list[Cell] = []
    for part in whole.parts:
        if count := n.get(part, 0):
            summed += count
            if part in out:
                hidden += count
                pieces += 1
            else:
                shown.append(part)
    rest = max(0, total - summed)
    unseen = hidden + rest
    if whole.figure in out:
        if total < publish_from or unseen >= publish_from:
            return None
    elif unseen == 0 or (unseen >= publish_from and (pieces == 0 or pieces + (rest > 0) > 1)):
        return None
    if shown:
        return min(shown, key=lambda part: (part in keep, n[part]))
    # One part is all of it: to show the whole would be to show the part.
    return None if whole.figure in out else whole.figure
