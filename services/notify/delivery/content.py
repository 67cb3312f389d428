"""What a message tells: a change of one alert, several changes together, or the digest of a day.

`tells` says of what, and where in its order: of one alert by its revisions, of digests by their
days. A receiver is told in that order, so that nobody hears that an alert fires after hearing that
it is over.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.alert import AlertChanged
from schemas.workload import Workload
from services.runtime.database import Document


class Together(BaseModel):
    """Changes of several alerts that one agency is told of at the same time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    events: Annotated[tuple[AlertChanged, ...], Field(min_length=2)]


class Signal(BaseModel):
    """A fall that stands out among all offices that were looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: AlertChanged
    p_value: Annotated[float, Field(ge=0, le=1)]


class Digest(BaseModel):
    """What an agency has to know of a day, and was not told at once.

    Attributes:
        day: local day on which it is made.
        at: up to when it reaches.
        unanswered: critical alerts that fire, and that nobody has answered.
        opened: warnings that began to fire since the digest before, or changed and still fire.
        closed: warnings that are over since then.
        signals: of soft falls, those that are believed.
        tested: how many offices were looked at for these.
        rate: which part of such signals is false on average, at most.
        work: citizens who wait to be called back by it, and by those below it without an address.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    at: AwareDatetime
    unanswered: tuple[AlertChanged, ...] = ()
    opened: tuple[AlertChanged, ...] = ()
    closed: tuple[AlertChanged, ...] = ()
    signals: tuple[Signal, ...] = ()
    tested: Annotated[int, Field(ge=0)] = 0
    rate: Annotated[float, Field(gt=0, lt=1)]
    work: Workload | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say."""
        parts = (self.unanswered, self.opened, self.closed, self.signals, self.work)
        return not any(parts)


Content = AlertChanged | Together | Digest

_KINDS: Final[dict[str, type[Content]]] = {
    "alert": AlertChanged,
    "together": Together,
    "digest": Digest,
}


class Told(NamedTuple):
    """Of what, and where in its order."""

    of: str
    number: int


def tells(content: Content) -> Sequence[Told]:
    """All that a message tells of."""
    match content:
        case AlertChanged():
            return [Told(content.alert, content.revision)]
        case Together():
            return [Told(event.alert, event.revision) for event in content.events]
        case Digest():
            return [Told("digest", content.day.toordinal())]


def identity(content: Content) -> str:
    """A name that is the same whenever the same is told."""
    if isinstance(content, Together):
        names = "|".join(sorted(event.event_id() for event in content.events))
        return "together/" + hashlib.sha256(names.encode()).hexdigest()[:32]
    (told,) = tells(content)
    return f"{told.of}/{told.number}"


def order(content: Content) -> Told:
    """Where a message stands among those of its receiver that are told in one order.

    Changes that are told together stand alone: what else there is to tell of their alerts is
    gathered until they are told (`gathering`).
    """
    if isinstance(content, Together):
        return Told(identity(content), 0)
    (told,) = tells(content)
    return told


def to_document(content: Content) -> Document:
    """As the outbox keeps it."""
    kind = next(name for name, model in _KINDS.items() if isinstance(content, model))
    of, number = order(content)
    return {
        "content": kind,
        "series": of,
        "number": number,
        "tells": [told._asdict() for told in tells(content)],
        "event": content.model_dump(mode="json"),
    }


def of_document(document: Document) -> Content:
    """Back from the stored form.

    Raises:
        ValueError: when it cannot be read.
    """
    model = _KINDS[document.get("content", "alert")]
    return model.model_validate(document["event"], strict=False)
