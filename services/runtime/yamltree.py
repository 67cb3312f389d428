"""The tree of a YAML file: what it says, and at which line and column each field stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

Field = tuple[int | str, ...]
"""Names and numbers that lead from the top of a file to a field: `("rules", 0, "for")`."""


class Place(NamedTuple):
    """Line and column, both from 1; sorts in the order of the file."""

    line: int
    column: int


class Problem(NamedTuple):
    """What is wrong at a place: the field, and the rule that it breaks."""

    place: Place
    field: Field
    rule: str


class NotYamlError(Exception):
    """A text that is not YAML."""

    def __init__(self, place: Place, rule: str) -> None:
        """Nothing of such a text can be used, so there is one problem."""
        super().__init__(rule)
        self.problem = Problem(place, (), rule)


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _end(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1)


class _Loader(yaml.SafeLoader):
    """Tells the place, too, of what looks like a number or a date and is none."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(None, None, str(error), mark) from error


_NOTHING = yaml.ScalarNode("tag:yaml.org,2002:null", "", yaml.Mark("", 0, 0, 0, None, 0))
"""What a file without content holds."""


@dataclass(frozen=True)
class Tree:
    """A text that is YAML.

    Attributes:
        value: what it says.
        doubled: keys that stand twice in one mapping.
    """

    value: object
    doubled: tuple[Problem, ...]
    _root: yaml.Node

    def find(self, loc: Field, *, key: bool = False) -> tuple[Place, Field]:
        """Where the value (or the key) of a field begins, and the field's name in the file.

        A field that is missing stands where that begins which it is missing from.

        Args:
            loc: of a pydantic error: has words of pydantic's between those of the file, such as
                the kind of a union.
            key: the place of the key is wanted.
        """
        names: Field = ()
        key_node = node = self._root
        for number, name in enumerate(loc, start=1):
            # Not found at the end: it is missing. Not found before: a word of pydantic's.
            found = number == len(loc)
            if isinstance(node, yaml.MappingNode):
                # The last of a key is the one that counts; before it are those merged in by `<<`.
                for pair in reversed(node.value):
                    if pair[0].value == str(name):
                        key_node, node = pair
                        found = True
                        break
            elif isinstance(node, yaml.SequenceNode) and name in range(len(node.value)):
                key_node = node = node.value[name]
                found = True
            if found:
                names += (name,)
        return _place((key_node if key else node).start_mark), names


def _doubled_keys(node: yaml.Node, field: Field, seen: set[yaml.Node]) -> Iterator[Problem]:
    """Keys that stand twice in one mapping: YAML forbids it, PyYAML lets the last one win."""
    if node in seen:  # an alias may even stand inside of what it names
        return
    seen.add(node)
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _doubled_keys(item, (*field, number), seen)
    elif isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], yaml.Node] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                inner = (*field, key.value)
                before = first.setdefault((key.tag, key.value), key)
                if before is not key:
                    rule = f"stands already in line {_place(before.start_mark).line}"
                    yield Problem(_place(key.start_mark), inner, rule)
                yield from _doubled_keys(value, inner, seen)


def parse(content: bytes) -> Tree:
    """Read a text.

    Raises:
        NotYamlError: when it is no YAML in UTF-8.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NotYamlError(_end(content[: error.start].decode()), "must be UTF-8") from error
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node() or _NOTHING
            # Before the value is made: that writes merged keys into the tree.
            doubled = tuple(_doubled_keys(root, (), set()))
            return Tree(loader.construct_document(root), doubled, root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        rule = f"is not YAML: {error.problem}"
        if error.context and error.context_mark:
            rule += f" ({error.context}, line {_place(error.context_mark).line})"
        mark = error.problem_mark or error.context_mark or _NOTHING.start_mark
        raise NotYamlError(_place(mark), rule) from error
    except yaml.reader.ReaderError as error:
        place = _end(text[: error.position])
        raise NotYamlError(place, f"is not YAML: {error.reason}") from error
    except RecursionError as error:
        raise NotYamlError(Place(1, 1), "is nested too deeply") from error
