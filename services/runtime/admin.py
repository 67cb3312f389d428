"""A Kafka administrator for as long as a block runs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient

NO_SECURITY: Final[Mapping[str, Any]] = MappingProxyType({})


@asynccontextmanager
async def administering(
    kafka_url: str, security: Mapping[str, Any] = NO_SECURITY
) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect, and close whatever happens; `security` as `kafka_security`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url, **security)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
