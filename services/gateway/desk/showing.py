"""An alert's evidence in the order in which its page tells it. Pure."""

from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from method.period import local_day
from schemas.alert import AgencyReplied, AlertState, ReplyKind
from schemas.history import Moment
from schemas.scope import Scope
from services.gateway.desk.chart import Chart, chart
from services.gateway.desk.detail import AlertDetail
from services.gateway.published.views import Name


class Event(NamedTuple):
    """Something that befell an alert.

    Attributes:
        at: when.
        what: a key of the desk's words: a state, `escalated`, `held`, `released`, `reminded`, or
            empty for a reply.
        reply: what was answered, if it is an answer.
        told: the names of the agencies that were told of it.
    """

    at: datetime
    what: str
    reply: AgencyReplied | None
    told: list[Name]


def timeline(view: AlertDetail, name: Callable[[Scope], Name]) -> list[Event]:
    """What befell an alert and what was answered, oldest first.

    Args:
        view: the alert.
        name: of an agency.
    """
    events = [
        Event(moment.at, _what(before, moment), None, [name(agency) for agency in moment.told])
        for before, moment in pairwise([None, *view.history])
        if moment is not None
    ]
    events += [Event(reply.replied_at, "", reply, []) for reply in view.replies]
    return sorted(events, key=lambda event: event.at)


def _what(before: Moment | None, moment: Moment) -> str:
    if before is None or before.state is not moment.state:
        return moment.state.value
    if moment.escalated > before.escalated:
        return "escalated"
    if moment.held != before.held:
        return "held" if moment.held else "released"
    return "reminded"


def _fired(history: list[Moment], opened_at: datetime) -> datetime:
    fired = [moment.at for moment in history if moment.state is AlertState.FIRING]
    return fired[0] if fired else opened_at


def chart_of(view: AlertDetail) -> Chart | None:
    """The index by day with the days that matter: began, fired, plan, result, recovered."""
    marks: dict[str, date] = {
        "began": view.since.first,
        "fired": local_day(_fired(view.history, view.alert.opened_at)),
    }
    if view.alert.plan_due is not None:
        marks["planned"] = view.alert.plan_due
    results = [one.replied_at for one in view.replies if one.kind is ReplyKind.RESULT]
    if results:
        marks["result"] = local_day(results[-1])
    if view.alert.state is AlertState.RESOLVED:
        marks["recovered"] = view.since.last
    return chart(view.days, marks)
