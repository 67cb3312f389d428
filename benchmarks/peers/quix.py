"""Per unit and hour (UTC), how many answers of "overall" were 1, 2, 3, 4, 5: by Quix Streams.

`quix.py KAFKA GROUP TOPIC FOLDER`, run by `running.py` with the Python of another environment:
nothing of this project can be imported here. State is kept by unit: `2026-11-22T05` to five counts.
"""

import sys
from typing import Any

from quixstreams import Application, State

_UP_TO_HOUR = len("2026-11-22T05")


def _count(event: dict[str, Any], state: State) -> None:
    """Count one record. An answer without "overall" is no concern of this job."""
    level = event["answers"].get("overall")
    if level is None:
        return
    hour = event["occurred_at"][:_UP_TO_HOUR]
    counts = state.get(hour) or [0, 0, 0, 0, 0]
    counts[level - 1] += 1
    state.set(hour, counts)


def main() -> None:
    """Count until told to stop."""
    kafka_url, group, topic, folder = sys.argv[1:]
    application = Application(
        kafka_url,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=1.0,  # seconds; as often as scoring makes its indices
        state_dir=folder,
        loglevel="WARNING",
    )
    answers = application.dataframe(application.topic(topic, value_deserializer="json"))
    answers.update(_count, stateful=True)
    application.run()


if __name__ == "__main__":
    main()
