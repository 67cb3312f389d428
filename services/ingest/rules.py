"""Does a well-formed response count? Pure: the same response always gets the same verdict."""

from collections.abc import Mapping
from datetime import timedelta

from method.counted import Exclusion
from method.period import local_day
from schemas.feedback import FeedbackSubmitted, Violation
from schemas.instrument import Instrument
from schemas.registry import Registry
from services.ingest.reading import Rejection
from services.ingest.settings import IngestSettings

Instruments = Mapping[tuple[str, int], Instrument]


def _reject(reason: Exclusion, field: str, rule: str) -> Rejection:
    return Rejection(reason, (Violation(field=field, rule=rule),))


def _instrument_problem(response: FeedbackSubmitted, known: Instruments) -> Rejection | None:
    instrument = known.get((response.instrument, response.instrument_version))
    if instrument is None:
        return _reject(
            Exclusion.UNKNOWN_INSTRUMENT, "instrument", "must be a known questionnaire and version"
        )
    if not response.answers.keys() <= instrument.items.keys():
        allowed = ", ".join(sorted(instrument.items))
        return _reject(Exclusion.FOREIGN_ITEM, "answers", f"items must be among: {allowed}")
    if instrument.headline not in response.answers:
        rule = f"must answer `{instrument.headline}`"
        return _reject(Exclusion.MISSING_OVERALL, "answers", rule)
    return None


def _place_problem(response: FeedbackSubmitted, registry: Registry) -> Rejection | None:
    key, day = f"unit:{response.unit}", local_day(response.occurred_at)
    if not registry.knows(key):
        return _reject(Exclusion.UNKNOWN_UNIT, "unit", "must be in the registry")
    if registry.on(key, day) is None:
        return _reject(
            Exclusion.UNIT_NOT_IN_FORCE, "unit", f"was not in force on {day.isoformat()}"
        )
    if response.field is not None and not registry.knows(f"field:{response.field}"):
        return _reject(Exclusion.UNKNOWN_FIELD, "field", "must be in the registry")
    return None


def _time_problem(response: FeedbackSubmitted, settings: IngestSettings) -> Rejection | None:
    # Measured from the receipt, not from now: a record that is read again after an outage must
    # get the same verdict as before.
    age = response.received_at - response.occurred_at
    limit = settings.late_limit(response.channel)
    if age > limit:
        return _reject(
            Exclusion.LATE, "occurred_at", f"at most {limit.days} days before it is received"
        )
    if -age > timedelta(minutes=settings.future_minutes):
        return _reject(
            Exclusion.FUTURE,
            "occurred_at",
            f"at most {settings.future_minutes} minutes after it is received",
        )
    return None


def judge(
    response: FeedbackSubmitted,
    instruments: Instruments,
    registry: Registry,
    settings: IngestSettings,
) -> Rejection | None:
    """None when the response counts, else the first rule that excludes it."""
    return (
        _instrument_problem(response, instruments)
        # Before the place: the last hours of the year 9999 lie beyond every local day.
        or _time_problem(response, settings)
        or _place_problem(response, registry)
    )
