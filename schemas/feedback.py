"""Feedback on its way: handed in, accepted, or set aside."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import (
    UUID7,
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from schemas.base import Event
from schemas.masking import mask
from schemas.scope import Scope

AgencyCode = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[GH][0-9]{2}$")
]
"""`000.00.19.H26` (QCVN 102:2016/BTTTT)."""

# At most eight digits: a code cannot be somebody's number.
FieldCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9](?:[a-z-]*[0-9]){0,7}[a-z-]*$", max_length=64),
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._:-]{1,64}$")]
ItemCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z](?:[a-z_]*[0-9]){0,8}[a-z_]*$", max_length=32)
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Level = Annotated[int, Field(ge=1, le=5)]
ProcedureCode = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]\.[0-9]{6}(\.[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[GH][0-9]{2})?$",
    ),
]
"""`1.011442`, or with the local suffix `1.011442.000.00.00.H38`."""

COMMENT_LIMIT = 1000

Comment = Annotated[
    str, StringConstraints(max_length=COMMENT_LIMIT, min_length=1), AfterValidator(mask)
]
"""Free text. Masking is part of the type, so unmasked text cannot be put on a topic at all."""


class Channel(StrEnum):
    """How an answer came in."""

    KIOSK = "kiosk"
    WEB = "web"
    QR = "qr"
    PHONE = "phone"
    PAPER = "paper"
    IMPORT = "import"


class Stage(StrEnum):
    """At which step of a dossier the person was asked (Circular 01/2018/TT-VPCP, chapter III)."""

    RECEIPT = "receipt"
    SUPPLEMENT = "supplement"
    REFUSAL = "refusal"
    RESULT = "result"


class Answered(Event):
    """What a response says, wherever it is on its way. It holds no identity."""

    id: Annotated[UUID7, Field(description="UUIDv7 minted where the answer was given")]
    unit: Annotated[AgencyCode, Field(description="Agency code of the one-stop unit")]
    channel: Channel
    stage: Stage
    procedure: ProcedureCode | None = None
    field: Annotated[FieldCode | None, Field(description="Service field")] = None
    occurred_at: Annotated[AwareDatetime, Field(description="RFC 3339 with zone")]
    instrument: Annotated[ItemCode, Field(description="Questionnaire")]
    instrument_version: Annotated[int, Field(ge=1, le=9999)]
    answers: Annotated[
        dict[ItemCode, Level],
        Field(min_length=1, max_length=40, description="Item to level, 1 to 5"),
    ]

    def subject(self) -> str:
        return self.unit

    def event_id(self) -> str:
        return str(self.id)


class Response(Answered):
    """What a citizen answered, as the kiosk, page or partner system writes it down.

    The device is a machine, the dossier token is opaque: nobody is named.
    """

    device: Annotated[Identifier, Field(description="Which kiosk, page or partner system")]
    sequence: Annotated[
        int | None,
        Field(ge=0, lt=2**53, description="Grows by one with every answer of the device"),
    ] = None
    dossier_token: Annotated[
        Identifier | None,
        Field(description="One vote; says nothing about the dossier. Beyond the gateway: a digest"),
    ] = None
    comment: Annotated[Comment | None, Field(description="Free text, masked")] = None
    language: Language = "vi"


class FeedbackSubmitted(Response):
    """The gateway received a response and vouches for its form."""

    TYPE: ClassVar = "vn.langnghe.feedback.submitted.v1"

    received_at: AwareDatetime


class SourcePosition(BaseModel):
    """Where a record stood in `feedback.submitted.v1`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[
        int, Field(description="Below 0: of a Kafka before this one (docs/decisions/0012)")
    ]


class FeedbackAccepted(Answered):
    """A response that counts. Free text and token stay in `ingest.responses`."""

    TYPE: ClassVar = "vn.langnghe.feedback.accepted.v1"

    received_at: AwareDatetime
    above: Annotated[
        list[Scope],
        Field(description="Scopes over the unit: commune, province or ministry, country"),
    ]
    source: SourcePosition


class Violation(BaseModel):
    """One broken rule: which field, and what the rule says. Never holds the input itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    rule: str

    @classmethod
    def all_of(cls, error: ValidationError) -> list[Self]:
        """Every broken rule that a validation found, without the input."""
        details = error.errors(include_url=False, include_context=False, include_input=False)
        return [
            cls(field=".".join(map(str, detail["loc"])) or "body", rule=detail["msg"])
            for detail in details
        ]


class FeedbackQuarantined(Event):
    """A record was set aside, with the reason. What it said stays in `ingest.quarantine`."""

    TYPE: ClassVar = "vn.langnghe.feedback.quarantined.v1"

    id: Annotated[str, Field(description="topic/partition/offset of the record set aside")]
    unit: str | None = None
    reason: str
    violations: list[Violation]
    source: SourcePosition
    quarantined_at: AwareDatetime

    def subject(self) -> str:
        return self.unit or "unknown"

    def event_id(self) -> str:
        return self.id
