"""Collections that more than their owner reads. Only the owner writes; shapes are contracts."""

from typing import Final

REGISTRY: Final = "registry.entries"
"""Owner: gateway. `RegistryEntry` as JSON, `_id` kind:code@valid_from."""

DEVICES: Final = "gateway.devices"
"""Owner: gateway. One document a device, `_id` its id; others read `EnrolledDevice` of it."""

WORKLOADS: Final = "gateway.workloads"
"""Owner: gateway. `Workload`: one document an agency with cases to answer, `_id` its key; counted
anew every minute."""

RESPONSES: Final = "ingest.responses"
"""Owner: ingest. One document a response, `_id` its event id; `source` is where its record stood,
so that a redelivery can be told from the same event sent twice; `copies` are such others."""

QUARANTINE: Final = "ingest.quarantine"
"""Owner: ingest. One document a record set aside, `_id` topic/partition/offset, with the record as
it came and the reason. One that an operator has dealt with has a `resolution`: `kind` (replayed,
discarded), `at`, `by`, `edited`, `why`."""

VOICES: Final = "ingest.voices"
"""Owner: ingest. One document a unit, `_id` its agency code: `voices` are the newest comments of
dissatisfied answers (`Voice`), masked, newest first."""

SUSPICIONS: Final = "ingest.suspicions"
"""Owner: ingest. `Suspicion`: one document an office, kind and local day or month, `_id`
kind/unit/first day; never removed."""

BUCKETS: Final = "scoring.buckets"
"""Owner: scoring. Unit × service field × local day × item: n1…n5 and the source offset of the last
record counted into it; the same by hour in `h`."""

POSITIONS: Final = "scoring.positions"
"""Owner: scoring. One document a partition: `applied` and `refreshed` are source offsets, `next` is
where to go on in feedback.accepted.v1, `rebuilt` how often a rebuild wrote into the counts."""

CHARTS: Final = "scoring.charts"
"""Owner: scoring. The change chart of a unit (method/change.py), `_id` its agency code; `reference`
is the share of unsatisfied answers that is usual there, as of the local day `referenced_on`, and
`trend` what `IndexUpdated` tells of it."""

TALLIES: Final = "scoring.tallies"
"""Owner: scoring. Scope × item × period (a local day): n1…n5; of the last days also by hour, as
`h.07.n4`, each hour with the `version` that it was summed at."""

INDICES: Final = "scoring.indices"
"""Owner: scoring. `IndexUpdated` of a scope and item, `_id` scope|item."""

ALERTS: Final = "notify.alerts"
"""Owner: notify. One document an alert; `event` is its last `AlertChanged`,
`replies` are its answers (`AgencyReplied`), `history` is what befell it (`schemas/history.py`)."""
