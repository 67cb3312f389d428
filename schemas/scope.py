"""Scopes: what an index is of."""

from typing import Annotated, Final, Literal

from pydantic import StringConstraints

COUNTRY: Final = "country"

Scope = Annotated[
    str,
    StringConstraints(
        pattern=r"^(country|(unit|commune|province|ministry|field):[0-9A-Za-z._-]+)$"
    ),
]
"""`country`, or a kind and a code: `unit:000.00.19.H26`, `commune:00004`, `province:01`,
`ministry:G09`, `field:ho-tich`."""

ScopeKind = Literal["unit", "commune", "province", "ministry", "country", "field"]


def scope_kind(scope: str) -> str:
    """`unit` of `unit:000.00.19.H26`; `country` of `country`."""
    return scope.partition(":")[0]
