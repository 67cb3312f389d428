"""A small collection held in memory, loaded anew when its revision grows."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from services.runtime.database import Database, DatabaseError, Document, Session

Value = TypeVar("Value")

_REVISION = "revision"


def revision_of(collection: str) -> str:
    """The collection that holds the revision of another."""
    return f"{collection}.{_REVISION}"


async def next_revision(database: Database, collection: str, session: Session) -> int:
    """Count one more change of a collection, inside the transaction that makes it."""
    document = await database[revision_of(collection)].find_one_and_update(
        {"_id": _REVISION},
        {"$inc": {"number": 1}},
        upsert=True,
        return_document=True,
        session=session,
    )
    return int(document["number"])


class UnreadError(DatabaseError):
    """A collection has never been read: what it means is not known, and empty is not the same."""


class Cached(Generic[Value]):
    """What a collection means, and the revision that this was made from."""

    def __init__(
        self, database: Database, collection: str, make: Callable[[Iterable[Document]], Value]
    ) -> None:
        """Nothing is read until `refresh`.

        Args:
            database: that holds the collection.
            collection: whose writer calls `next_revision` with every change.
            make: turns all documents, without their `_id`, into the value.
        """
        self._database = database
        self._collection = collection
        self._make = make
        self._seen: int | None = None
        self._value: Value | None = None

    @property
    def value(self) -> Value:
        """The value as of the last refresh.

        Raises:
            UnreadError: before the first.
        """
        if self._value is None:
            msg = f"{self._collection} has not been read yet"
            raise UnreadError(msg)
        return self._value

    def unread(self) -> str | None:
        """What is wrong before the first refresh; None afterwards. For readiness."""
        return "has not been read yet" if self._value is None else None

    async def refresh(self) -> None:
        """Read everything again if the collection has changed since."""
        revision = await self._database[revision_of(self._collection)].find_one({})
        number = int(revision["number"]) if revision else 0
        if number == self._seen:
            return
        documents = await self._database[self._collection].find({}, {"_id": 0}).to_list(None)
        self._value = self._make(documents)
        self._seen = number
