"""Keeps invitations and devices; every change leaves an audit entry."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from schemas.collections import DEVICES
from schemas.device import DeviceKind
from schemas.scope import Scope
from services.gateway.audit import Act, Actor, audited
from services.gateway.devices.model import Device, PublicKey, device_id
from services.runtime.cached import next_revision
from services.runtime.database import Database, Document, Session

INVITATIONS: Final = "gateway.invitations"
"""Owner: gateway. One document an invitation, `_id` the SHA-256 of its code; gone once expired."""

# Crockford's alphabet: no I, L, O, U, so that a code can be read aloud and typed on a kiosk.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 16


class InvitationError(Exception):
    """The code is unknown, expired or used by another device."""


class UnknownDeviceError(Exception):
    """There is no such device, or it is revoked already."""


def _hash(code: str) -> str:
    plain = code.upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode()).hexdigest()


async def invite(
    database: Database,
    *,
    kind: DeviceKind,
    scope: Scope,
    name: str,
    valid_for: timedelta,
    actor: Actor,
    now: datetime,
) -> str:
    """A one-time code (80 random bits) that enrols one device; only its hash is kept."""
    characters = [secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH)]
    code = "-".join("".join(characters[i : i + 4]) for i in range(0, _CODE_LENGTH, 4))
    invitation: Document = {
        "_id": _hash(code),
        "kind": kind.value,
        "scope": scope,
        "name": name,
        "expires_at": now + valid_for,
        "used_by": None,
    }

    async def work(session: Session) -> tuple[None, Act]:
        await database[INVITATIONS].insert_one(invitation, session=session)
        return None, Act(actor, "device.invite", scope, {"kind": kind.value, "name": name})

    await audited(database, work, now)
    return code


async def enrol(database: Database, code: str, key: PublicKey, now: datetime) -> Device:
    """Make a device of an invitation; harmless to repeat with the same key.

    Raises:
        InvitationError: when the code is unknown, expired or used with another key.
    """
    name = device_id(key)

    async def work(session: Session) -> tuple[Device, Act | None]:
        # A write, so that of two that use one code at once only one comes through.
        invitation = await database[INVITATIONS].find_one_and_update(
            {
                "_id": _hash(code),
                "expires_at": {"$gt": now},
                "$or": [{"used_by": None}, {"used_by": name}],
            },
            {"$set": {"used_by": name}},
            session=session,
        )
        if invitation is None:
            raise InvitationError
        known = await database[DEVICES].find_one({"_id": name}, {"_id": 0}, session=session)
        if known is not None:
            device = Device.model_validate(known)
            if invitation["used_by"] is None or device.revoked_at is not None:
                raise InvitationError  # a key belongs to one enrolment, for good
            return device, None
        device = Device(
            id=name,
            kind=DeviceKind(invitation["kind"]),
            scope=invitation["scope"],
            name=invitation["name"],
            public_key=key,
            enrolled_at=now,
        )
        await database[DEVICES].insert_one(
            {"_id": name, **device.model_dump(mode="json")}, session=session
        )
        await next_revision(database, DEVICES, session)
        actor = Actor(kind="device", name=name, role=device.kind.value)
        return device, Act(actor, "device.enrol", name, {"scope": device.scope})

    return await audited(database, work, now)


async def enrol_directly(
    database: Database,
    *,
    kind: DeviceKind,
    scope: Scope,
    name: str,
    key: PublicKey,
    actor: Actor,
    now: datetime,
) -> Device:
    """Invite and enrol in one go: for an operator's own programs, which can write here anyway."""
    code = await invite(
        database,
        kind=kind,
        scope=scope,
        name=name,
        valid_for=timedelta(minutes=1),
        actor=actor,
        now=now,
    )
    return await enrol(database, code, key, now)


async def revoke(database: Database, name: str, why: str, actor: Actor, now: datetime) -> None:
    """Take a device's word no more.

    Raises:
        UnknownDeviceError: when there is no such device, or it is revoked already.
    """

    async def work(session: Session) -> tuple[None, Act]:
        changed = await database[DEVICES].update_one(
            {"_id": name, "revoked_at": None},
            {"$set": {"revoked_at": now.isoformat()}},
            session=session,
        )
        if not changed.modified_count:
            raise UnknownDeviceError(name)
        await next_revision(database, DEVICES, session)
        return None, Act(actor, "device.revoke", name, {"why": why})

    await audited(database, work, now)


async def read_devices(database: Database, scope: Scope | None = None) -> list[Device]:
    """Devices by scope and name: all, or those of one scope."""
    query = {} if scope is None else {"scope": scope}
    found = database[DEVICES].find(query, {"_id": 0}).sort([("scope", 1), ("name", 1)])
    return [Device.model_validate(document) async for document in found]
