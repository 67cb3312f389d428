"""Is an answer overdue? Pure.

When an answer is due and none came, the level above is told and gets its own time; the alert's
`answer_due` is then of that level. What the office owed is overdue all the same, until it takes a
step. To talk on without one (`method/handling.py`) is none. While an alert is held back nobody is
asked for a first answer, and when the hold ends the time for one begins anew.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from method.handling import TABLE
from schemas.alert import AgencyReplied, AlertChanged, AlertState, Handling, ReplyKind
from schemas.history import Moment

_NEVER = datetime.min.replace(tzinfo=UTC)


def _last_step(replies: Sequence[AgencyReplied]) -> datetime:
    handling, last = Handling.WAITING, _NEVER
    for reply in replies:
        after = TABLE.get((handling, reply.kind), handling)
        if after is not handling or reply.kind is ReplyKind.PLAN:
            last = reply.replied_at
        handling = after
    return last


def _went_up(history: Sequence[Moment]) -> datetime:
    """When the level above was told last, unless the office was given new time since."""
    last, levels, held = _NEVER, 0, False
    for moment in history:
        if held and not moment.held:
            last = _NEVER
        if moment.escalated > levels:
            last = moment.at
        levels, held = moment.escalated, moment.held
    return last


def overdue(
    alert: AlertChanged,
    replies: Sequence[AgencyReplied],
    history: Sequence[Moment],
    now: datetime,
) -> bool:
    """Whether the agency owes an answer that should be there by now.

    Args:
        alert: as it stands.
        replies: that were taken, oldest first.
        history: what befell it, oldest first.
        now: the time.
    """
    if alert.state is not AlertState.FIRING or alert.handling is Handling.DONE:
        return False
    if alert.held is not None and alert.handling is Handling.WAITING:
        return False
    if alert.answer_due is not None and alert.answer_due <= now:
        return True
    return _went_up(history) > _last_step(replies)
