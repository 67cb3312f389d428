"""Who receives and who sends what. The run time refuses any other topic, so this cannot drift."""

from dataclasses import dataclass
from typing import Final

from schemas.topics import (
    AGENCY_REPLIED,
    ALERT_CHANGED,
    DEVICE_HEARTBEAT,
    FEEDBACK_ACCEPTED,
    FEEDBACK_QUARANTINED,
    FEEDBACK_SUBMITTED,
    INDEX_UPDATED,
    Topic,
)


@dataclass(frozen=True)
class Flow:
    """The topics of one service, or of the commands."""

    purpose: str
    receives: tuple[Topic, ...]
    sends: tuple[Topic, ...]


FLOWS: Final = {
    "gateway": Flow(
        purpose="The HTTP edge: receives feedback, serves indices, alerts and live updates.",
        receives=(INDEX_UPDATED, ALERT_CHANGED),
        sends=(FEEDBACK_SUBMITTED, AGENCY_REPLIED, DEVICE_HEARTBEAT),
    ),
    "ingest": Flow(
        purpose="Checks, de-duplicates, enriches and stores responses; sets aside what is wrong.",
        receives=(FEEDBACK_SUBMITTED,),
        sends=(FEEDBACK_ACCEPTED, FEEDBACK_QUARANTINED),
    ),
    "scoring": Flow(
        purpose="Counts responses and keeps the rolling indices.",
        receives=(FEEDBACK_ACCEPTED,),
        sends=(INDEX_UPDATED,),
    ),
    "notify": Flow(
        purpose="Raises alerts by rules, tells the responsible agency, follows up.",
        receives=(INDEX_UPDATED, AGENCY_REPLIED, DEVICE_HEARTBEAT),
        sends=(ALERT_CHANGED,),
    ),
    "operator": Flow(
        purpose="The operator's commands: send again what was set aside, rebuild the counts.",
        receives=(),
        sends=(FEEDBACK_SUBMITTED, INDEX_UPDATED),
    ),
}
