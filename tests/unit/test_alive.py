"""The health check of the image: yes only when somebody says yes."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from deploy.image.alive import alive
from deploy.local import ports


@contextmanager
def answering(status: int) -> Iterator[int]:
    """The port of a server that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/live" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(("status", "lives"), [(200, True), (503, False), (302, False)])
def test_it_repeats_what_the_service_says(status: int, lives: bool) -> None:
    with answering(status) as port:
        assert alive(port) is lives


def test_silence_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not alive(ports.choose())
    with answering(200) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{ports.choose()}")
        assert alive(port), "an engine's proxy is not asked"
