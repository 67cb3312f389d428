"""Logging: one line an event, UTC, to standard error; never what a citizen wrote."""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from typing import Final

from services.runtime import tracing

_TEXT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
_TALKATIVE: Final = ("aiokafka", "pymongo")
_SILENT_SECONDS: Final = 10.0


class JsonLines(logging.Formatter):
    """One object of JSON an event, however many lines its message or its exception has."""

    def __init__(self, service: str) -> None:
        """Name the process that says it."""
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line: when, how bad, who, what; of what trace, and what was raised, if anything."""
        moment = datetime.fromtimestamp(record.created, UTC)
        said = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "service": self._service,
            **tracing.ids(),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            said["stack"] = self.formatStack(record.stack_info)
        return json.dumps(said, ensure_ascii=False)


class Seldom(logging.Filter):
    """Lets a library say the same thing once in ten seconds, and how often it would have said it.

    In an outage of Kafka its client has a hundred lines a second. What our own code says is left.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing said.

        Args:
            clock: seconds.
        """
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, int], float] = {}
        self._left_out: Counter[tuple[str, int]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written; says in it how many like it were not."""
        if record.name.partition(".")[0] not in _TALKATIVE:
            return True
        place = (record.pathname, record.lineno)  # that says it: what it says names ever new things
        now = self._clock()
        if now < self._said.get(place, -inf) + _SILENT_SECONDS:
            self._left_out[place] += 1
            return False
        self._said[place] = now
        if others := self._left_out.pop(place, 0):
            record.msg, record.args = f"{record.getMessage()} (and {others} times more)", ()
        return True


def _text() -> logging.Formatter:
    formatter = logging.Formatter(_TEXT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    return formatter


def configure(level: str, json_of: str | None = None) -> None:
    """Set up the root logger of this process.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        json_of: the service, if lines are to be JSON; without it they are for people to read.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_text() if json_of is None else JsonLines(json_of))
    handler.addFilter(Seldom())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # FastStream warns at every start that topics are not created by themselves: that is the plan.
    logging.getLogger("services.runtime.faststream").setLevel(logging.ERROR)
    # These tell of every reconnection and every request.
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLevelName(level)))
