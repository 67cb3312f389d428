"""Kafka's access rules: which user may read and write which topic. What no rule allows is refused.

Users themselves (SCRAM credentials) are made by Kafka's own tools: aiokafka cannot.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from services.runtime.topics import TopicError

# As Kafka numbers them: org.apache.kafka.common.resource.ResourceType, .acl.AclOperation, …
_TOPIC: Final = 2
_GROUP: Final = 3
_LITERAL: Final = 3
_READ: Final = 3
_WRITE: Final = 4
_ALLOW: Final = 3


async def allow(
    kafka_url: str,
    user: str,
    *,
    receives: Iterable[str],
    sends: Iterable[str],
    group: str,
    security: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Let a user read and write topics; harmless to repeat.

    Args:
        kafka_url: of the cluster.
        user: name, whether known already or not.
        receives: names of topics to read.
        sends: names of topics to write.
        group: consumer group to read as.
        security: of an administrator, see `kafka_security`.

    Raises:
        TopicError: when Kafka refuses a rule.
    """
    rules = [
        *((_TOPIC, name, _READ) for name in receives),
        *((_TOPIC, name, _WRITE) for name in sends),
        (_GROUP, group, _READ),
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url, **security)
    await admin.start()
    try:
        for resource, name, operation in rules:
            request = CreateAclsRequest(
                resource, name, _LITERAL, f"User:{user}", "*", operation, _ALLOW
            )
            # aiokafka has the request, and nothing public that sends it.
            answer = await admin._send_request(request)  # noqa: SLF001
            for code, reason in answer.creation_responses:
                if code:
                    msg = f"rule for {user} on {name}: {reason or for_code(code).__name__}"
                    raise TopicError(msg)
    finally:
        await admin.close()
