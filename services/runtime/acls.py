"""Kafka's access rules: which user may do what with which topic. What no rule allows is refused.

Users themselves (SCRAM credentials) are made by Kafka's own tools: aiokafka cannot.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, Final, NamedTuple

from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from services.runtime.admin import NO_SECURITY, administering
from services.runtime.topics import TopicError

_LITERAL: Final = 3
_ALLOW: Final = 3


class Resource(IntEnum):
    """As Kafka numbers them: org.apache.kafka.common.resource.ResourceType."""

    TOPIC = 2
    GROUP = 3


class Operation(IntEnum):
    """As Kafka numbers them: org.apache.kafka.common.acl.AclOperation."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DESCRIBE = 8


class Rule(NamedTuple):
    """What somebody may do, from any address."""

    resource: Resource
    name: str
    operation: Operation


async def allow(
    kafka_url: str,
    user: str,
    rules: Iterable[Rule],
    security: Mapping[str, Any] = NO_SECURITY,
) -> None:
    """Let a user do something; harmless to repeat.

    Args:
        kafka_url: of the cluster.
        user: name, whether known already or not.
        rules: what they may do, beside what they may already.
        security: of an administrator, see `kafka_security`.

    Raises:
        TopicError: when Kafka refuses a rule.
    """
    async with administering(kafka_url, security) as admin:
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
