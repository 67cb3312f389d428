"""Settings of ingest."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from schemas.feedback import Channel
from services.runtime.settings import Settings

Days = Annotated[int, Field(gt=0)]


class IngestSettings(Settings):
    """How late and how early a response may be, measured when the gateway receives it.

    Attributes:
        late_days: how old a response may be; a kiosk may have been cut off for days.
        late_days_paper: how old one on paper may be, which is collected and typed in later.
        late_days_import: how old an imported one may be, which is past by nature.
        future_minutes: how far a response may lie ahead, for clocks that run fast.
    """

    late_days: Days = 7
    late_days_paper: Days = 90
    late_days_import: Days = 3660
    future_minutes: Annotated[int, Field(ge=0)] = 5

    def late_limit(self, channel: Channel) -> timedelta:
        """How long after it occurred a response of a channel is still counted."""
        if channel is Channel.IMPORT:
            return timedelta(days=self.late_days_import)
        if channel is Channel.PAPER:
            return timedelta(days=self.late_days_paper)
        return timedelta(days=self.late_days)
