"""Lines of the log as JSON: one an event, whatever it says."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from services.runtime.logs import JsonLines


@pytest.fixture
def written() -> StringIO:
    return StringIO()


@pytest.fixture
def log(written: StringIO) -> Iterator[logging.Logger]:
    logger = logging.getLogger("services.test")
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines("ingest"))
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def test_a_line_says_when_how_bad_who_and_what(log: logging.Logger, written: StringIO) -> None:
    log.warning('bản ghi %d\n"để riêng"', 7)
    line = written.getvalue()
    assert line.count("\n") == 1
    assert "để riêng" in line
    said = json.loads(line)
    assert said.pop("time").endswith("Z")
    assert said == {
        "level": "WARNING",
        "logger": "services.test",
        "message": 'bản ghi 7\n"để riêng"',
        "service": "ingest",
    }


def test_the_time_is_in_utc() -> None:
    record = logging.makeLogRecord({"created": 86_400.5, "msg": "x"})
    assert json.loads(JsonLines("ingest").format(record))["time"] == "1970-01-02T00:00:00.500Z"


def test_an_exception_is_a_field_of_its_line(log: logging.Logger, written: StringIO) -> None:
    try:
        int("hỏng")
    except ValueError:
        log.exception("failed")
    (line,) = written.getvalue().splitlines()
    said = json.loads(line)
    assert said["message"] == "failed"
    assert said["exception"].startswith("Traceback (most recent call last):\n")
    assert said["exception"].endswith("ValueError: invalid literal for int() with base 10: 'hỏng'")
