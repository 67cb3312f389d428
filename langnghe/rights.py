"""What each service may do to the servers, and no more: from who owns which collection.

A service writes its own collections, reads those that are shared (schemas/collections.py), and has
nothing to do with the others: accounts, contact data and the audit trail are the gateway's alone.
In Kafka it reads and writes the topics of its flow (schemas/flow.py).
"""

from pathlib import Path
from typing import Final

from schemas import collections
from schemas.flow import FLOWS
from services.gateway import storage as gateway
from services.ingest import storage as ingest
from services.notify import storage as notify
from services.runtime import identity
from services.runtime.acls import Operation, Resource, Rule
from services.runtime.cached import revision_of
from services.scoring import storage as scoring

OWNED: Final = {
    "gateway": tuple(gateway.INDEXES),
    "ingest": tuple(ingest.INDEXES),
    "scoring": tuple(scoring.INDEXES),
    "notify": tuple(notify.INDEXES),
}
"""Collections by the service that writes them."""

_SHARED = tuple(value for name, value in vars(collections).items() if name.isupper())
_READ = ("find",)
_APPEND = ("find", "insert")
_WRITE = ("find", "insert", "update", "remove")
_LEAST_LENGTH = 16


class PasswordError(Exception):
    """A password file that is not there or too short."""


def user_of(service: str) -> str:
    """Name of the user that a service is to MongoDB and to Kafka."""
    return f"langnghe-{service}"


def privileges(service: str) -> dict[str, tuple[str, ...]]:
    """What a service may do in MongoDB: actions by collection."""
    readable = [*_SHARED, *(revision_of(name) for name in _SHARED), identity.COLLECTION]
    granted: dict[str, tuple[str, ...]] = dict.fromkeys(readable, _READ)
    for collection in OWNED[service]:
        granted[collection] = _APPEND if collection in gateway.APPEND_ONLY else _WRITE
    return granted


def kafka_rules(service: str) -> tuple[Rule, ...]:
    """What a service may do in Kafka: what its flow says, as the group of its own name."""
    flow = FLOWS[service]
    return (
        *(Rule(Resource.TOPIC, topic.name, Operation.READ) for topic in flow.receives),
        *(Rule(Resource.TOPIC, topic.name, Operation.WRITE) for topic in flow.sends),
        Rule(Resource.GROUP, service, Operation.READ),
    )


def read_passwords(folder: Path) -> dict[str, str]:
    """Passwords by service, from one file each that has the service's name.

    Raises:
        PasswordError: naming the file and the rule.
    """
    passwords: dict[str, str] = {}
    for service in OWNED:
        file = folder / service
        try:
            passwords[service] = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            msg = f"{file}: cannot be read: {error.strerror}"
            raise PasswordError(msg) from None
        if len(passwords[service]) < _LEAST_LENGTH:
            msg = f"{file}: must hold a password of {_LEAST_LENGTH} characters or more"
            raise PasswordError(msg)
    return passwords
