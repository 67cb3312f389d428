"""Which indices somebody who follows them wants to be told of. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.registry import EntryKind
from schemas.scope import Scope, scope_kind


class Wanted(NamedTuple):
    """What is asked for, each adding to the others; nothing asks for everything.

    Attributes:
        kinds: all scopes of a kind.
        scopes: these themselves.
        offices_of: all offices that stand below these, at any depth.
    """

    kinds: frozenset[str] = frozenset()
    scopes: frozenset[Scope] = frozenset()
    offices_of: frozenset[Scope] = frozenset()

    def has(self, scope: Scope, above: Iterable[Scope]) -> bool:
        """Whether it asks for a scope, given what stands above that."""
        kind = scope_kind(scope)
        return (
            not any(self)
            or kind in self.kinds
            or scope in self.scopes
            or (kind == EntryKind.UNIT and not self.offices_of.isdisjoint(above))
        )
