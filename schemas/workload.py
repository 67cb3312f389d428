"""How much waits for an agency: citizens who asked to be called back. Numbers alone."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.scope import Scope


class Workload(BaseModel):
    """Cases that an agency has to answer now.

    Attributes:
        agency: whose turn it is.
        waiting: cases; an agency without any has no workload.
        late: of these, those that somebody missed a deadline of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    agency: Scope
    waiting: Annotated[int, Field(ge=1)]
    late: Annotated[int, Field(ge=0)]
