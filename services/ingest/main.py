"""The ingest process."""

from schemas.collections import REGISTRY
from schemas.registry import Registry
from schemas.topics import FEEDBACK_SUBMITTED
from services.ingest import spent, voices
from services.ingest.batch import Ingest
from services.ingest.settings import IngestSettings
from services.ingest.suspicions import Suspicions
from services.runtime.cached import Cached
from services.runtime.clock import Clock, system_clock
from services.runtime.service import Service
from services.runtime.serving import serve

REGISTRY_SECONDS = 5.0
_CUT_SECONDS = 3600.0
_LOOK_SECONDS = 3600.0


def build(settings: IngestSettings, clock: Clock = system_clock) -> Service:
    """Put the service together."""
    service = Service("ingest", settings, clock)
    registry = Cached(service.database, REGISTRY, Registry.of_documents)
    ingest = Ingest(service.database, service.producer, registry, settings, service.clock)

    async def cut_links() -> None:
        await spent.cut_links(service.database, service.clock())

    async def forget_voices() -> None:
        await voices.forget(service.database, service.clock())

    service.first(registry.refresh)
    service.every(_CUT_SECONDS, "cut links", cut_links)
    service.every(_CUT_SECONDS, "forget voices", forget_voices)
    suspicions = Suspicions(service.database, service.clock)
    service.every(_LOOK_SECONDS, "look for suspicions", suspicions.run)
    service.every(REGISTRY_SECONDS, "registry", registry.refresh)
    service.consume(FEEDBACK_SUBMITTED, ingest.handle)
    return service


def main() -> None:
    """Run until stopped."""
    settings = IngestSettings()
    serve("ingest", build(settings).app(), settings)
