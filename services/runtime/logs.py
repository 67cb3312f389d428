"""Logging: one line an event, UTC, to standard error; never what a citizen wrote."""

import json
import logging
import time
from datetime import UTC, datetime

from services.runtime import tracing

_TEXT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"


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
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # FastStream warns at every start that topics are not created by themselves: that is the plan.
    logging.getLogger("services.runtime.faststream").setLevel(logging.ERROR)
    # These two tell of every reconnection and every request, many times a second in an outage.
    logging.getLogger("aiokafka").setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("pymongo").setLevel(max(logging.WARNING, logging.getLevelName(level)))
