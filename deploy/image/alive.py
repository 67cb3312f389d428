"""Asks the service of this container whether it makes progress: the image's health check.

Ends with 0 if it says so, with 1 if it says no or nothing.
"""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

_PATIENCE_SECONDS = 3.0


def alive(port: int) -> bool:
    """Whether `/health/live` on a loopback port says yes."""
    # Not urllib: it would ask the proxy that an engine may give to all of its containers.
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if alive(int(os.environ["LANGNGHE_OPS_PORT"])) else 1)
