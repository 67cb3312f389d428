"""A YAML file as a checked model."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class YamlFileError(Exception):
    """A file that cannot be used; the text names every field and rule."""


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read a file and check it as a whole.

    Raises:
        YamlFileError: when it cannot be read, is not YAML, or breaks a rule of the model.
    """
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"{path}: {error}"
        raise YamlFileError(msg) from error
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, detail['loc'])) or 'file'}: {detail['msg']}"
            for detail in error.errors(include_url=False)
        ]
        raise YamlFileError("\n".join(lines)) from error
