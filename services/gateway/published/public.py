"""From what the services know to what anybody may see: the one place where figures are withheld.

Everything that is served without signing in passes here, and nothing else does: topics, the
database and the alerts to agencies hold every figure. The decisions follow the figures within a
second or so; a figure of fewer answers than may be published is withheld whatever they say.
"""

from typing import Final

from method.definition import definition_of
from method.nesting import SIDES, Side, side_key
from method.period import local_day
from schemas.figure import Figure
from schemas.instrument import OVERALL
from services.gateway.published.daily import Days
from services.gateway.published.disclosure import Disclosure
from services.gateway.published.views import (
    AlertView,
    DayView,
    IndexView,
    Shown,
    SilenceView,
    WindowView,
    Withheld,
)
from services.runtime.clock import Clock

_WITHHELD: Final = Withheld()


class Public:
    """Turns views into what is published of them."""

    def __init__(self, disclosure: Disclosure, days: Days, clock: Clock) -> None:
        """Hold what the work needs."""
        self._disclosure = disclosure
        self._days = days
        self._clock = clock

    async def indices(self, views: list[IndexView]) -> list[IndexView]:
        """What is published of indices.

        Raises:
            DatabaseError: when nothing has been decided yet, or days cannot be.
        """
        await self._disclosure.ready()
        return [await self._index(view) for view in views]

    async def _index(self, view: IndexView) -> IndexView:
        publish_from = definition_of(view.method).publish_from
        windows = self._windows(view, OVERALL, view.windows, publish_from)
        history = view.history
        if history:
            oldest = (local_day(self._clock()) - min(day.day for day in history)).days + 1
            withheld = await self._days.withheld(view.scope, max(1, oldest))
            history = [_day(day, day.day in withheld, publish_from) for day in history]
        return view.model_copy(
            update={
                "windows": windows,
                "items": {
                    item: self._windows(view, item, of_item, publish_from)
                    for item, of_item in view.items.items()
                },
                "history": history,
                "latest_received_at": None
                if any(window.current is _WITHHELD for window in windows.values())
                else view.latest_received_at,
            }
        )

    def _windows(
        self, view: IndexView, item: str, windows: dict[str, WindowView], publish_from: int
    ) -> dict[str, WindowView]:
        withheld = self._disclosure.withheld(item, view.scope)

        def shown(figure: Shown, name: str, side: Side) -> Shown:
            return _shown(figure, side_key(name, side) in withheld, publish_from)

        current, previous = SIDES
        return {
            name: window.model_copy(
                update={
                    current: shown(window.current, name, current),
                    previous: shown(window.previous, name, previous),
                }
            )
            for name, window in windows.items()
        }

    async def alerts(self, views: list[AlertView]) -> list[AlertView]:
        """What is published of alerts: a figure only where its window is published now.

        Raises:
            DatabaseError: when nothing has been decided yet.
        """
        await self._disclosure.ready()
        return [self._alert(view) for view in views]

    def _alert(self, view: AlertView) -> AlertView:
        evidence = view.alert.evidence
        if isinstance(evidence, SilenceView):
            return view
        withheld = self._disclosure.withheld(OVERALL, view.alert.scope)
        publish_from = self._disclosure.definition().publish_from
        current, previous = (
            _shown(
                getattr(evidence, side), side_key(evidence.window, side) in withheld, publish_from
            )
            for side in SIDES
        )
        moments: dict[str, object] = (
            {"latest_received_at": None, "latest_occurred_at": None} if current is _WITHHELD else {}
        )
        update = {
            "current": current,
            "previous": previous,
            # It is the index of a window before.
            "baseline": None if _WITHHELD in (current, previous) else evidence.baseline,
        }
        alert = view.alert.model_copy(
            update={"evidence": evidence.model_copy(update=update), **moments}
        )
        return view.model_copy(update={"alert": alert})


def _day(day: DayView, withheld: bool, publish_from: int) -> DayView:
    shown = _shown(day.figure, withheld, publish_from)
    return day if shown is day.figure else DayView(day=day.day, figure=shown)


def _shown(figure: Shown, withheld: bool, publish_from: int) -> Shown:
    small = isinstance(figure, Figure) and 0 < figure.n < publish_from
    return _WITHHELD if withheld or small else figure
