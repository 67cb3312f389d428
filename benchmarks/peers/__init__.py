"""Others that do one of our jobs, to measure beside: how fast could it be done?

Beside scoring: read `feedback.accepted.v1` and keep, for every unit and hour (UTC), how many
answers of "overall" were 1, 2, 3, 4 and 5, in local state of RocksDB with a changelog topic,
exactly once. Quix Streams (Python) does it in `quix.py`, Kafka Streams (Java) in `Histogram.java`,
each as well as its documentation says it can be set. `python -m benchmarks.peers` shows that both
count right. Beside ingest and the gateway: the same work with nothing checked (`bare_ingest.py`,
`bare_gateway.py`).
"""
