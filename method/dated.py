"""Settings by the local day from which they hold: versions in a YAML file beside the code.

A later version never changes what an earlier day was measured by.
"""

from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter


class Dated(BaseModel):
    """One version.

    Attributes:
        effective_from: first local day (Asia/Ho_Chi_Minh) on which it holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    effective_from: date


Version = TypeVar("Version", bound=Dated)


def read_versions(file: str, model: type[Version]) -> tuple[Version, ...]:
    """All versions of a file of this package, oldest first."""
    text = files("method").joinpath(file).read_text(encoding="utf-8")
    versions = TypeAdapter(list[model]).validate_python(yaml.safe_load(text))  # type: ignore[valid-type]  # mypy knows no types that are values
    return tuple(sorted(versions, key=lambda version: version.effective_from))


def in_force(versions: Sequence[Version], day: date) -> Version:
    """The version in force on a local day; the oldest one for any day before it."""
    found = [version for version in versions if version.effective_from <= day]
    return found[-1] if found else versions[0]
