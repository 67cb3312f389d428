"""The rule file: all rules for alerts and the targets of agencies, checked as a whole."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from services.notify.rules import inhibition
from services.notify.rules.kinds import BelowTarget, Rule
from services.notify.rules.targets import Target, overlaps
from services.runtime.yamlfile import doubled, fields_broken, read_yaml


class RuleFile(BaseModel):
    """A whole rule file.

    Attributes:
        targets: of agencies, for every rule of the kind `below_target`.
        rules: each with an id of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    targets: tuple[Target, ...] = ()
    rules: tuple[Annotated[Rule, Field(discriminator="kind")], ...]

    @field_validator("rules", mode="wrap")
    @classmethod
    def _unique_ids(cls, value: object, check: ValidatorFunctionWrapHandler) -> tuple[Rule, ...]:
        """Looked for in the text as it came: an id may be doubled whatever else is wrong."""
        given = value if isinstance(value, list | tuple) else ()
        ids = [rule.get("id") if isinstance(rule, dict) else None for rule in given]
        broken = doubled(ids)
        try:
            rules: tuple[Rule, ...] = check(value)
        except ValidationError as error:
            raise fields_broken(broken, beside=error) from error
        if broken := broken or list(inhibition.broken(rules)):
            raise fields_broken(broken)
        return rules

    @field_validator("targets")
    @classmethod
    def _one_at_a_time(cls, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        if broken := list(overlaps(targets)):
            raise fields_broken(broken)
        return targets

    @model_validator(mode="after")
    def _aim(self) -> Self:
        for rule in self.rules:
            if isinstance(rule, BelowTarget):
                rule.aim(self.targets)
        return self


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Read and check a rule file.

    Raises:
        YamlFileError: when it cannot be read or breaks a rule.
    """
    return read_yaml(path, RuleFile).rules
