"""What dissatisfied citizens wrote to an office lately, as ingest keeps it for alerts."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.feedback import Comment, Level

KEPT: Final = 20
"""Comments of an office, the newest."""


class Voice(BaseModel):
    """One comment, masked by its type, of an answer whose overall level is not satisfied."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[UUID, Field(description="Of the answer")]
    at: Annotated[AwareDatetime, Field(description="When it was given")]
    level: Level
    comment: Comment
