"""One alert with the evidence behind it, as its own page and as JSON show it."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, Field

from method.episode import LOOK_BACK, Period, before, since
from method.period import local_day
from schemas.alert import AlertState, ReplyKind
from services.gateway.desk.answering import Desk, DeskAlert
from services.gateway.people.access import ALLOWED, Permission
from services.gateway.people.accounts import Account
from services.gateway.people.comments import Comments, CommentView
from services.gateway.people.routes import Looks
from services.gateway.published.closeup import CloseUp, DayFigure, HourFigure, ItemFigures
from services.runtime.clock import Clock

_COMMENTS: Final = 20
_LONGEST: Final = 400
"""Days that a chart shows at most."""


class Days(BaseModel):
    """Local days, both ends included."""

    first: date
    last: date


class AlertDetail(DeskAlert):
    """An alert with the evidence behind it; `since` are the days of its trouble."""

    since: Days
    before: Annotated[Days, Field(description="What `since` is compared with")]
    days: Annotated[list[DayFigure], Field(description="From `before` on; none without answers")]
    items: list[ItemFigures]
    hours: Annotated[list[HourFigure], Field(description="Of `since`; offices alone have them")]
    comments: Annotated[
        list[CommentView] | None,
        Field(description="Of dissatisfied answers, newest first; null if you may not read them"),
    ]


def _over(view: DeskAlert, now: datetime) -> datetime:
    """When the trouble was over; now, if it is not."""
    if view.alert.state is AlertState.FIRING:
        return now
    ended = [moment.at for moment in view.history if moment.state is AlertState.RESOLVED]
    return ended[-1] if ended else view.alert.changed_at


def _shown_until(view: DeskAlert, over: datetime, today: date) -> date:
    """The last day of the chart: some time after the last that matters."""
    reported = [one.replied_at for one in view.replies if one.kind is ReplyKind.RESULT]
    last = max(local_day(moment) for moment in (over, *reported))
    return min(today, last + timedelta(days=LOOK_BACK + 1))


class Details:
    """Puts the evidence of alerts together."""

    def __init__(
        self, desk: Desk, closeup: CloseUp, comments: Comments, looks: Looks, clock: Clock
    ) -> None:
        """Hold what the work needs."""
        self._desk = desk
        self._closeup = closeup
        self._comments = comments
        self._looks = looks
        self._clock = clock

    async def of(self, account: Account, key: str) -> AlertDetail:
        """An alert of an account's part of the registry; what was read of comments is noted.

        Raises:
            ProblemError: 404 for an alert that is not there or not of that part.
        """
        view = await self._desk.one(account, key)
        scope, now = view.alert.scope, self._clock()
        began_at = view.alert.began_at or view.alert.opened_at
        over = _over(view, now)
        trouble, past = since(began_at, over), before(began_at)
        until = _shown_until(view, over, local_day(now))
        first = max(past.first, until - timedelta(days=_LONGEST))
        return AlertDetail(
            **dict(view),
            since=Days(**trouble._asdict()),
            before=Days(**past._asdict()),
            days=await self._closeup.days(scope, Period(first, until)),
            items=await self._closeup.items(scope, trouble, past),
            hours=await self._closeup.hours(scope, trouble),
            comments=await self._written(account, view, began_at),
        )

    async def _written(
        self, account: Account, view: DeskAlert, began_at: datetime
    ) -> list[CommentView] | None:
        if Permission.COMMENTS not in ALLOWED[account.role]:
            return None
        found = await self._comments.dissatisfied(view.alert.scope, began_at, _COMMENTS)
        await self._looks.note(account, "comments", view.alert.scope, len(found))
        return found
