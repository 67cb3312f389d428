"""Puts together what devices and citizens hand in."""

from fastapi import FastAPI

from schemas.collections import DEVICES
from schemas.registry import Registry
from services.gateway.devices import enrolment
from services.gateway.devices.model import Devices
from services.gateway.devices.signature import Signatures
from services.gateway.intake import feedback, heartbeats
from services.gateway.intake.feedback import Intake
from services.gateway.intake.heartbeats import Presence
from services.gateway.intake.senders import Senders
from services.gateway.limits import Capacity
from services.gateway.settings import GatewaySettings
from services.runtime.cached import Cached
from services.runtime.service import Service

_DEVICES_SECONDS = 2.0
_PRESENCE_SECONDS = 60.0


def install(
    app: FastAPI, service: Service, registry: Cached[Registry], settings: GatewaySettings
) -> None:
    """Add the routes of answers, signs of life and enrolments."""
    clock = service.clock
    devices = Cached(service.database, DEVICES, Devices.of_documents)
    service.every(_DEVICES_SECONDS, "devices", devices.refresh, at_once=True)
    service.health.ready_while("devices", devices.unread)
    signatures = Signatures(devices, clock, settings.signature_minutes)
    senders = Senders(signatures, registry, settings, clock)
    presence = Presence(service.producer, settings, clock)
    service.every(_PRESENCE_SECONDS, "presence", presence.tell)
    capacity = Capacity(settings.most_at_once, settings.retry_after_seconds)
    intake = Intake(service.producer, senders, presence, capacity, settings, clock)
    app.include_router(feedback.router(intake))
    app.include_router(heartbeats.router(presence, senders, capacity, settings))
    app.include_router(enrolment.router(service.database, devices, settings, clock))
