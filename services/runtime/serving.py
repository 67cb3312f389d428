"""A process's HTTP: operations on a port of their own, apart from what the public reaches."""

import gc
import sys
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from services.runtime import logs
from services.runtime.settings import Settings

_GRACE_SECONDS = 30
"""As long as the worst batch may take."""

_OBJECTS_BETWEEN_LOOKS = 200_000


class Sites:
    """Two applications in one process, told apart by the port that a request came in at."""

    def __init__(self, public: ASGIApp, operations: ASGIApp, ops_port: int) -> None:
        """Put them together; `public` has the lifespan."""
        self.public = public
        self.operations = operations
        self._ops_port = ops_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on. The port is the one of our own socket: no header can choose it."""
        server = scope.get("server")
        at_operations = server is not None and server[1] == self._ops_port
        await (self.operations if at_operations else self.public)(scope, receive, send)


def serve(service: str, app: ASGIApp, settings: Settings, *public: tuple[str, int]) -> None:
    """Run an application until SIGTERM or Ctrl-C, then finish what runs.

    Args:
        service: as in schemas/flow.py.
        app: of the process.
        settings: say where operations are served, and how it logs.
        public: host and port of what else is listened to.
    """
    logs.configure(settings.log_level, service if settings.log_format == "json" else None)
    # Batches are many small objects without cycles: to look for some in them again and again took
    # a third of the time in which scoring works off a backlog.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
    configs = [
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        for host, port in ((settings.ops_host, settings.ops_port), *public)
    ]
    sockets = [config.bind_socket() for config in configs]
    server = uvicorn.Server(configs[0])
    with suppress(KeyboardInterrupt):
        server.run(sockets=sockets)
    if not server.started:
        sys.exit(1)
