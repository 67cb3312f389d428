"""Logging: one line an event, UTC, to standard error; never what a citizen wrote."""

import logging
import time


def configure(level: str) -> None:
    """Set up the root logger of this process.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
    """
    formatter = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # FastStream warns at every start that topics are not created by themselves: that is the plan.
    logging.getLogger("services.runtime.faststream").setLevel(logging.ERROR)
    # These two tell of every reconnection and every request, many times a second in an outage.
    logging.getLogger("aiokafka").setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("pymongo").setLevel(max(logging.WARNING, logging.getLevelName(level)))
