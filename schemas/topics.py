"""Every Kafka topic: its event, its key, how long it keeps what. Created by an explicit step."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from schemas.alert import AgencyReplied, AlertChanged
from schemas.base import Event
from schemas.device import DeviceHeartbeat
from schemas.feedback import FeedbackAccepted, FeedbackQuarantined, FeedbackSubmitted
from schemas.index import IndexUpdated


@dataclass(frozen=True)
class Topic:
    """A topic and its promises.

    Attributes:
        name: with the version of its event.
        event: the model of its records.
        keyed_by: what orders the records of a partition, for people.
        partitions: how many, for good: offsets and order depend on it, and `langnghe prepare`
            refuses a topic that has another number.
        retention: how long records stay; None keeps the newest record of each key (compaction).
        purpose: one sentence, for the generated documents.
    """

    name: str
    event: type[Event]
    keyed_by: str
    partitions: int
    retention: timedelta | None
    purpose: str

    @property
    def config(self) -> dict[str, str]:
        """Kafka's own settings for the topic."""
        if self.retention is None:
            return {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"}
        milliseconds = int(self.retention / timedelta(milliseconds=1))
        return {"cleanup.policy": "delete", "retention.ms": str(milliseconds)}


FEEDBACK_SUBMITTED: Final = Topic(
    name="feedback.submitted.v1",
    event=FeedbackSubmitted,
    keyed_by="unit",
    partitions=4,
    retention=timedelta(days=14),
    purpose="Responses as received, their form checked by the gateway.",
)
FEEDBACK_ACCEPTED: Final = Topic(
    name="feedback.accepted.v1",
    event=FeedbackAccepted,
    keyed_by="unit",
    # As many as feedback.submitted.v1: ingest publishes to the same partition number, which is
    # what makes the source offset a position that scoring can compare.
    partitions=FEEDBACK_SUBMITTED.partitions,
    retention=timedelta(days=14),
    purpose="Responses that count, in the order of their source offsets.",
)
FEEDBACK_QUARANTINED: Final = Topic(
    name="feedback.quarantined.v1",
    event=FeedbackQuarantined,
    keyed_by="unit",
    partitions=1,
    retention=timedelta(days=30),
    purpose="Records set aside, each with its reason.",
)
INDEX_UPDATED: Final = Topic(
    name="index.updated.v1",
    event=IndexUpdated,
    keyed_by="scope",
    partitions=4,
    retention=None,
    purpose="The newest rolling index of every scope.",
)
ALERT_CHANGED: Final = Topic(
    name="alert.changed.v1",
    event=AlertChanged,
    keyed_by="alert",
    partitions=1,
    retention=None,
    purpose="The newest state of every alert.",
)
AGENCY_REPLIED: Final = Topic(
    name="agency.replied.v1",
    event=AgencyReplied,
    keyed_by="alert",
    partitions=1,
    retention=timedelta(days=90),
    purpose="What agencies answered to alerts.",
)
DEVICE_HEARTBEAT: Final = Topic(
    name="device.heartbeat.v1",
    event=DeviceHeartbeat,
    keyed_by="device",
    partitions=1,
    retention=timedelta(days=1),
    purpose="Signs of life from kiosks, and from the gateway that listens to them.",
)

TOPICS: Final = (
    FEEDBACK_SUBMITTED,
    FEEDBACK_ACCEPTED,
    FEEDBACK_QUARANTINED,
    INDEX_UPDATED,
    ALERT_CHANGED,
    AGENCY_REPLIED,
    DEVICE_HEARTBEAT,
)
