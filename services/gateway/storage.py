"""The indexes of the gateway's collections."""

from typing import Final

from pymongo import IndexModel

from schemas.collections import REGISTRY
from services.gateway import audit
from services.runtime.cached import revision_of

INDEXES: Final[dict[str, list[IndexModel]]] = {
    REGISTRY: [],
    revision_of(REGISTRY): [],
    audit.ENTRIES: [],
    audit.HEAD: [],
}

APPEND_ONLY: Final = frozenset({audit.ENTRIES})
"""Collections whose documents nobody changes or removes, the gateway neither."""
