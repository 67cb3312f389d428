"""Contact data over real HTTP and MongoDB: only by consent, sealed, and really gone when erased."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr, ValidationError

from client.signing import Signer
from schemas.collections import RESPONSES
from services.gateway import audit
from services.gateway.contacts import store
from services.gateway.contacts.asking import CONSENT, EXAMPLE
from services.gateway.contacts.sealing import MasterKey, Sealed, SealError, key_of
from services.gateway.settings import GatewaySettings
from services.runtime.database import Database
from tests.builders import NOW, UNIT
from tests.integration.test_commands import langnghe
from tests.integration.test_gateway import Client, calling
from tests.servers import DATABASE, Servers, eventually, expiring

KEY = base64.b64encode(secrets.token_bytes(32)).decode()
MASTER = MasterKey(key_of(KEY))
CLERK = audit.Actor(kind="account", name="binh", role="officer")
PATH = "/v1/contacts"


def request(**changes: Any) -> dict[str, Any]:
    return EXAMPLE | changes


def settings(servers: Servers, **changes: Any) -> GatewaySettings:
    values: dict[str, Any] = {"contact_key": SecretStr(KEY), "contacts_per_hour": 1000} | changes
    return GatewaySettings(
        KAFKA_URL=servers.kafka_url, MONGO_URL=servers.mongo_url, database=DATABASE, **values
    )


@asynccontextmanager
async def running(settings: GatewaySettings) -> AsyncIterator[Client]:
    """A gateway over real HTTP."""
    nobody = Signer("d-nobody", Ed25519PrivateKey.generate())
    async with calling(settings, nobody) as client:

        async def ready() -> bool:
            return (await client.ops("/health/ready"))[0] == 200

        await eventually(ready, "the gateway is ready")
        yield client


@pytest_asyncio.fixture
async def gateway(servers: Servers) -> AsyncIterator[Client]:
    async with running(settings(servers)) as client:
        yield client


async def keep(gateway: Client, **changes: Any) -> dict[str, Any]:
    status, kept = await gateway.post(PATH, request(**changes))
    assert status == 201, kept
    return kept


async def look(database: Database, contact: str, now: datetime | None = None) -> str:
    at = now or datetime.now(UTC)
    return await store.look(database, MASTER, UUID(contact), CLERK, "call back", at)


async def delete(gateway: Client, contact: str, authorization: str | None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with gateway.session.delete(f"{gateway.url}{PATH}/{contact}", headers=headers) as answer:
        assert answer.status == 204 or answer.content_type == "application/problem+json"
        return answer.status


async def everything(database: Database) -> bytes:
    """Every document of the database, as MongoDB keeps it."""
    found = b""
    for name in await database.collection_names():
        collection = database[name].with_options(codec_options=DEFAULT_RAW_BSON_OPTIONS)
        async for document in collection.find():
            found += document.raw
    return found


CONSENT_GIVEN = EXAMPLE["consent"]

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("no consent", {k: v for k, v in EXAMPLE.items() if k != "consent"}, "consent", "required"),
    *(
        (f"consent {box!r}", request(consent=CONSENT_GIVEN | {"given": box}), "consent.given", rule)
        for box, rule in (
            (False, "by explicit consent only"),
            ("true", "valid boolean"),
            (1, "valid boolean"),
            (None, "valid boolean"),
        )
    ),
    ("consent untold", request(consent={"text_version": CONSENT.version}), "consent.given", ""),
    (
        "another text",
        request(consent={"text_version": "contact-0", "given": True}),
        "consent.text_version",
        CONSENT.version,
    ),
    ("letter for a number", request(value="nothing"), "value", "Vietnamese telephone number"),
    ("foreign number", request(value="+14155550134"), "value", "Vietnamese telephone number"),
    ("short number", request(value="091234567"), "value", "Vietnamese telephone number"),
    ("number as address", request(kind="email"), "value", "e-mail address"),
    ("two addresses", request(kind="email", value="a@b.vn, c@d.vn"), "value", "e-mail address"),
    ("header in address", request(kind="email", value="a@b.vn\nBcc: c@d.vn"), "value", "e-mail"),
    ("another kind", request(kind="zalo"), "kind", "'phone' or 'email'"),
    ("no response", request(response="1"), "response", "UUID"),
    ("unknown field", request(name="Nguyễn Văn A"), "name", "not permitted"),
]


async def test_what_breaks_a_rule_is_refused_and_not_repeated(
    gateway: Client, database: Database
) -> None:
    for case, body, field, rule in REFUSED:
        status, problem = await gateway.post(PATH, body)
        assert status == 422, case
        assert [e for e in problem["errors"] if e["field"] == field and rule in e["rule"]], case
        assert str(body["value"]) not in json.dumps(problem, ensure_ascii=False), case
    assert await database[store.CONTACTS].count_documents({}) == 0
    assert await database[store.KEYS].count_documents({}) == 0


async def test_what_was_left_is_what_an_officer_sees(gateway: Client, database: Database) -> None:
    for kind, given, kept in (
        ("phone", "0912 345 678", "+84912345678"),
        ("phone", "+84 (0) 912-345-678", "+84912345678"),
        ("phone", "84912345678", "+84912345678"),
        ("phone", "(024) 3825.1234", "+842438251234"),
        ("email", "Nguyen.An+x@mail.gov.vn", "Nguyen.An+x@mail.gov.vn"),
    ):
        contact = await keep(gateway, kind=kind, value=given)
        assert await look(database, contact["id"]) == kept


async def test_nothing_in_the_database_says_it_in_clear(
    gateway: Client, database: Database
) -> None:
    one = await keep(gateway)
    other = await keep(gateway)
    await keep(gateway, kind="email", value="nguyen.an@example.vn")
    await look(database, one["id"])
    seen = await everything(database)
    assert b"call back" in seen, "the search does see what is there"
    for value in (b"912345678", b"0912 345 678", b"nguyen.an"):
        assert value not in seen
    for secret in ("erase_token", "case_secret"):
        assert one[secret].encode() not in seen
    sealed = {
        document["_id"]: (document["value"], key["key"])
        async for document in database[store.CONTACTS].find()
        if (key := await database[store.KEYS].find_one({"_id": document["_id"]}))
    }
    first, second = sealed[UUID(one["id"])], sealed[UUID(other["id"])]
    assert first[0] != second[0]
    assert first[1] != second[1]


async def test_only_the_token_erases_and_then_nothing_is_left(
    gateway: Client, database: Database
) -> None:
    kept, other = await keep(gateway), await keep(gateway)
    token = f"Bearer {kept['erase_token']}"
    assert await delete(gateway, kept["id"], None) == 401
    assert await delete(gateway, kept["id"], "Basic YTpi") == 401
    assert await delete(gateway, kept["id"], f"Bearer {other['erase_token']}") == 403
    assert await delete(gateway, str(uuid4()), token) == 404
    assert await delete(gateway, "1", token) == 422
    assert await look(database, kept["id"]) == "+84912345678"

    assert await delete(gateway, kept["id"], token) == 204
    assert await delete(gateway, kept["id"], token) == 404
    assert UUID(kept["id"]).bytes not in await everything(database)
    with pytest.raises(store.UnknownContactError):
        await look(database, kept["id"])
    assert await look(database, other["id"]) == "+84912345678"


async def test_an_erasure_that_was_cut_off_left_nothing_to_read_and_can_be_repeated(
    gateway: Client, database: Database
) -> None:
    kept = await keep(gateway)
    await database[store.KEYS].delete_one({"_id": UUID(kept["id"])})
    with pytest.raises(store.UnknownContactError):
        await look(database, kept["id"])
    assert await delete(gateway, kept["id"], f"Bearer {kept['erase_token']}") == 204


async def test_what_is_sealed_opens_only_in_its_own_place(
    gateway: Client, database: Database
) -> None:
    """Somebody who can write to the database cannot make one contact show another."""
    a, b = UUID((await keep(gateway))["id"]), UUID((await keep(gateway))["id"])

    async def swap(collection: str, field: str) -> None:
        first = await database[collection].find_one({"_id": a})
        second = await database[collection].find_one({"_id": b})
        assert first is not None
        assert second is not None
        await database[collection].update_one({"_id": a}, {"$set": {field: second[field]}})
        await database[collection].update_one({"_id": b}, {"$set": {field: first[field]}})

    async def opens() -> bool:
        try:
            await look(database, str(a))
        except SealError:
            return False
        return True

    await swap(store.CONTACTS, "value")
    assert not await opens(), "another value under this key"
    await swap(store.KEYS, "key")
    assert not await opens(), "another value with its own key"
    await swap(store.CONTACTS, "value")
    assert not await opens(), "this value under another key"
    await swap(store.KEYS, "key")
    assert await opens()
    assert (await audit.verify(database, None))[0].number == 1, "only what was seen is a look"


def test_a_value_never_opens_as_a_key() -> None:
    contact = uuid4()
    sealed = MASTER.seal(contact, "x" * 32)
    for wrong in (
        Sealed(value=sealed.key, key=sealed.key),
        Sealed(value=sealed.value[:-1] + bytes([sealed.value[-1] ^ 1]), key=sealed.key),
        Sealed(value=b"", key=sealed.key),
    ):
        with pytest.raises(SealError):
            MASTER.open(contact, wrong)
    with pytest.raises(SealError):
        MasterKey(secrets.token_bytes(32)).open(contact, sealed)


async def test_what_expired_cannot_be_read_even_before_it_is_removed(
    gateway: Client, database: Database
) -> None:
    kept = await keep(gateway)
    expires = datetime.fromisoformat(kept["expires_at"])
    ahead = expires - datetime.now(UTC)
    assert timedelta(days=89) < ahead <= timedelta(days=90)
    assert await look(database, kept["id"], expires - timedelta(seconds=1)) == "+84912345678"
    with pytest.raises(store.UnknownContactError):
        await look(database, kept["id"], expires + timedelta(seconds=1))


async def test_what_expired_is_removed_by_itself(
    gateway: Client, database: Database, servers: Servers
) -> None:
    stays, goes = UUID((await keep(gateway))["id"]), UUID((await keep(gateway))["id"])
    for name in (store.CONTACTS, store.KEYS):
        await database[name].update_one({"_id": goes}, {"$set": {"expires_at": NOW}})

    async def only_one_is_left() -> bool:
        kept = [d["_id"] for c in (store.CONTACTS, store.KEYS) async for d in database[c].find()]
        return kept == [stays, stays]

    with expiring(servers.mongo_url):
        await eventually(only_one_is_left, "MongoDB removed what expired", within=120)


async def test_a_look_is_written_down_or_does_not_happen(
    gateway: Client, database: Database
) -> None:
    kept = await keep(gateway)
    await look(database, kept["id"])
    (entry,) = await audit.entries(database, None, 10)
    assert (entry.action, entry.about, entry.actor) == ("contact.look", kept["id"], CLERK)
    case = (await database[store.CONTACTS].find_one({"_id": UUID(kept["id"])}) or {})["case"]
    assert entry.details == {"why": "call back", "case": str(case)}
    # The trail cannot be written: the number of the next entry is taken.
    await database[audit.ENTRIES].insert_one({"_id": 2})
    with pytest.raises(Exception, match="E11000"):
        await look(database, kept["id"])


async def test_without_a_master_key_contacts_are_not_taken(servers: Servers) -> None:
    async with running(settings(servers, contact_key=None)) as gateway:
        status, problem = await gateway.post(PATH, request())
        assert (status, problem["detail"]) == (503, "Contacts are not taken here.")


async def test_one_address_leaves_only_so_many(servers: Servers, database: Database) -> None:
    async with running(settings(servers, contacts_per_hour=3)) as gateway:
        answers = [await gateway.post(PATH, request()) for _ in range(4)]
        assert [status for status, _ in answers] == [201, 201, 201, 429]
        async with gateway.session.post(gateway.url + PATH, json=request()) as answer:
            assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert await database[store.CONTACTS].count_documents({}) == 3


async def test_too_large_a_body_is_refused(gateway: Client) -> None:
    status, _ = await gateway.post(PATH, request(value="1" * 5000))
    assert status == 413


@pytest.mark.parametrize("key", ["", "short", "x" * 44, base64.b64encode(b"1" * 31).decode()])
def test_a_wrong_master_key_stops_the_gateway_and_is_not_repeated(key: str) -> None:
    with pytest.raises(ValidationError) as error:
        GatewaySettings(contact_key=SecretStr(key))
    assert "contact_key" in str(error.value)
    assert "base64 of 32 bytes" in str(error.value)
    assert not key or key not in str(error.value)


async def test_commands_list_show_and_erase(
    gateway: Client, database: Database, servers: Servers
) -> None:
    kept = await keep(gateway)
    await database[RESPONSES].insert_one({"_id": UUID(EXAMPLE["response"]), "unit": UNIT})
    environment = servers.environment() | {"LANGNGHE_CONTACT_KEY": KEY}

    said = await langnghe("contacts", "list", **environment)
    assert said.code == 0
    assert said.out.split()[:4] == [kept["id"], UNIT, EXAMPLE["response"], "phone"]
    assert "912345678" not in said.out + said.notes

    said = await langnghe("contacts", "show", kept["id"], **environment)
    assert said.code == 2, "it asks why"
    said = await langnghe("contacts", "show", kept["id"], "--why", " ", **environment)
    assert (said.code, "--why" in said.notes) == (2, True)
    said = await langnghe("contacts", "show", kept["id"], "--why", "x", **servers.environment())
    assert (said.code, "LANGNGHE_CONTACT_KEY" in said.notes) == (2, True)
    other = servers.environment() | {"LANGNGHE_CONTACT_KEY": base64.b64encode(b"2" * 32).decode()}
    said = await langnghe("contacts", "show", kept["id"], "--why", "x", **other)
    assert (said.code, "does not open" in said.notes) == (1, True)
    assert (await audit.verify(database, None))[0].number == 0

    why = "he asked, 0912345678"
    said = await langnghe("contacts", "show", kept["id"], "--why", why, **environment)
    assert (said.code, said.out.strip()) == (0, "+84912345678")
    (entry,) = await audit.entries(database, None, 10)
    assert (entry.action, entry.actor.kind) == ("contact.look", "command")
    assert entry.details["why"] == "he asked, [số]"

    said = await langnghe("contacts", "erase", kept["id"], "--why", "he asked", **environment)
    assert said.code == 0
    assert (await audit.entries(database, None, 10))[0].action == "contact.erase"
    assert await database[store.KEYS].count_documents({}) == 0
    said = await langnghe("contacts", "show", kept["id"], "--why", "again", **environment)
    assert (said.code, "no such contact" in said.notes) == (1, True)
    said = await langnghe("contacts", "list", **environment)
    assert (said.code, said.out) == (0, "")


async def test_erasing_and_looking_at_once_leaves_nothing(
    gateway: Client, database: Database
) -> None:
    kept = await keep(gateway)
    token = f"Bearer {kept['erase_token']}"
    answers = await asyncio.gather(
        *(delete(gateway, kept["id"], token) for _ in range(4)),
        *(look(database, kept["id"]) for _ in range(4)),
        return_exceptions=True,
    )
    unexpected = [
        answer
        for answer in answers
        if answer not in {204, 404, "+84912345678"}
        and not isinstance(answer, store.UnknownContactError)
    ]
    assert unexpected == []
    with pytest.raises(store.UnknownContactError):
        await look(database, kept["id"])
