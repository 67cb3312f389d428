"""The base of every event: strict to write, tolerant to read, silent about personal data."""

from abc import abstractmethod
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """One record of a topic.

    `hide_input_in_errors` keeps what a citizen wrote out of exception texts and so out of logs.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, ser_json_inf_nan="null"
    )

    TYPE: ClassVar[str]
    """CloudEvents type, with the version of the event."""

    @abstractmethod
    def subject(self) -> str:
        """What the event is about; as the Kafka key it keeps the events of a subject in order."""

    @abstractmethod
    def event_id(self) -> str:
        """The same for the same event, however often it is sent (CloudEvents `id`)."""

    def to_json(self) -> bytes:
        """The record's value: JSON without the fields that are None."""
        return self.model_dump_json(exclude_none=True).encode()


AnyEvent = TypeVar("AnyEvent", bound=Event)


def read(model: type[AnyEvent], value: bytes) -> AnyEvent:
    """Read a record's value; fields that this version does not know are ignored.

    Raises:
        pydantic.ValidationError: when the value is not JSON or breaks a rule. Its text names
            fields and rules and holds no input.
    """
    return model.model_validate_json(value, extra="ignore")
