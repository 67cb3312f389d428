"""Other engines that do one of our jobs, to measure scoring beside: how fast could it be done?

The job: read `feedback.accepted.v1` and keep, for every unit and hour (UTC), how many answers of
"overall" were 1, 2, 3, 4 and 5, in local state of RocksDB with a changelog topic, exactly once.
Quix Streams (Python) does it in `quix.py`, Kafka Streams (Java) in `Histogram.java`, each as well
as its documentation says it can be set. `python -m benchmarks.peers` shows that both count right.
"""

from benchmarks.peers.installing import prepare
from benchmarks.peers.running import Peer, PeerError, kafka_streams, quix_streams

__all__ = ["Peer", "PeerError", "kafka_streams", "prepare", "quix_streams"]
