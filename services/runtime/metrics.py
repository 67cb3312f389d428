"""Every metric of every service, declared once, each with a sentence on when to worry.

docs/metrics.md is generated from this catalogue (`langnghe.reference`). Names have units as
suffix; a label never holds anything a citizen wrote, nor anything without a small, known set of
values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

Metric = Counter | Gauge | Histogram

_LATENCY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60)
_AGE: Final = (0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60, 600, 3600, 86400, 604800)


@dataclass(frozen=True)
class Entry:
    """A metric as the documentation shows it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    worry: str


CATALOGUE: Final[list[Entry]] = []


def _declare(kind: str, name: str, labels: Sequence[str], meaning: str, worry: str) -> None:
    CATALOGUE.append(Entry(name, kind, tuple(labels), meaning, worry))


def _counter(name: str, meaning: str, worry: str, labels: Sequence[str]) -> Counter:
    _declare("counter", name, labels, meaning, worry)
    return Counter(name, meaning, labels)


def _gauge(name: str, meaning: str, worry: str, labels: Sequence[str]) -> Gauge:
    _declare("gauge", name, labels, meaning, worry)
    return Gauge(name, meaning, labels)


def _histogram(
    name: str, meaning: str, worry: str, labels: Sequence[str], buckets: Sequence[float]
) -> Histogram:
    _declare("histogram", name, labels, meaning, worry)
    return Histogram(name, meaning, labels, buckets=buckets)


def from_zero(metric: Metric, *values: Sequence[str]) -> None:
    """Show a metric's series from the start of the process on, before anything is counted.

    Prometheus sees no growth in a series that begins at 20: it must have seen the 0.

    Args:
        metric: with labels.
        values: of each label, all that there can be.
    """
    for labels in product(*values):
        metric.labels(*labels)


# Every service

RECORDS = _counter(
    "langnghe_records_total",
    "Records taken from a topic and dealt with",
    "It stands still while lag grows.",
    ["service", "topic"],
)
LAG_RECORDS = _gauge(
    "langnghe_lag_records",
    "Records of a partition that wait for this consumer",
    "It grows for ten minutes: the service is too slow, or MongoDB is.",
    ["service", "topic", "partition"],
)
LAG_SECONDS = _gauge(
    "langnghe_lag_seconds",
    "Age of the newest record dealt with, while others wait; 0 without lag",
    "Over 60: people see old figures.",
    ["service", "topic", "partition"],
)
BATCH_SECONDS = _histogram(
    "langnghe_batch_seconds",
    "Time to deal with the records of one partition in one fetch",
    "The 99th percentile nears 300 s, after which Kafka gives the partition to another.",
    ["service", "topic"],
    _LATENCY,
)
BATCH_FAILURES = _counter(
    "langnghe_batch_failures_total",
    "Batches that failed and are tried again from the same offset",
    "It keeps growing: a server is away, or the code raises. Nothing is lost meanwhile.",
    ["service", "topic"],
)
HALTED_PARTITIONS = _gauge(
    "langnghe_halted_partitions",
    "Partitions that this process refuses to go on with until somebody acts",
    "Any, at once: readiness and one line of the log say why. Nothing is lost, but nothing counts.",
    ["service", "topic"],
)
COMMIT_FAILURES = _counter(
    "langnghe_commit_failures_total",
    "Offset commits that Kafka refused, mostly during a rebalance",
    "It grows without a deployment: instances fall out of their group.",
    ["service", "topic"],
)
PUBLISHED = _counter(
    "langnghe_published_total",
    "Records that Kafka acknowledged",
    "It stands still while records come in.",
    ["service", "topic"],
)
PUBLISH_FAILURES = _counter(
    "langnghe_publish_failures_total",
    "Records that Kafka did not acknowledge in time",
    "Any growth over five minutes: Kafka is away.",
    ["service", "topic"],
)
TASK_FAILURES = _counter(
    "langnghe_task_failures_total",
    "Runs of a periodic task that raised; the next run tries again",
    "It grows steadily: read the log of the service.",
    ["service", "task"],
)
TRANSACTION_RETRIES = _counter(
    "langnghe_transaction_retries_total",
    "Transactions that MongoDB asked to run again",
    "It grows as fast as batches: two owners fight over one partition.",
    ["service"],
)

