"""Is an answer overdue? Pure.

When an answer is due and none came, the level above is told and gets its own time; the alert's
`answer_due` is then of that level. What the office owed is overdue all the same, until it takes a
step. To talk on without one (`method/handling.py`) is none.
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
    if alert.answer_due is not None and alert.answer_due <= now:
        return True
    went_up = [moment.at for moment in history if moment.escalated]
    return bool(went_up) and went_up[-1] > _last_step(replies)
