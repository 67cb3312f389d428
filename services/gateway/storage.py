"""The indexes of the gateway's collections."""

from typing import Final

from pymongo import IndexModel

from schemas.collections import REGISTRY
from services.gateway import audit
from services.gateway.people import accounts, oidc, sessions

INDEXES: Final[dict[str, list[IndexModel]]] = {
    REGISTRY: [],
    f"{REGISTRY}.revision": [],
    audit.ENTRIES: [],
    audit.HEAD: [],
    accounts.ACCOUNTS: accounts.INDEXES,
    sessions.SESSIONS: sessions.INDEXES,
    oidc.ERRANDS: oidc.INDEXES,
}
