"""The scoring process."""

from typing import Annotated

from pydantic import Field

from schemas.topics import FEEDBACK_ACCEPTED
from services.runtime.clock import Clock, system_clock
from services.runtime.service import Service
from services.runtime.serving import serve
from services.runtime.settings import Settings
from services.scoring.ledger import Ledger
from services.scoring.refresh import Refresh
from services.scoring.traces import Traces


class ScoringSettings(Settings):
    """Settings of scoring.

    Attributes:
        refresh_seconds: pause between two refreshes of the indices.
    """

    refresh_seconds: Annotated[float, Field(gt=0)] = 0.5


def build(settings: ScoringSettings, clock: Clock = system_clock) -> Service:
    """Put the service together."""
    service = Service("scoring", settings, clock)

    def waiting(partition: int) -> int:
        return consumer.waiting(partition)

    ledger = Ledger(service.database, waiting)
    traces = Traces()
    consumer = service.consume(
        FEEDBACK_ACCEPTED,
        traces.remembered(ledger.handle),
        resume=ledger.resume,
        release=ledger.release,
    )
    refresh = Refresh(
        *(service.database, service.producer, ledger, lambda: consumer.owned, service.clock),
        waiting,
        traces,
    )
    service.every(settings.refresh_seconds, "refresh", refresh.run)
    return service


def main() -> None:
    """Run until stopped."""
    settings = ScoringSettings()
    serve("scoring", build(settings).app(), settings)
