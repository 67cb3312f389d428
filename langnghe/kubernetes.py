"""What the operators of Kafka and MongoDB have to make, as Kubernetes' objects, from the code.

Topics are those of schemas/topics.py and rights those of langnghe/rights.py. `make reference`
writes them to deploy/kubernetes/base/generated/, where nothing is edited.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from langnghe import rights
from schemas.flow import FLOWS
from schemas.topics import TOPICS, Topic
from services.runtime.acls import Operation, Resource, Rule
from services.runtime.settings import Settings

FOLDER: Final = Path("deploy/kubernetes/base/generated")
CLUSTER: Final = "langnghe"
"""Name of the `Kafka` in deploy/kubernetes/base/kafka.yaml; Strimzi finds its topics by it."""

PREPARE: Final = "prepare"
SCALER: Final = "keda"
SCALED: Final = ("ingest", "scoring")
"""Services that KEDA starts and stops instances of, by their lag."""

_NOTE = "# Generated from the code by `make reference`; do not edit.\n"
_API = "kafka.strimzi.io/v1"
_DATABASE = Settings.model_fields["database"].default


def kafka_users() -> Mapping[str, tuple[Rule, ...]]:
    """What everybody who speaks to Kafka may do, by name without `langnghe-`."""
    topics = [topic.name for topic in TOPICS]
    return {
        **{service: rights.kafka_rules(service) for service in rights.OWNED},
        # Asks to create what is there already, and looks at its partitions.
        PREPARE: tuple(
            Rule(Resource.TOPIC, name, operation)
            for name in topics
            for operation in (Operation.CREATE, Operation.DESCRIBE)
        ),
        # Reads how far groups are behind.
        SCALER: (
            *(
                Rule(Resource.TOPIC, topic.name, Operation.DESCRIBE)
                for service in SCALED
                for topic in FLOWS[service].receives
            ),
            *(Rule(Resource.GROUP, service, Operation.DESCRIBE) for service in SCALED),
        ),
    }


def _topic(topic: Topic) -> dict[str, Any]:
    # Without `replicas`: as many as brokers make by default (deploy/kubernetes/base/kafka.yaml).
    return {
        "apiVersion": _API,
        "kind": "KafkaTopic",
        "metadata": {"name": topic.name, "labels": {"strimzi.io/cluster": CLUSTER}},
        "spec": {"partitions": topic.partitions, "config": topic.config},
    }


def _kafka_user(name: str, rules: Iterable[Rule]) -> dict[str, Any]:
    acls = [
        {
            "resource": {"type": rule.resource.name.lower(), "name": rule.name},
            "operations": [rule.operation.name.capitalize()],
        }
        for rule in rules
    ]
    return {
        "apiVersion": _API,
        "kind": "KafkaUser",
        "metadata": {"name": rights.user_of(name), "labels": {"strimzi.io/cluster": CLUSTER}},
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {"type": "simple", "acls": acls},
        },
    }


def _mongo_user(name: str, roles: Iterable[str]) -> dict[str, Any]:
    return {
        "name": rights.user_of(name),
        "db": "admin",
        "passwordSecretRef": {"name": f"mongodb-{name}"},
        "scramCredentialsSecretName": f"mongodb-{name}",
        "roles": [{"name": role, "db": _DATABASE} for role in roles],
    }


def _mongo_role(service: str) -> dict[str, Any]:
    privileges = [
        {"resource": {"db": _DATABASE, "collection": collection}, "actions": list(actions)}
        for collection, actions in rights.privileges(service).items()
    ]
    return {"role": rights.user_of(service), "db": _DATABASE, "privileges": privileges}


def mongodb() -> dict[str, Any]:
    """A patch of deploy/kubernetes/base/mongodb.yaml."""
    return {
        "apiVersion": "mongodbcommunity.mongodb.com/v1",
        "kind": "MongoDBCommunity",
        "metadata": {"name": "mongodb"},
        "spec": {
            "security": {"roles": [_mongo_role(service) for service in rights.OWNED]},
            "users": [
                *(_mongo_user(service, [rights.user_of(service)]) for service in rights.OWNED),
                # Makes collections and indexes, and notes which cluster the database belongs to.
                _mongo_user(PREPARE, ["readWrite", "dbAdmin"]),
            ],
        },
    }


def _page(objects: Iterable[dict[str, Any]]) -> str:
    return _NOTE + yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True, width=100)


def documents() -> dict[Path, str]:
    """Every generated file, by its path from the root of the repository."""
    return {
        FOLDER / "kafka-topics.yaml": _page(map(_topic, TOPICS)),
        FOLDER / "kafka-users.yaml": _page(_kafka_user(*user) for user in kafka_users().items()),
        FOLDER / "mongodb-users.yaml": _page([mongodb()]),
    }