# gateway

GATEWAY_RESPONSES = _counter(
    "langnghe_gateway_responses_total",
    "Responses handed in, by what became of them: accepted, refused, unavailable",
    "`unavailable` grows: Kafka is away, kiosks keep their answers and retry.",
    ["outcome"],
)
GATEWAY_SIGNATURES = _counter(
    "langnghe_gateway_signatures_total",
    "Signed requests by outcome: valid, missing, invalid, unknown, revoked, replayed",
    "Replayed or unknown ones keep coming: somebody tries. Invalid ones: a clock is wrong.",
    ["outcome"],
)
GATEWAY_TURNED_AWAY = _counter(
    "langnghe_gateway_turned_away_total",
    "Requests turned away by limit: kiosk, system, anonymous, enrolment, contact, capacity",
    "capacity grows: the gateway is at its limit; kiosk grows: a device has gone wild.",
    ["limit"],
)
GATEWAY_PUBLISH_SECONDS = _histogram(
    "langnghe_gateway_publish_seconds",
    "Time from a well-formed response to Kafka's acknowledgement",
    "The 99th percentile is over 1 s.",
    [],
    _LATENCY,
)
GATEWAY_LIVE_CLIENTS = _gauge(
    "langnghe_gateway_live_clients",
    "Pages that follow /v1/live now",
    "It nears the limit of open files.",
    [],
)

CASES_WAITING = _gauge(
    "langnghe_gateway_cases_waiting",
    "Cases of citizens that wait for an agency's answer, by due (in_time, late) and age since they "
    "were opened (week: up to 7 days; month: up to 30; older); every gateway tells all of them",
    "`late` grows: citizens who want to be called back are not. /desk/cases says whose turn it is.",
    ["due", "age"],
)

# ingest

INGEST_SUSPICIONS = _counter(
    "langnghe_ingest_suspicions_total",
    "Suspicions found, by kind: answers that are too good, for somebody to look at",
    "More than one a year of a kind in a country of honest offices: its settings do not fit.",
    ["kind"],
)
INGEST_RECORDS = _counter(
    "langnghe_ingest_records_total",
    "Submitted records by outcome: accepted, redelivered, duplicate, or the rule that set it aside",
    "The share that is neither accepted nor duplicate is over 1 %: a device or a deploy is wrong.",
    ["outcome"],
)

# scoring

SCORING_COUNTED = _counter(
    "langnghe_scoring_counted_total",
    "Responses added to the counts",
    "It stands still while ingest accepts.",
    [],
)
SCORING_REPLAYED = _counter(
    "langnghe_scoring_replayed_total",
    "Responses met again and skipped, because their offset was applied before",
    "It grows without restarts: ingest publishes again and again.",
    [],
)
SCORING_FENCED = _counter(
    "langnghe_scoring_fenced_total",
    "Transactions dropped because another instance had moved the partition on",
    "It grows for minutes: two instances believe they own a partition.",
    [],
)
SCORING_UNREADABLE = _counter(
    "langnghe_scoring_unreadable_total",
    "Accepted records, not of ingest, that could not be read; kept in scoring.unreadable",
    "Any: somebody else writes to feedback.accepted.v1.",
    [],
)
SCORING_REFRESH_SECONDS = _histogram(
    "langnghe_scoring_refresh_seconds",
    "Time to bring tallies, windows and announcements up to the counts",
    "The median is over 1 s: indices move late.",
    [],
    _LATENCY,
)
AGE_AT_INDEX_SECONDS = _histogram(
    "langnghe_age_at_index_seconds",
    "Age of a response when its index is visible, since it occurred or was received",
    "Since received, the 99th percentile is over 2 s.",
    ["since"],
    _AGE,
)

# notify

