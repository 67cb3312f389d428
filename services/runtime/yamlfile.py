"""A YAML file as a checked model; every problem names its place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from services.runtime.yamltree import Field, NotYamlError, Problem, Tree, parse

Model = TypeVar("Model", bound=BaseModel)


class YamlFileError(Exception):
    """A file that cannot be used.

    Attributes:
        problems: all that is wrong with it, in the order of the file, each one as
            `path:line:column: field: rule`; `path: reason` where it cannot even be read.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        """The text of the error is a line for each problem."""
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def fields_broken(
    broken: Iterable[tuple[Field, str]], beside: ValidationError | None = None
) -> ValidationError:
    """What a validator of several fields raises, so that those that are wrong are named.

    Args:
        broken: fields, from where the validator stands, and the rules that they break.
        beside: what the validators inside found, so that it is told as well.
    """
    details = [
        # Not every type of pydantic's can be raised anew; one of our own that reads alike can.
        InitErrorDetails(
            type=PydanticCustomError(
                one["type"], "{said}", one.get("ctx", {}) | {"said": one["msg"]}
            ),
            loc=one["loc"],
            input=one["input"],
        )
        for one in (beside.errors(include_url=False) if beside else ())
    ]
    details += [
        InitErrorDetails(
            type=PydanticCustomError("field_broken", "{rule}", {"rule": rule}),
            loc=field,
            input=None,
        )
        for field, rule in broken
    ]
    return ValidationError.from_exception_data("file", details)


def doubled(ids: Sequence[object]) -> list[tuple[Field, str]]:
    """Which parts of a list have the `id` of an earlier one, as `fields_broken` takes them. Pure.

    Args:
        ids: of the parts in their order; None of one without any.
    """
    return [
        ((number, "id"), "must be unique")
        for number, name in enumerate(ids)
        if name is not None and name in ids[:number]
    ]


@dataclass(frozen=True)
class YamlFile(Generic[Model]):
    """A file that was read: its model, and where in it each field stands."""

    path: Path
    value: Model
    _tree: Tree

    def at(self, *field: int | str) -> str:
        """Where a field stands: `path:line:column`."""
        place, _ = self._tree.find(field)
        return f"{self.path}:{place.line}:{place.column}"

    def problem(self, rule: str, *field: int | str) -> str:
        """A rule that a field breaks: `path:line:column: field: rule`."""
        return f"{self.at(*field)}: {_name(field)}: {rule}"


def _name(field: Field) -> str:
    return ".".join(map(str, field)) or "file"


def _line(path: Path, problem: Problem) -> str:
    (line, column), field, rule = problem
    return f"{path}:{line}:{column}: {_name(field)}: {rule}"


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a list is called too short only because items that broke a rule were left out."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _problem(tree: Tree, detail: ErrorDetails) -> Problem:
    loc, rule = detail["loc"], detail["msg"].removeprefix("Value error, ")
    if detail["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        # These stand at the model, but are about the field that says which model it is.
        loc = (*loc, detail["ctx"]["discriminator"].strip("'"))
        tags = detail["ctx"].get("expected_tags")
        rule = f"must be one of {tags}" if tags else "Field required"
    key = detail["type"] == "extra_forbidden" or loc[-1:] == ("[key]",)
    return Problem(*tree.find(loc, key=key), rule)


def open_yaml(path: Path, model: type[Model]) -> YamlFile[Model]:
    """Read a file and check it as a whole.

    Raises:
        YamlFileError: when it cannot be read, is not YAML, has a key twice, or breaks a rule of
            the model.
    """
    try:
        tree = parse(path.read_bytes())
    except OSError as error:
        raise YamlFileError([f"{path}: {error.strerror}"]) from error
    except NotYamlError as error:
        raise YamlFileError([_line(path, error.problem)]) from error
    problems = list(tree.doubled)
    try:
        value = model.model_validate(tree.value)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += [_problem(tree, detail) for detail in details if not _is_echo(detail)]
        raise YamlFileError(_line(path, problem) for problem in sorted(problems)) from error
    if problems:
        raise YamlFileError(_line(path, problem) for problem in problems)
    return YamlFile(path, value, tree)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """The model of a file, for those who need no places; raises as `open_yaml` does."""
    return open_yaml(path, model).value
