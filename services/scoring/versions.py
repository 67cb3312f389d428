"""What is computed again and again carries a version; an older one never replaces a newer one."""

from pymongo import UpdateOne

from services.runtime.database import Document


def unless_newer(document: Document) -> UpdateOne:
    """Put a document with a `version` in its place, unless what is there has a higher one."""
    newer = {"$gte": [document["version"], {"$ifNull": ["$version", -1]}]}
    return UpdateOne(
        {"_id": document["_id"]},
        [{"$replaceWith": {"$cond": [newer, {"$literal": document}, "$$ROOT"]}}],
        upsert=True,
    )
