"""Finds the offices of a quarter that are commended, from scoring's tallies by day."""

import asyncio
import unicodedata
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from method.commendation import Assessment, Conditions, Office, Peers, assess, conditions
from method.definition import Definition, definition_on
from method.figure import figure
from method.period import local_day
from method.quarter import Quarter
from schemas.figure import Counts
from schemas.registry import Registry
from schemas.scope import COUNTRY, Scope
from services.gateway.commendations.offices import offices_of
from services.gateway.commendations.views import CommendationList, Commended, PeersView
from services.gateway.commendations.withholding import WHOLE, withheld_groups, withheld_periods
from services.gateway.problems import ProblemError
from services.gateway.published.reading import Reader
from services.gateway.published.views import Name, Shown, Withheld
from services.runtime.cached import Cached
from services.runtime.clock import Clock
from services.runtime.database import Database

_HELD_FOR: Final = timedelta(minutes=5)
_BOUNDS: Final = (0.0001, 0.001, 0.01, 0.05, 1.0)
_WITHHELD: Final = Withheld()


class _Judged(NamedTuple):
    """A quarter as it was judged."""

    at: datetime
    wanted: Conditions
    definition: Definition
    offices: dict[Scope, Office]
    found: list[Assessment]
    withheld_groups: set[str]


class Commendations:
    """Judges quarters; what was judged is held for minutes, because it reads a quarter's days."""

    def __init__(
        self, database: Database, registry: Cached[Registry], reader: Reader, clock: Clock
    ) -> None:
        """Hold what the work needs."""
        self._database = database
        self._registry = registry
        self._reader = reader
        self._clock = clock
        self._lock = asyncio.Lock()
        self._judged: dict[Quarter, _Judged] = {}

    def quarters(self) -> list[Quarter]:
        """All quarters that can be judged, the running one first."""
        found: list[Quarter] = []
        quarter = Quarter.of(local_day(self._clock()))
        while conditions(quarter) is not None:
            found.append(quarter)
            quarter = quarter.before
        return found

    def is_public(self, quarter: Quarter) -> bool:
        """Whether anybody may read the list of a quarter, which is one of `quarters`."""
        return _public_from(quarter, _wanted(quarter)) <= local_day(self._clock())

    def chosen(self, text: str | None, *, draft: bool) -> Quarter:
        """The quarter that somebody asks for among the drafts, or among what is public.

        Raises:
            ProblemError: 404 for one that is not there.
        """
        quarters = self.quarters()
        fitting = [quarter for quarter in quarters if self.is_public(quarter) is not draft]
        wanted = Quarter.parse(text) if text else next(iter(fitting), None)
        if wanted in fitting:
            return wanted
        if wanted in quarters:
            where = "/v1/commendations" if draft else "/v1/commendations/drafts"
            detail = f"The list of {wanted} stands at {where}?quarter={wanted}."
            raise ProblemError(404, "other-list", detail)
        detail = f"{text} is still to come, or lies before there were commendations."
        raise ProblemError(404, "unknown-quarter", detail)

    async def of(self, quarter: Quarter) -> CommendationList:
        """The list of a quarter, which is one of `quarters`.

        Raises:
            DatabaseError: when the answers cannot be read.
        """
        wanted = _wanted(quarter)
        async with self._lock:
            judged = self._judged.get(quarter)
            if judged is None or self._clock() - judged.at >= _HELD_FOR:
                judged = self._judged[quarter] = await self._judge(quarter, wanted)
        commended = [self._commended(quarter, judged, one) for one in judged.found if one.listed]
        public_from = _public_from(quarter, wanted)
        return CommendationList(
            quarter=str(quarter),
            first=quarter.first,
            last=quarter.last,
            draft=local_day(self._clock()) < public_from,
            public_from=public_from,
            basis="management_information",
            method=judged.definition.version,
            target=wanted.target,
            judged=len(judged.found),
            false_discovery_rate=wanted.false_discovery_rate,
            commended=sorted(commended, key=lambda one: (_order(one.name.vi), one.scope)),
        )

    async def _judge(self, quarter: Quarter, wanted: Conditions) -> _Judged:
        now = self._clock()
        definition = definition_on(quarter.first)
        offices = await offices_of(self._database, self._registry.value, quarter, local_day(now))
        found = await asyncio.to_thread(assess, offices, quarter, wanted, definition)
        return _Judged(
            now,
            wanted,
            definition,
            {office.scope: office for office in offices},
            found,
            withheld_groups(offices, definition.publish_from),
        )

    def _commended(self, quarter: Quarter, judged: _Judged, one: Assessment) -> Commended:
        definition, office = judged.definition, judged.offices[one.scope]
        hidden = withheld_periods(office, quarter, definition.publish_from)

        def shown(counts: Counts, name: str) -> Shown:
            return _WITHHELD if name in hidden else figure(counts, definition)

        # Peers and the office make up their group: where its own figure is withheld, so is theirs.
        peers_hidden = WHOLE in hidden or one.peers.group in judged.withheld_groups
        return Commended(
            scope=one.scope,
            unit=one.scope.partition(":")[2],
            name=self._name(one.scope),
            above=self._name(self._parent(one.scope, quarter)),
            figure=shown(one.counts, WHOLE),
            months=[
                shown(counts, month)
                for counts, month in zip(one.months, quarter.months, strict=True)
            ],
            active_days=one.active_days,
            peers=self._peers(
                one.peers, _WITHHELD if peers_hidden else figure(one.peers.counts, definition)
            ),
            p_below=next(bound for bound in _BOUNDS if one.p_value < bound or bound == 1),
        )

    def _peers(self, peers: Peers, shown: Shown) -> PeersView:
        kind, _, within = peers.group.partition("/")
        return PeersView(
            kind=kind,
            within=self._name(within) if within else None,
            offices=peers.offices,
            figure=shown,
        )

    def _parent(self, scope: Scope, quarter: Quarter) -> Scope:
        entry = self._registry.value.latest(scope, quarter.last)
        return entry.parent if entry else COUNTRY

    def _name(self, scope: Scope) -> Name:
        return self._reader.name(scope) or Name(vi=scope, en=scope)


def _wanted(quarter: Quarter) -> Conditions:
    wanted = conditions(quarter)
    if wanted is None:
        msg = f"nothing is commended in {quarter}"
        raise ValueError(msg)
    return wanted


def _public_from(quarter: Quarter, wanted: Conditions) -> date:
    return quarter.last + timedelta(days=1 + wanted.publish_after_days)


def _order(name: str) -> str:
    """A name as it is sorted: by letters first, then by their marks (đ after d)."""
    marks = unicodedata.normalize("NFD", name.casefold())
    letters = "".join(mark for mark in marks if not unicodedata.combining(mark))
    return f"{letters.replace('đ', 'd~')}|{marks}"
