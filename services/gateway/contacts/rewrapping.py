"""Wraps the keys of all contacts by the master key of now, so that the one before can be forgotten.

What is sealed stays as it is, and so does each contact's own key: only its wrapping changes. It may
be broken off and run again, and contacts come and go meanwhile.
"""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from bson import Binary

from services.gateway.contacts.sealing import MasterKey, SealError
from services.gateway.contacts.store import KEYS
from services.runtime.database import Database


class Rewrapped(NamedTuple):
    """What it came to, in contacts: wrapped anew, already by the key of now, and those by neither,
    which open no more until the key that they were sealed with is the one before."""

    anew: int
    already: int
    lost: list[UUID]


async def count(database: Database) -> int:
    """How many contacts have a key."""
    return await database[KEYS].count_documents({})


async def rewrap(database: Database, key: MasterKey, done: Callable[[], None]) -> Rewrapped:
    """Wrap the key of every contact anew.

    Args:
        database: of the gateway.
        key: the master key, with the one before.
        done: called after each contact.
    """
    anew = already = 0
    lost: list[UUID] = []
    async for document in database[KEYS].find({}).sort("_id", 1):
        contact, wrapped = document["_id"], document["key"]
        try:
            new = key.anew(contact, wrapped)
        except SealError:
            lost.append(contact)
        else:
            if new is None:
                already += 1
            else:
                # One that was erased meanwhile stays so.
                changed = await database[KEYS].update_one(
                    {"_id": contact, "key": wrapped}, {"$set": {"key": Binary(new)}}
                )
                anew += changed.modified_count
        done()
    return Rewrapped(anew, already, lost)
