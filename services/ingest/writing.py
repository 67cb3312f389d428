"""What MongoDB may say of a write, and whose fault it is."""

from typing import Any, Final

from pymongo.errors import BulkWriteError, OperationFailure

DUPLICATE_KEY: Final = 11000

_OF_THE_DOCUMENT: Final = {
    2: "BadValue",
    14: "TypeMismatch",
    17: "ProtocolError",
    22: "InvalidBSON",
    53: "InvalidIdField",
    121: "DocumentValidationFailure",
    171: "CannotIndexParallelArrays",
    10334: "BSONObjectTooLarge",
    17280: "KeyTooLong",
}
"""Codes that speak of one document (src/mongo/base/error_codes.yml). Any other may speak of the
server: then the batch waits, because what passes must set nothing aside."""


def refusal(failure: dict[str, Any]) -> str | None:
    """What MongoDB has against a document; None when the server may be at fault."""
    name = _OF_THE_DOCUMENT.get(failure["code"])
    return name and f"MongoDB refused it with {failure['code']} {name}"


def without_input(error: BulkWriteError) -> OperationFailure:
    """The same error without the documents, which its text would carry into the log."""
    details = error.details
    failures = [*details["writeErrors"], *details.get("writeConcernErrors", ())]
    codes = sorted({failure["code"] for failure in failures})
    return OperationFailure(f"{len(failures)} writes failed with {codes}", codes[0])
