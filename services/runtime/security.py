"""How this process shows who it is and makes sure of the other side, for every client alike.

TLS is spoken exactly when a file of certification authorities is given, and a password needs it.
"""

import ssl
from pathlib import Path
from typing import Any

from faststream.security import BaseSecurity, SASLScram512

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


def trusting(authorities: Path) -> ssl.SSLContext:
    """TLS that checks the other side's name and certificate by these authorities alone."""
    return ssl.create_default_context(cafile=authorities)


def scram(user: str, password: str) -> dict[str, Any]:
    """Arguments of every client of aiokafka that say who it is."""
    return {
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }


def kafka_security(settings: Settings) -> dict[str, Any]:
    """Arguments for every client of aiokafka; empty for a broker that asks for nothing."""
    if settings.kafka_ca is None:
        return {}
    arguments: dict[str, Any] = {"ssl_context": trusting(settings.kafka_ca)}
    if settings.kafka_user is None or settings.kafka_password is None:
        return arguments | {"security_protocol": "SSL"}
    password = settings.kafka_password.get_secret_value()
    return arguments | {"security_protocol": "SASL_SSL", **scram(settings.kafka_user, password)}


def broker_security(settings: Settings) -> BaseSecurity | None:
    """The same for FastStream's broker."""
    if settings.kafka_ca is None:
        return None
    context = trusting(settings.kafka_ca)
    if settings.kafka_user is None or settings.kafka_password is None:
        return BaseSecurity(ssl_context=context)
    return SASLScram512(
        username=settings.kafka_user,
        password=settings.kafka_password.get_secret_value(),
        ssl_context=context,
    )
