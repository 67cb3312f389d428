"""What came back, in words that name no address; a delivery as an operator reads it."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from aiohttp import (
    ClientConnectionError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ServerDisconnectedError,
    ServerTimeoutError,
)
from aiohttp.client_reqrep import ConnectionKey

from langnghe.deliveries.showing import as_json, line, page
from schemas.alert import AlertState
from services.notify.delivery.channels import GoneError
from services.notify.delivery.channels.receivers import PrivateAddressError
from services.notify.delivery.channels.webhook import _failure, _refusal
from services.notify.delivery.deliveries import Delivery, Standing, Tried
from tests.builders import NOW, UNIT

KEY = ConnectionKey("geheim.example.vn", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "HTTP 301 Moved Permanently: redirects are not followed"),
        (399, "HTTP 399: redirects are not followed"),
        (404, "HTTP 404 Not Found"),
        (500, "HTTP 500 Internal Server Error"),
        (599, "HTTP 599"),
    ],
)
def test_an_answer_is_named_by_its_status(status: int, words: str) -> None:
    problem = _refusal(status, "60", NOW)
    assert str(problem) == words
    assert not problem.wait, "only 429 and 503 may ask for a pause"
    assert not isinstance(problem, GoneError)


@pytest.mark.parametrize("status", [429, 503])
def test_these_answers_may_ask_for_a_pause(status: int) -> None:
    assert _refusal(status, "60", NOW).wait == timedelta(seconds=60)
    assert not _refusal(status, None, NOW).wait


def test_410_is_gone_and_nothing_else_is() -> None:
    gone = [s for s in range(300, 600) if isinstance(_refusal(s, None, NOW), GoneError)]
    assert gone == [HTTPStatus.GONE]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClientConnectorDNSError(KEY, OSError("x")), "the name of its host is not found"),
        (ClientConnectorError(KEY, PrivateAddressError("private address")), "private address"),
        (ClientConnectorError(KEY, ConnectionRefusedError()), "no connection"),
        (ServerTimeoutError("geheim"), "no answer within 10 s"),
        (TimeoutError(), "no answer within 10 s"),
        (ServerDisconnectedError("geheim"), "the connection ended without an answer"),
        (ClientConnectionError("geheim"), "ClientConnectionError"),
        (OSError("geheim"), "OSError"),
    ],
)
def test_what_kept_an_answer_away_is_named_without_the_address(
    error: Exception, words: str
) -> None:
    assert str(_failure(error)) == words


def delivery(standing: Standing, next_at: bool = False) -> Delivery:
    return Delivery(
        id="msg_1",
        receiver=f"webhook/unit:{UNIT}",
        alert="low/1",
        told=AlertState.FIRING,
        standing=standing,
        created_at=NOW,
        next_at=NOW + timedelta(hours=1) if next_at else None,
        tried=(Tried(NOW, "HTTP 500"), Tried(NOW + timedelta(seconds=5), "no connection")),
    )


def test_a_delivery_is_shown_in_local_time_and_told_to_programs_in_utc() -> None:
    waiting = delivery(Standing.WAITING, next_at=True)
    assert line(waiting) == (
        f"msg_1  2026-11-22 12:00:00  webhook/unit:{UNIT}  firing  low/1  waiting  2 attempts"
        "  next 2026-11-22 13:00:00"
    )
    assert "  2026-11-22 12:00:05  no connection" in page(waiting, None).splitlines()
    assert page(waiting, None).endswith("next attempt: 2026-11-22 13:00:00")
    told = as_json(waiting)
    assert (told["state"], told["next_at"]) == ("waiting", "2026-11-22T06:00:00+00:00")
    assert told["attempts"][0] == {"at": "2026-11-22T05:00:00+00:00", "outcome": "HTTP 500"}


def test_what_is_not_tried_says_why() -> None:
    first = page(delivery(Standing.WAITING, next_at=True), "msg_0")
    assert first.endswith("next attempt: after msg_0, of the same alert")
    assert page(delivery(Standing.GIVEN_UP), None).endswith("next attempt: none: given up")
    gone = page(delivery(Standing.DISABLED), None)
    assert gone.endswith(f"none: webhook/unit:{UNIT} answered 410 and is disabled")
    assert page(delivery(Standing.DELIVERED), None).endswith("next attempt: none")
