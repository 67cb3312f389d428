"""Makes sure that a database and a Kafka cluster belong together.

Counts in MongoDB say up to which Kafka offset they go. Beside another cluster, whose offsets begin
anew, they would silently skip everything; so the pair is written down once and checked ever after.
"""

from collections.abc import Mapping
from typing import Any

from services.runtime.admin import NO_SECURITY, administering
from services.runtime.database import Database

COLLECTION = "runtime.identity"


class IdentityError(Exception):
    """The database was filled from another Kafka cluster, or a restore of it is not at its end."""


async def cluster_id(kafka_url: str, security: Mapping[str, Any] = NO_SECURITY) -> str:
    """The id of the Kafka cluster that answers at an address; `security` as `kafka_security`."""
    async with administering(kafka_url, security) as admin:
        description = await admin.describe_cluster()
    return str(description["cluster_id"])


async def bind(database: Database, kafka: str) -> None:
    """Write down, once, which cluster this database belongs to; then check it.

    Raises:
        IdentityError: when it belongs to another.
    """
    await database[COLLECTION].update_one(
        {"_id": "kafka"}, {"$setOnInsert": {"cluster": kafka}}, upsert=True
    )
    await check(database, kafka)


async def check(database: Database, kafka: str) -> None:
    """Compare what was written down with the cluster that answers.

    Raises:
        IdentityError: when nothing was written down, or another cluster, or a restore did not end.
    """
    known = await database[COLLECTION].find_one({"_id": "kafka"})
    if known is None:
        msg = f"database {database.name} is not prepared: run `langnghe prepare`"
        raise IdentityError(msg)
    if known["cluster"] is None:
        msg = f"database {database.name} is half restored: run `langnghe restore` again"
        raise IdentityError(msg)
    if known["cluster"] != kafka:
        msg = (
            f"database {database.name} belongs to Kafka cluster {known['cluster']}, "
            f"but {kafka} answers: its offsets would not fit, nothing is read or written"
        )
        raise IdentityError(msg)


async def restoring(database: Database) -> bool:
    """Whether a restore of this database began and did not come to its end."""
    known = await database[COLLECTION].find_one({"_id": "kafka"})
    return known is not None and known["cluster"] is None


async def begin_restore(database: Database) -> None:
    """Drop what is there; until `end_restore`, no service takes the database for its own."""
    await database.drop()
    await database[COLLECTION].insert_one({"_id": "kafka", "cluster": None})


async def end_restore(database: Database, kafka: str) -> None:
    """Write down which cluster the restored database belongs to."""
    await database[COLLECTION].update_one({"_id": "kafka"}, {"$set": {"cluster": kafka}})
