"""The trends of units: made of their tallies once a local day, beside the change charts.

All that a trend is made of is kept, so it is made anew and not moved on: answers that came late
count in the day they are of, and to repeat it is harmless.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from method.change import design
from method.period import day_key, local_midnight
from method.trend import deviation, trend, trend_design
from schemas.collections import TALLIES
from schemas.counts import A_DAY, counts_of
from schemas.figure import Counts
from schemas.index import TrendFigures
from schemas.instrument import OVERALL
from schemas.scope import Scope
from services.runtime.database import Database


def figures(
    days: Mapping[date, Counts], today: date, answers: int, unsatisfied: int
) -> TrendFigures | None:
    """What is told of a trend; None where nobody answered. Pure.

    Args:
        days: answers by local day.
        today: the day at whose beginning it is made.
        answers: of the time that the unit is measured against.
        unsatisfied: of them.
    """
    now = trend(days, today, trend_design())
    if now is None:
        return None
    usual = design().reference(answers, unsatisfied)
    behind = answers + design().prior_answers
    return TrendFigures(
        index=round(100 * (1 - now.share), 2),
        usual=round(100 * (1 - usual), 2),
        n=round(now.answers),
        deviation=round(deviation(now, usual, behind), 4),
        end=local_midnight(today),
    )


async def days_of(
    database: Database, scopes: Sequence[Scope], today: date
) -> dict[Scope, dict[date, Counts]]:
    """Answers by scope and local day, of the days that a trend is made of."""
    first, last = trend_design().past(today)
    found: dict[Scope, dict[date, Counts]] = defaultdict(dict)
    async for tally in database[TALLIES].find(
        {
            "scope": {"$in": list(scopes)},
            "item": OVERALL,
            "period": {"$gte": day_key(first), "$lte": day_key(last)},
        },
        A_DAY,
    ):
        found[tally["scope"]][date.fromisoformat(tally["period"])] = counts_of(tally)
    return found
