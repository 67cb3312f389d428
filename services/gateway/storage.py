"""The indexes of the gateway's collections."""

from typing import Final

from pymongo import IndexModel

from schemas.collections import REGISTRY
from services.gateway import audit
from services.gateway.contacts import store as contacts

INDEXES: Final[dict[str, list[IndexModel]]] = {
    REGISTRY: [],
    f"{REGISTRY}.revision": [],
    audit.ENTRIES: [],
    audit.HEAD: [],
    contacts.CONTACTS: contacts.EXPIRING,
    contacts.KEYS: contacts.EXPIRING,
}