NOTIFY_TRANSITIONS = _counter(
    "langnghe_notify_transitions_total",
    "Alerts that changed, by the state they came to",
    "`firing` jumps across offices at once: doubt the rules or the data before the offices.",
    ["state"],
)
NOTIFY_ESCALATIONS = _counter(
    "langnghe_notify_escalations_total",
    "Alerts that were told to the level above, for want of an answer in time",
    "It grows faster than alerts fire: offices do not read them, or cannot sign in to answer.",
    (),
)
NOTIFY_UNACKNOWLEDGED = _gauge(
    "langnghe_notify_unacknowledged",
    "Firing alerts that agencies were told of and nobody has answered",
    "It grows for weeks: alerts are not believed, or not read.",
    ["severity"],
)
NOTIFY_OLDEST_UNACKNOWLEDGED_SECONDS = _gauge(
    "langnghe_notify_oldest_unacknowledged_seconds",
    "Time since the oldest of them opened; 0 when there is none",
    "Critical, over 7 days: every level above knows by then, and nobody has answered.",
    ["severity"],
)
NOTIFY_HELD = _counter(
    "langnghe_notify_held_total",
    "Alerts that began to be held back from agencies, by reason: silence, rule (inhibited_by)",
    "`silence` jumps: a silence covers more than its author meant. `langnghe silences list`.",
    ["by"],
)
NOTIFY_DIGESTS = _counter(
    "langnghe_notify_digests_total",
    "Daily digests written, one an agency that has something to be told",
    "None for days while warnings fire: digests are not made, or no agency has an e-mail address.",
    [],
)
NOTIFY_GATHERED = _gauge(
    "langnghe_notify_gathered",
    "Changes that wait to be mailed, by what they become part of: together, digest",
    "`together` stays above 0 for an hour: mails to an agency fail, and later ones wait for them.",
    ["into"],
)
NOTIFY_KIOSKS = _gauge(
    "langnghe_notify_kiosks",
    "Kiosks by state: in use, there (a sign of life in the last five minutes), silent by a rule",
    "`there` falls at many offices at once: what leads to the gateway is broken, not the kiosks.",
    ["state"],
)
NOTIFY_DEAF_SECONDS = _gauge(
    "langnghe_notify_deaf_seconds",
    "Age of the newest sign of life of the gateway, up to which the silence of kiosks is judged",
    "Over 300: the gateway or Kafka is away, or device.heartbeat.v1 is not read; none gets silent.",
    [],
)
NOTIFY_DELIVERIES = _counter(
    "langnghe_notify_deliveries_total",
    "Attempts to deliver, by channel and outcome: delivered, retried, given_up, gone (HTTP 410)",
    "`given_up` or `gone` grows: an agency does not hear us. `langnghe deliveries list` tells who.",
    ["channel", "outcome"],
)
NOTIFY_WAITING = _gauge(
    "langnghe_notify_waiting",
    "Messages in the outbox that are neither delivered nor given up",
    "It grows for an hour.",
    ["channel"],
)
NOTIFY_OLDEST_WAITING_SECONDS = _gauge(
    "langnghe_notify_oldest_waiting_seconds",
    "Age of the oldest message that waits, those to disabled endpoints aside; 0 when none does",
    "Over an hour: four attempts have failed. Over a minute for `topic`: Kafka is away.",
    ["channel"],
)
NOTIFY_GIVEN_UP = _gauge(
    "langnghe_notify_given_up",
    "Messages given up after the last attempt and not retried by an operator since",
    "Any new one: an agency was not told. Call them, then `langnghe deliveries retry`.",
    ["channel"],
)
NOTIFY_DISABLED_ENDPOINTS = _gauge(
    "langnghe_notify_disabled_endpoints",
    "Endpoints that answered 410 Gone; nothing is sent there",
    "Any: the agency hears nothing until it has a new address or `langnghe deliveries enable`.",
    [],
)
NOTIFY_FILE_REFUSED = _gauge(
    "langnghe_notify_file_refused",
    "1 while the file of rules or of routes cannot be used and those before are in force, else 0",
    "1: somebody changed them and thinks they hold; the log names line and column.",
    ["file"],
)
NOTIFY_DELIVERY_SECONDS = _histogram(
    "langnghe_notify_delivery_seconds",
    "Time from the moment that a message was written to its delivery, however many attempts",
    "Less than 95 % within a minute: receivers fail, or notify does not keep up.",
    ["channel"],
    _AGE,
)
AGE_AT_DELIVERY_SECONDS = _histogram(
    "langnghe_age_at_delivery_seconds",
    "Age of the newest answer behind an alert at delivery, since it occurred or was received",
    "Since received, the 99th percentile is over 3 s plus the rule's `for`.",
    ["since"],
    _AGE,
)
