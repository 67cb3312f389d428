"""The indexes of the gateway's collections."""

from typing import Final

from pymongo import IndexModel

from schemas.collections import REGISTRY

INDEXES: Final[dict[str, list[IndexModel]]] = {REGISTRY: [], f"{REGISTRY}.revision": []}
