"""What an agency is told beside the figures: how sure it is, where it lies, what citizens wrote.

Looked up once, when a message is written, and kept in it: every attempt says the same.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from method.definition import definition_on
from method.episode import Period, before, since
from method.findings import Split, hours_standing_out, items_standing_out, split
from method.period import day_key
from schemas.collections import BUCKETS, TALLIES, VOICES
from schemas.counts import Stages, by_hour, by_item, counts_of
from schemas.figure import Percent
from schemas.instrument import OVERALL
from schemas.registry import EntryKind
from schemas.scope import Scope, scope_kind
from schemas.voices import Voice
from services.notify.alerts.lifecycle import Alert
from services.notify.rules.kinds import Change, Rule
from services.runtime.database import Database

_MOST: Final = 3
"""Of each kind; the page of the alert has all."""


class Place(BaseModel):
    """A question or an hour that stands out.

    Attributes:
        name: code of the question, or local hour, "09".
        unsatisfied: share of the answers here, since the trouble began, %.
        n: those answers.
        otherwise: share that it is compared with: of the question before, of the other hours, %.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    unsatisfied: Percent
    n: Annotated[int, Field(ge=0)]
    otherwise: Percent


class Findings(BaseModel):
    """What stands out, clearest first; empty where nothing does.

    Attributes:
        chance_every: days between two alerts like this one where nothing changes; None of rules
            that cannot say.
        items: questions.
        hours: hours of the day.
        voices: what citizens wrote, masked, newest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    chance_every: int | None = None
    items: tuple[Place, ...] = ()
    hours: tuple[Place, ...] = ()
    voices: tuple[str, ...] = ()


def _share(split: Split) -> float:
    return round(100 * split.unsatisfied / split.n, 2) if split.n else 0.0


def _items(now: dict[str, Split], past: dict[str, Split]) -> tuple[Place, ...]:
    asked = {item: split for item, split in now.items() if item != OVERALL}
    return tuple(
        Place(
            name=item,
            unsatisfied=_share(now[item]),
            n=now[item].n,
            otherwise=_share(past.get(item, Split(0, 0))),
        )
        for item in items_standing_out(asked, past)[:_MOST]
    )


def _hours(hours: dict[str, Split]) -> tuple[Place, ...]:
    bad, n = (sum(part) for part in zip(*hours.values(), strict=True)) if hours else (0, 0)
    return tuple(
        Place(
            name=hour,
            unsatisfied=_share(hours[hour]),
            n=hours[hour].n,
            otherwise=_share(Split(bad - hours[hour].unsatisfied, n - hours[hour].n)),
        )
        for hour in hours_standing_out(hours)[:_MOST]
    )


async def _splits(
    database: Database, collection: str, pipeline: Stages, period: Period
) -> dict[str, Split]:
    definition = definition_on(period.last)
    rows = database.aggregate(collection, pipeline)
    return {row["_id"]: split(counts_of(row), definition) async for row in rows}


async def _voices(database: Database, unit: str, began_at: datetime) -> tuple[str, ...]:
    document = await database[VOICES].find_one({"_id": unit}) or {"voices": []}
    voices = [Voice.model_validate(voice) for voice in document["voices"]]
    return tuple(voice.comment for voice in voices if voice.at >= began_at)[:_MOST]


async def look_up(database: Database, alert: Alert, rule: Rule | None, now: datetime) -> Findings:
    """What there is to say of an alert that fires.

    Raises:
        DatabaseError: when the figures cannot be read.
    """
    scope: Scope = alert.scope
    trouble, past = since(alert.began_at, now), before(alert.began_at)
    items = await _splits(database, TALLIES, by_item(scope, *map(day_key, trouble)), trouble)
    before_it = await _splits(database, TALLIES, by_item(scope, *map(day_key, past)), past)
    hours: dict[str, Split] = {}
    voices: tuple[str, ...] = ()
    if scope_kind(scope) == EntryKind.UNIT:
        unit = scope.partition(":")[2]
        hours = await _splits(database, BUCKETS, by_hour(unit, *map(day_key, trouble)), trouble)
        voices = await _voices(database, unit, alert.began_at)
    chance = rule.false_alarm_every // timedelta(days=1) if isinstance(rule, Change) else None
    return Findings(
        chance_every=chance, items=_items(items, before_it), hours=_hours(hours), voices=voices
    )
