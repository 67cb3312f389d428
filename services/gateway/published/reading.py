"""Reads indices and alerts as scoring and notify keep them, and puts names to them.

Every figure is here in full; `services.gateway.published.public` makes of it what anybody may see.
"""

from datetime import date, timedelta

from method.definition import definition_of
from method.figure import figure
from method.index import Parts, rolling_index
from method.period import day_key, local_day
from schemas.alert import AlertChanged, AlertState, Evidence
from schemas.collections import ALERTS, INDICES, TALLIES
from schemas.counts import A_DAY, counts_of
from schemas.index import IndexUpdated, WindowFigures
from schemas.instrument import OVERALL
from schemas.kiosk import KioskSilence
from schemas.registry import EntryKind, Registry
from schemas.scope import COUNTRY, Scope, scope_kind
from services.gateway.published.views import (
    AlertBody,
    AlertView,
    DayView,
    EvidenceView,
    IndexView,
    Name,
    SilenceView,
    WindowView,
)
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.database import Database

COUNTRY_NAME = Name(vi="Cả nước", en="Viet Nam")


class Reader:
    """What pages and programs may read."""

    def __init__(self, database: Database, registry: Cached[Registry], clock: Clock) -> None:
        """Hold what the work needs."""
        self._database = database
        self._registry = registry
        self._clock = clock

    def _today(self) -> date:
        return local_day(self._clock())

    def name(self, scope: Scope) -> Name | None:
        """A scope's name, also if it is no longer in force; None if nobody knows it."""
        if scope == COUNTRY:
            return COUNTRY_NAME
        entry = self._registry.value.latest(scope, self._today())
        return Name(vi=entry.name_vi, en=entry.name_en) if entry else None

    def within(self, scope: Scope) -> list[Scope]:
        """A scope and all that stands below it today."""
        below = self._registry.value.below(scope, self._today())
        return [scope, *(entry.key for entry in below)]

    def above(self, scope: Scope) -> list[Scope]:
        """What a scope stands under today, nearest first."""
        return self._registry.value.above(scope, self._today())

    def _below(self, parent: Scope, kind: EntryKind | None) -> list[Scope]:
        """What stands under a scope today: directly, or at any depth if it is of one kind."""
        registry, today = self._registry.value, self._today()
        if kind is None:
            return [entry.key for entry in registry.children(parent, today)]
        return [entry.key for entry in registry.below(parent, today) if entry.kind is kind]

    def _empty(self, scope: Scope) -> IndexUpdated:
        return rolling_index(scope, OVERALL, Parts(), self._clock(), version=0)

    async def _indices(self, scopes: list[Scope]) -> dict[Scope, list[IndexUpdated]]:
        found: dict[Scope, list[IndexUpdated]] = {scope: [] for scope in scopes}
        async for document in self._database[INDICES].find(
            {"scope": {"$in": scopes}}, {"_id": 0, "kind": 0}
        ):
            index = IndexUpdated.model_validate(document, strict=False)
            found[index.scope].append(index)
        return found

    def _view(self, scope: Scope, indices: list[IndexUpdated]) -> IndexView:
        by_item = {index.item: index for index in indices}
        headline = by_item.pop(OVERALL, None) or self._empty(scope)
        return IndexView(
            scope=scope,
            kind=scope_kind(scope),
            name=self.name(scope) or Name(vi=scope, en=scope),
            basis=headline.basis,
            method=headline.method,
            as_of=headline.as_of,
            latest_received_at=headline.latest_received_at,
            version=headline.version,
            windows=_windows(headline.windows),
            items={item: _windows(index.windows) for item, index in sorted(by_item.items())},
        )

    async def index(self, scope: Scope, days: int) -> IndexView | None:
        """A scope's index with its history by day; None if nobody knows the scope."""
        if self.name(scope) is None:
            return None
        view = self._view(scope, (await self._indices([scope]))[scope])
        return view.model_copy(update={"history": await self._history(view, days)})

    async def _history(self, view: IndexView, days: int) -> list[DayView]:
        first = day_key(self._today() - timedelta(days=days - 1))
        definition = definition_of(view.method)
        found = self._database[TALLIES].find(
            {"scope": view.scope, "item": OVERALL, "period": {"$gte": first}}, A_DAY
        )
        return [
            DayView(
                day=date.fromisoformat(document["period"]),
                figure=figure(counts_of(document), definition),
            )
            for document in await found.sort("period", 1).to_list(None)
        ]

    async def under(self, parent: Scope, kind: EntryKind | None) -> list[IndexView] | None:
        """The indices of what stands under a scope; None if nobody knows the scope."""
        if self.name(parent) is None:
            return None
        return await self.indices(self._below(parent, kind))

    async def indices(self, scopes: list[Scope]) -> list[IndexView]:
        """The indices of scopes, in their order."""
        found = await self._indices(scopes)
        return [self._view(scope, found[scope]) for scope in scopes]

    async def alerts(self, states: list[AlertState], limit: int) -> list[AlertView]:
        """Alerts in some states, newest change first."""
        cursor = (
            self._database[ALERTS]
            .find({"state": {"$in": [state.value for state in states]}}, {"event": 1})
            .sort("changed_at", -1)
            .limit(limit)
        )
        views: list[AlertView] = []
        async for document in cursor:
            event = AlertChanged.model_validate(document["event"], strict=False)
            views.append(self.alert(event))
        return views

    def alert(self, event: AlertChanged) -> AlertView:
        """An alert with the name of what it is about."""
        values = {name: getattr(event, name) for name in AlertBody.model_fields}
        values["evidence"] = _evidence(event.evidence)
        return AlertView(
            name=self.name(event.scope) or Name(vi=event.scope, en=event.scope),
            alert=AlertBody(**values),
        )


def _evidence(evidence: Evidence | KioskSilence) -> EvidenceView | SilenceView:
    if isinstance(evidence, Evidence):
        return EvidenceView(**dict(evidence))
    return SilenceView(
        as_of=evidence.as_of,
        since=min(kiosk.since for kiosk in evidence.kiosks),
        silent=len(evidence.kiosks),
        of=evidence.of,
    )


def _windows(windows: dict[str, WindowFigures]) -> dict[str, WindowView]:
    # Checked when they were read: a list of the country has a hundred thousand figures.
    return {name: WindowView.model_construct(**dict(window)) for name, window in windows.items()}
