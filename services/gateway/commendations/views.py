"""What is shown of a quarter's commendations."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from schemas.feedback import AgencyCode
from schemas.figure import Percent
from schemas.index import Basis
from schemas.scope import Scope
from services.gateway.published.views import Name, Shown


class PeersView(BaseModel):
    """The other offices that one was compared with, all their answers together."""

    kind: Annotated[
        str, Field(description="What the offices belong to: commune, province or ministry")
    ]
    within: Annotated[Name | None, Field(description="Of this province or ministry; None: of all")]
    offices: int
    figure: Shown


class Commended(BaseModel):
    """An office and what its commendation rests on."""

    scope: Scope
    unit: AgencyCode
    name: Name
    above: Annotated[Name, Field(description="What the office stands directly under")]
    figure: Shown
    months: Annotated[list[Shown], Field(description="Each above the target")]
    active_days: Annotated[int, Field(description="Days with answers")]
    peers: PeersView
    p_below: Annotated[
        float,
        Field(description="So good a quarter has a smaller probability, were it not truly better"),
    ]


class CommendationList(BaseModel):
    """Offices above target and peers over a quarter. Not a ranking: their order is by name."""

    quarter: Annotated[str, Field(description="2026-Q3")]
    first: date
    last: date
    draft: Annotated[bool, Field(description="Whether answers of the quarter may still come")]
    public_from: Annotated[date, Field(description="Local day from which anybody may read it")]
    basis: Basis
    method: Annotated[str, Field(description="Version of the index's definition")]
    target: Percent
    judged: Annotated[int, Field(description="Offices that had enough answers to be judged")]
    false_discovery_rate: Annotated[
        float, Field(description="Part of a list that is there by chance, on average, at most")
    ]
    commended: list[Commended]
