"""Routes: further contacts of agencies, by severity and hour, in a file beside the rules.

The registry holds one address of an agency for each of webhook and e-mail. A route names another:
whoever is on duty at night, a group in a chat service. It is a file of its own, because addresses
of chat services are secrets and rules are not.
"""

import re
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from method.calendar import is_open
from method.period import LOCAL_ZONE
from schemas.alert import Severity
from schemas.registry import Email, WebhookAddress
from schemas.scope import COUNTRY, Scope
from services.notify.delivery.channels.chat import service_of
from services.notify.delivery.outbox import Channel
from services.runtime.yamlfile import doubled, fields_broken, read_yaml


class Span(NamedTuple):
    """From when until when of each day, in Asia/Ho_Chi_Minh; over midnight if it ends earlier."""

    begins: time
    ends: time

    def holds(self, moment: datetime) -> bool:
        """Whether a moment, given in any zone, is within."""
        at = moment.astimezone(LOCAL_ZONE).time()
        if self.begins < self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


def _hours(value: object) -> object:
    if value in {"office", "off"}:
        return value
    if isinstance(value, str) and (match := re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", value)):
        span = Span(time.fromisoformat(match[1]), time.fromisoformat(match[2]))
        if span.begins != span.ends:
            return span
    msg = "must be office, off, or two times of a day with - between them, as in 17:00-07:30"
    raise ValueError(msg)


_ADDRESSES = {
    Channel.EMAIL: (TypeAdapter(Email), "must be an e-mail address"),
    Channel.WEBHOOK: (TypeAdapter(WebhookAddress), "must be an address of http or https"),
}


class Route(BaseModel):
    """One further contact of an agency.

    Attributes:
        id: names the route in deliveries; changing it makes another receiver of it.
        agency: whose contact it is.
        channel: how it is reached; `chat` is any service that Apprise knows.
        address: an e-mail address, the address of a webhook, or Apprise's URL of a chat service.
        severities: which alerts it takes.
        hours: when it takes them: `office` is in office hours (method/calendar.py), `off` outside
            of them, `17:00-07:30` the same on every day; always, if there are none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    agency: Scope
    channel: Literal[Channel.WEBHOOK, Channel.EMAIL, Channel.CHAT]
    address: SecretStr
    severities: Annotated[tuple[Severity, ...], Field(min_length=1)] = (
        Severity.CRITICAL,
        Severity.WARNING,
    )
    hours: Annotated[Span | Literal["office", "off"], BeforeValidator(_hours)] | None = None

    @field_validator("agency")
    @classmethod
    def _is_an_agency(cls, agency: str) -> str:
        if agency == COUNTRY or agency.startswith("field:"):
            msg = "must be a unit, commune, province or ministry"
            raise ValueError(msg)
        return agency

    @model_validator(mode="after")
    def _address_of_the_channel(self) -> Self:
        address = self.address.get_secret_value()
        if self.channel is Channel.CHAT:
            if service_of(address) is None:
                rule = "must be a URL that Apprise knows"
                raise fields_broken([(("address",), rule)])
            return self
        adapter, rule = _ADDRESSES[self.channel]
        try:
            adapter.validate_python(address)
        except ValidationError:
            raise fields_broken([(("address",), rule)]) from None
        return self

    def takes(self, severity: Severity, moment: datetime) -> bool:
        """Whether it is for an alert at a moment."""
        if severity not in self.severities:
            return False
        match self.hours:
            case None:
                return True
            case Span():
                return self.hours.holds(moment)
        return is_open(moment) is (self.hours == "office")


class RouteFile(BaseModel):
    """A whole route file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    routes: tuple[Route, ...]

    @field_validator("routes")
    @classmethod
    def _unique_ids(cls, routes: tuple[Route, ...]) -> tuple[Route, ...]:
        if broken := doubled([route.id for route in routes]):
            raise fields_broken(broken)
        return routes


def load_routes(path: Path) -> tuple[Route, ...]:
    """Read and check a route file.

    Raises:
        YamlFileError: when it cannot be read or breaks a rule.
    """
    return read_yaml(path, RouteFile).routes
