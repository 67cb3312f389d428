"""What may be answered to an alert, as one table. Pure.

    handled        acknowledged    cause           plan        result
    waiting        acknowledged    acknowledged    planned     –
    acknowledged   –               acknowledged    planned     –
    planned        –               planned         planned     done
    done           –               done            planned     –

Whether the index recovers is another matter: an office that did nothing may be lucky, and one that
did all it could may not be. A result needs a plan, because what is said to be done must be measured
against what was to be done.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from method.period import local_day
from schemas.alert import AgencyReplied, Handling, ReplyKind
from schemas.feedback import Violation

_W, _A, _P, _D = Handling.WAITING, Handling.ACKNOWLEDGED, Handling.PLANNED, Handling.DONE

TABLE: Final[Mapping[tuple[Handling, ReplyKind], Handling]] = MappingProxyType(
    {
        (_W, ReplyKind.ACKNOWLEDGED): _A,
        (_W, ReplyKind.CAUSE): _A,
        (_W, ReplyKind.PLAN): _P,
        (_A, ReplyKind.CAUSE): _A,
        (_A, ReplyKind.PLAN): _P,
        (_P, ReplyKind.CAUSE): _P,
        (_P, ReplyKind.PLAN): _P,
        (_P, ReplyKind.RESULT): _D,
        (_D, ReplyKind.CAUSE): _D,
        (_D, ReplyKind.PLAN): _P,
    }
)


LONGEST_PLAN: Final = timedelta(days=180)


def allowed(handling: Handling) -> list[ReplyKind]:
    """The replies that may be given now."""
    return [kind for kind in ReplyKind if (handling, kind) in TABLE]


def broken_rule(handling: Handling, reply: AgencyReplied) -> Violation | None:
    """The rule that a reply breaks at this point, if it breaks one."""
    if (handling, reply.kind) not in TABLE:
        names = ", ".join(allowed(handling))
        return Violation(field="kind", rule=f"of an alert that is {handling} must be {names}")
    if reply.kind is not ReplyKind.ACKNOWLEDGED and not reply.text:
        return Violation(field="text", rule=f"must say something with kind {reply.kind}")
    if (reply.due is not None) != (reply.kind is ReplyKind.PLAN):
        return Violation(field="due", rule="must be there with kind plan, and with no other")
    today = local_day(reply.replied_at)
    if reply.due is not None and not today <= reply.due <= today + LONGEST_PLAN:
        rule = f"must be today or later, and within {LONGEST_PLAN.days} days"
        return Violation(field="due", rule=rule)
    return None
