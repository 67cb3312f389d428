"""How this process shows who it is and makes sure of the other side, for every client alike.

TLS is spoken exactly when a file of certification authorities is given, and a password needs it.
"""

from typing import Any

from services.runtime.settings import Settings


def mongo_security(settings: Settings) -> dict[str, Any]:
    """Arguments for a MongoDB client; empty for a server on loopback that asks for nothing."""
    arguments: dict[str, Any] = {}
    if settings.mongo_ca is not None:
        arguments |= {"tls": True, "tlsCAFile": str(settings.mongo_ca)}
    if settings.mongo_user is not None and settings.mongo_password is not None:
        arguments |= {
            "username": settings.mongo_user,
            "password": settings.mongo_password.get_secret_value(),
            "authSource": "admin",
            "authMechanism": "SCRAM-SHA-256",
        }
    return arguments
