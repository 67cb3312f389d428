"""The registry of administrative units: who exists, since when, and who stands above whom.

Every entry is effective-dated, because the map changes by law: `valid_from` is the first day in
force, `valid_to` the first day no longer in force; an empty end is open. One code may name
different units in turn, so the day is part of every question.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from schemas.scope import COUNTRY, Scope

_CODE_PATTERNS: Final = {
    "ministry": r"G[0-9]{2}",
    "province": r"[0-9]{2}",
    "commune": r"[0-9]{5}",
    "unit": r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[GH][0-9]{2}",
    "field": r"[a-z0-9][a-z0-9-]{0,63}",
}

CODE_RULES: Final = {
    "ministry": "G and two digits, as in G09",
    "province": "two digits, as in 01",
    "commune": "five digits, as in 00004",
    "unit": "an agency code, as in 000.00.19.H26",
    "field": "small letters, digits and hyphens, as in ho-tich",
}


Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
WebhookAddress = Annotated[str, Field(pattern=r"^https?://\S+$")]


class EntryKind(StrEnum):
    """What a registry entry is. `field` is a service field (lĩnh vực), the others are agencies."""

    MINISTRY = "ministry"
    PROVINCE = "province"
    COMMUNE = "commune"
    UNIT = "unit"
    FIELD = "field"

    @property
    def code_pattern(self) -> str:
        """A regular expression for a whole code of this kind."""
        return _CODE_PATTERNS[self.value]


ALLOWED_PARENTS: Final[dict[EntryKind, frozenset[str]]] = {
    EntryKind.MINISTRY: frozenset({COUNTRY}),
    EntryKind.PROVINCE: frozenset({COUNTRY}),
    EntryKind.COMMUNE: frozenset({EntryKind.PROVINCE}),
    EntryKind.UNIT: frozenset({EntryKind.COMMUNE, EntryKind.PROVINCE, EntryKind.MINISTRY}),
    EntryKind.FIELD: frozenset({COUNTRY}),
}


class RegistryEntry(BaseModel):
    """One version of one unit (or service field)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: EntryKind
    code: Annotated[str, StringConstraints(max_length=64)]
    name_vi: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    name_en: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    parent: Scope
    valid_from: date | None = None
    valid_to: date | None = None
    predecessors: tuple[Scope, ...] = ()
    successors: tuple[Scope, ...] = ()
    email: Email | None = None
    webhook: WebhookAddress | None = None

    @model_validator(mode="after")
    def _in_force_for_a_day(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            msg = "valid_to: must be after valid_from"
            raise ValueError(msg)
        return self

    @property
    def key(self) -> Scope:
        """`unit:000.00.19.H26`: the scope that the entry's index has."""
        return f"{self.kind}:{self.code}"

    @property
    def version_key(self) -> str:
        """The key of this version of the entry."""
        return f"{self.key}@{self.valid_from or 'always'}"

    def in_force(self, day: date) -> bool:
        """Whether this version holds on a local day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )


_DAYS_OF_ENTRIES_KEPT: Final = 16_384
"""A country on two days: what answers of today ask for, over and over."""


class Registry:
    """All entries, ready to be asked. Immutable: a new load makes a new one."""

    def __init__(self, entries: Iterable[RegistryEntry]) -> None:
        """Index the entries by key."""
        self._versions: dict[str, list[RegistryEntry]] = defaultdict(list)
        self._children: dict[str, list[RegistryEntry]] = defaultdict(list)
        for entry in entries:
            self._versions[entry.key].append(entry)
            self._children[entry.parent].append(entry)
        self._on = lru_cache(_DAYS_OF_ENTRIES_KEPT)(self._look_up)
        self._above = lru_cache(_DAYS_OF_ENTRIES_KEPT)(self._climb)

    @classmethod
    def of_documents(cls, documents: Iterable[dict[str, Any]]) -> Self:
        """The registry that stored entries (`RegistryEntry.model_dump(mode="json")`) make up."""
        return cls(RegistryEntry.model_validate(document) for document in documents)

    def __iter__(self) -> Iterator[RegistryEntry]:
        """All versions of all entries."""
        return (entry for versions in self._versions.values() for entry in versions)

    def __len__(self) -> int:
        """How many keys there are, whatever their versions."""
        return len(self._versions)

    def knows(self, key: str) -> bool:
        """Whether any version of a key exists, in force or not."""
        return key in self._versions

    def on(self, key: str, day: date) -> RegistryEntry | None:
        """The version of a key in force on a local day."""
        return self._on(key, day)

    def _look_up(self, key: str, day: date) -> RegistryEntry | None:
        return next((v for v in self._versions.get(key, ()) if v.in_force(day)), None)

    def latest(self, key: str, day: date) -> RegistryEntry | None:
        """The version in force on a day, or else the last one known: names for old figures."""
        versions = self._versions.get(key)
        if not versions:
            return None
        return self.on(key, day) or max(versions, key=lambda v: v.valid_from or date.min)

    def above(self, key: str, day: date) -> list[Scope]:
        """The scopes above a key on a day, nearest first, the country last."""
        return list(self._above(key, day))

    def _climb(self, key: str, day: date) -> list[Scope]:
        chain: list[Scope] = []
        entry = self.on(key, day)
        while entry is not None and entry.parent != COUNTRY:
            chain.append(entry.parent)
            entry = self.on(entry.parent, day)
        return [*chain, COUNTRY]

    def below(self, key: str, day: date) -> list[RegistryEntry]:
        """Everything that stands under a key on a day, at any depth, parents before children."""
        found: list[RegistryEntry] = []
        for child in self.children(key, day):
            found += [child, *self.below(child.key, day)]
        return found

    def children(self, key: str, day: date) -> list[RegistryEntry]:
        """What stands directly under a key on a day, by kind and code."""
        found = [entry for entry in self._children.get(key, ()) if entry.in_force(day)]
        return sorted(found, key=lambda entry: (entry.kind, entry.code))
