"""Lines of the log as JSON: one an event, whatever it says."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from services.runtime.logs import JsonLines, Seldom


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


OFTEN = ["lost 0", "lost 1", "lost 2", "lost 3", "lost 4"]
SELDOM = ["lost 0", "lost 3 (and 2 times more)", "lost 4"]


@pytest.mark.parametrize(
    ("logger", "expected"),
    [
        ("aiokafka", SELDOM),
        ("pymongo.topology", SELDOM),
        ("services.ingest", OFTEN),
        ("aiokafkaesque", OFTEN),
    ],
)
def test_a_library_says_the_same_once_in_ten_seconds(logger: str, expected: list[str]) -> None:
    moments = iter([5.0, 5.1, 14.9, 15.0, 25.0, 25.1])
    seldom = Seldom(lambda: next(moments))
    same = {"name": logger, "pathname": "client.py", "lineno": 7, "msg": "lost %d"}
    lines = [logging.makeLogRecord({**same, "args": (number,)}) for number in range(5)]
    lines.append(logging.makeLogRecord({**same, "lineno": 8, "args": (5,)}))
    written = [line.getMessage() for line in lines if seldom.filter(line)]
    assert written == [*expected, "lost 5"], "what stands elsewhere in the code is something else"
