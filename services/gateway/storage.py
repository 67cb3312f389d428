"""The indexes of the gateway's collections."""

from typing import Final

from pymongo import ASCENDING, IndexModel

from schemas.collections import DEVICES, REGISTRY, WORKLOADS
from services.gateway import audit
from services.gateway.appeals import store as appeals
from services.gateway.cases import store as cases
from services.gateway.contacts import store as contacts
from services.gateway.devices.store import INVITATIONS
from services.gateway.people import accounts, oidc, sessions
from services.gateway.suspicions.looking import OUTCOMES
from services.runtime.cached import revision_of

INDEXES: Final[dict[str, list[IndexModel]]] = {
    REGISTRY: [],
    revision_of(REGISTRY): [],
    audit.ENTRIES: [],
    audit.HEAD: [],
    DEVICES: [],
    revision_of(DEVICES): [],
    INVITATIONS: [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)],
    contacts.CONTACTS: contacts.INDEXES,
    contacts.KEYS: contacts.EXPIRING,
    appeals.APPEALS: appeals.INDEXES,
    cases.CASES: cases.CASE_INDEXES,
    cases.STEPS: cases.STEP_INDEXES,
    WORKLOADS: [],
    accounts.ACCOUNTS: accounts.INDEXES,
    sessions.SESSIONS: sessions.INDEXES,
    oidc.ERRANDS: oidc.INDEXES,
    OUTCOMES: [IndexModel([("confirmed", ASCENDING)], partialFilterExpression={"confirmed": True})],
}

APPEND_ONLY: Final = frozenset({audit.ENTRIES, cases.STEPS})
"""Collections whose documents nobody changes or removes, the gateway neither."""
