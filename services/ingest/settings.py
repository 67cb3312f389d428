"""Settings of ingest."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from schemas.feedback import Channel
from services.runtime.settings import Settings

Days = Annotated[int, Field(gt=0)]


class IngestSettings(Settings):
    """How late and how early a response may be, and how much may be wrong before ingest stops.

    Times are measured when the gateway receives a response.

    Attributes:
        late_days: how old a response may be; a kiosk may have been cut off for days.
        late_days_paper: how old one on paper may be, which is collected and typed in later.
        late_days_import: how old an imported one may be, which is past by nature.
        future_minutes: how far a response may lie ahead, for clocks that run fast.
        invalid_share_limit: ingest stops when more than this share of the last records would be
            set aside for a reason that speaks of our code or registry; 1 lets everything pass.
        invalid_share_window: how many of the last records the share is taken of.
        invalid_share_minimum: so many records must have come before the share is judged.
    """

    late_days: Days = 7
    late_days_paper: Days = 90
    late_days_import: Days = 3660
    future_minutes: Annotated[int, Field(ge=0)] = 5
    invalid_share_limit: Annotated[float, Field(gt=0, le=1)] = 0.5
    invalid_share_window: Annotated[int, Field(ge=1)] = 1000
    invalid_share_minimum: Annotated[int, Field(ge=1)] = 200

    def late_limit(self, channel: Channel) -> timedelta:
        """How long after it occurred a response of a channel is still counted."""
        if channel is Channel.IMPORT:
            return timedelta(days=self.late_days_import)
        if channel is Channel.PAPER:
            return timedelta(days=self.late_days_paper)
        return timedelta(days=self.late_days)
