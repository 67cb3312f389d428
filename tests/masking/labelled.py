"""Reads the labelled comments beside this file, and measures masking against them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from schemas.masking import EMAIL_MASK, NUMBER_MASK, find

_MARK = re.compile(r"\{(\w+):([^}]*)\}")


class Label(NamedTuple):
    """A piece of personal data in a comment."""

    kind: str
    start: int
    end: int


class Comment(NamedTuple):
    """A comment and what has to be hidden in it."""

    text: str
    labels: tuple[Label, ...]


class Share(NamedTuple):
    """A part of a whole: labels that were hidden, or masks that hide nothing else."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """Between 0 and 1."""
        return self.part / self.whole

    def __str__(self) -> str:
        return f"{self.part} of {self.whole} ({self.value:.3f})"


def _comment(line: str) -> Comment:
    text, end = "", 0
    labels: list[Label] = []
    for match in _MARK.finditer(line):
        text += line[end : match.start()]
        labels.append(Label(match[1], len(text), len(text) + len(match[2])))
        text += match[2]
        end = match.end()
    return Comment(text + line[end:], tuple(labels))


def comments(name: str) -> list[Comment]:
    """The comments of a file: `ordinary`, `obfuscated` or `kept`."""
    path = Path(__file__).with_name(f"{name}.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_comment(line) for line in lines if line and not line.startswith("#")]


def _letters(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Places of letters and digits in spans: what stands between them tells nothing."""
    for start, end in spans:
        yield from (place for place in range(start, end) if text[place].isalnum())


def recall(name: str) -> dict[str, Share]:
    """For each kind in a file, how many labels are hidden whole."""
    hidden_labels, all_labels = Counter[str](), Counter[str]()
    for text, labels in comments(name):
        hidden = set(_letters(text, ((found.start, found.end) for found in find(text))))
        for label in labels:
            all_labels[label.kind] += 1
            hidden_labels[label.kind] += hidden.issuperset(_letters(text, [label[1:]]))
    return {kind: Share(hidden_labels[kind], count) for kind, count in all_labels.items()}


def precision(*names: str) -> dict[str, Share]:
    """For each mask, how often it hides nothing but personal data, over several files."""
    right, used = Counter[str](), Counter[str]()
    for text, labels in (comment for name in names for comment in comments(name)):
        personal = set(_letters(text, (label[1:] for label in labels)))
        for found in find(text):
            used[found.mask] += 1
            right[found.mask] += personal.issuperset(_letters(text, [found[:2]]))
    return {mask: Share(right[mask], used[mask]) for mask in (NUMBER_MASK, EMAIL_MASK)}


def table() -> str:
    """The figures as docs/personal-data.md shows them."""
    ordinary, obfuscated = recall("ordinary"), recall("obfuscated")
    lines = ["| what | found, usual spelling | found, spelled out or disguised |", "|---|---|---|"]
    lines += [f"| {kind} | {ordinary[kind]} | {obfuscated.get(kind, '')} |" for kind in ordinary]
    lines += ["", "| mask | hides nothing else |", "|---|---|"]
    shares = precision("ordinary", "obfuscated", "kept")
    lines += [f"| `{mask}` | {share} |" for mask, share in shares.items()]
    return "\n".join(lines) + "\n"
