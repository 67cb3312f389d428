"""The master key of contact data is changed while contacts come, go and are looked at."""

import base64
import secrets
from uuid import UUID

import pytest
from bson import Binary
from pydantic import SecretStr, ValidationError
from pymongo import MongoClient

from services.gateway import audit
from services.gateway.contacts import store
from services.gateway.contacts.rewrapping import rewrap
from services.gateway.contacts.sealing import MasterKey, Sealed, SealError, key_of
from services.gateway.settings import GatewaySettings
from services.runtime.database import Database, Document
from tests.integration.test_commands import langnghe
from tests.integration.test_contacts import KEY, MASTER, keep, running, settings
from tests.servers import DATABASE, Servers

NEW_KEY = base64.b64encode(secrets.token_bytes(32)).decode()
OTHER_KEY = secrets.token_bytes(32)
BOTH = {"contact_key": SecretStr(NEW_KEY), "contact_key_before": SecretStr(KEY)}
IN_ENVIRONMENT = {"LANGNGHE_CONTACT_KEY": NEW_KEY, "LANGNGHE_CONTACT_KEY_BEFORE": KEY}


async def opened(database: Database, key: MasterKey) -> list[str]:
    """What each contact holds, by the order in which they came; a dash where it does not open."""
    found: list[str] = []
    async for contact in database[store.CONTACTS].find().sort("consent.given_at", 1):
        wrapped = await database[store.KEYS].find_one({"_id": contact["_id"]})
        assert wrapped is not None
        try:
            found.append(key.open(contact["_id"], Sealed(contact["value"], wrapped["key"])))
        except SealError:
            found.append("-")
    return found


async def test_the_master_key_is_changed_while_the_gateway_runs(
    servers: Servers, database: Database
) -> None:
    async with running(settings(servers)) as before:
        await keep(before, value="0912345671")
        await keep(before, value="0912345672")
    values = ["+84912345671", "+84912345672", "+84912345673"]
    environment = servers.environment() | IN_ENVIRONMENT
    new = MasterKey(key_of(NEW_KEY))
    async with running(settings(servers, **BOTH)) as gateway:
        await keep(gateway, value="0912345673")
        assert await opened(database, MasterKey(key_of(NEW_KEY), key_of(KEY))) == values
        assert await opened(database, new) == ["-", "-", values[2]]

        said = await langnghe("contacts", "rewrap", **environment)
        assert (said.code, said.out) == (0, "2 contacts are wrapped anew, 1 were already\n")
        assert await opened(database, new) == values
        assert await opened(database, MASTER) == ["-", "-", "-"]
        again = await langnghe("contacts", "rewrap", **environment)
        assert (again.code, again.out) == (0, "0 contacts are wrapped anew, 3 were already\n")
        assert "9123456" not in said.notes + again.notes
    second, first = await audit.entries(database, None, 10)
    assert (first.action, first.about, second.about) == ("contact.rewrap", "2 of 3", "0 of 3")

    async with running(settings(servers, contact_key=SecretStr(NEW_KEY))) as after:
        await keep(after, value="0912345674")
    assert await opened(database, new) == [*values, "+84912345674"]


async def test_what_opens_with_neither_key_is_named_and_left(
    servers: Servers, database: Database
) -> None:
    async with running(settings(servers)) as gateway:
        lost, kept = UUID((await keep(gateway))["id"]), UUID((await keep(gateway))["id"])
    strange = MasterKey(OTHER_KEY).seal(lost, "x").key
    await database[store.KEYS].update_one({"_id": lost}, {"$set": {"key": Binary(strange)}})
    environment = servers.environment() | IN_ENVIRONMENT
    said = await langnghe("contacts", "rewrap", **environment)
    assert (said.code, said.out) == (1, "1 contacts are wrapped anew, 0 were already\n")
    assert f"1 open with neither key: {lost}" in said.notes
    assert str(kept) not in said.notes
    assert (await database[store.KEYS].find_one({"_id": lost}) or {})["key"] == strange


async def test_a_contact_that_is_erased_meanwhile_does_not_come_back(
    servers: Servers, database: Database
) -> None:
    async with running(settings(servers)) as gateway:
        for _ in range(3):
            await keep(gateway)

    with MongoClient[Document](servers.mongo_url, uuidRepresentation="standard") as somebody:

        class Erasing(MasterKey):
            """Somebody erases each contact while its key is being wrapped."""

            def anew(self, contact: UUID, wrapped: bytes) -> bytes | None:
                assert somebody[DATABASE][store.KEYS].delete_one({"_id": contact}).deleted_count
                return super().anew(contact, wrapped)

        key = Erasing(key_of(NEW_KEY), key_of(KEY))
        assert (await rewrap(database, key, lambda: None)).anew == 0
    assert await database[store.KEYS].count_documents({}) == 0


async def test_without_a_key_before_there_is_nothing_to_change(servers: Servers) -> None:
    environment = servers.environment() | {"LANGNGHE_CONTACT_KEY": NEW_KEY}
    said = await langnghe("contacts", "rewrap", **environment)
    assert (said.code, "LANGNGHE_CONTACT_KEY_BEFORE" in said.notes) == (2, True)


@pytest.mark.parametrize(
    "keys", [{"contact_key_before": KEY}, {"contact_key": KEY, "contact_key_before": KEY}]
)
def test_a_key_before_needs_another_one_after_it(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as error:
        GatewaySettings(**{name: SecretStr(key) for name, key in keys.items()})  # type: ignore[arg-type]
    assert "contact_key_before: needs contact_key, and another one" in str(error.value)
    assert KEY not in str(error.value)
