"""The indexes of the gateway's collections."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from schemas.collections import REGISTRY
from services.gateway import audit
from services.gateway.devices.store import DEVICES, INVITATIONS

INDEXES: Final[dict[str, list[IndexModel]]] = {
    REGISTRY: [],
    f"{REGISTRY}.revision": [],
    audit.ENTRIES: [],
    audit.HEAD: [],
    DEVICES: [],
    f"{DEVICES}.revision": [],
    INVITATIONS: [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)],
}
