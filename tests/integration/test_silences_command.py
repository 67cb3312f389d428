"""`langnghe silences` as an operator runs it."""

import json

import pytest

from services.gateway import audit
from services.notify.storage import SILENCES
from services.runtime.database import Database
from tests.builders import load_small_registry
from tests.integration.test_commands import langnghe
from tests.servers import Servers


async def test_a_silence_from_its_beginning_to_its_end_stands_in_the_trail(
    database: Database, servers: Servers
) -> None:
    await load_small_registry(database)

    async def run(*arguments: str, code: int = 0) -> str:
        said = await langnghe("silences", *arguments, **servers.environment())
        assert said.code == code, said
        return said.notes if code else said.out

    assert await run("list") == ""
    added = await run(
        *("add", "province:01", "--for", "3d", "--reason", "Sửa chữa trụ sở"),
        *("--rule", "change", "--by", "Hoa"),
    )
    name, _, until = added.partition(": holds until ")
    line = (await run("list")).strip()
    assert (
        line == f"{name}  holds  province:01  change  until {until.strip()}  Hoa  Sửa chữa trụ sở"
    )
    (value,) = json.loads(await run("list", "--json"))
    assert (value["id"], value["author"], value["holds"]) == (name, "Hoa", True)
    assert "no such silence" in await run("end", "sil_0", code=2)
    assert await run("end", name, "--by", "Minh") == f"{name}: is over\n"
    assert f"{name}: is over" in await run("end", name, code=2)
    assert await run("list") == ""
    assert (await run("list", "--all")).startswith(f"{name}  over  province:01")

    assert (await audit.verify(database, None))[1] == []
    end, add = await audit.entries(database, None, 100)
    assert (add.action, add.about, add.details["by"]) == ("silence.add", name, "Hoa")
    assert add.details["reason"] == "Sửa chữa trụ sở"
    assert (end.action, end.about, end.details) == ("silence.end", name, {"by": "Minh"})


@pytest.mark.parametrize(
    ("scope", "arguments", "problem"),
    [
        ("unit:000.00.99.H26", ("--for", "1d", "--reason", "x"), "scope: must be in the registry"),
        ("village:1", ("--for", "1d", "--reason", "x"), "scope: String should match pattern"),
        ("country", ("--for", "31d", "--reason", "x"), "--for: must be more than nothing, and 30d"),
        ("country", ("--for", "0h", "--reason", "x"), "--for: must be more than nothing, and 30d"),
        ("country", ("--for", "soon", "--reason", "x"), "--for: must be a whole number and s, m,"),
        ("country", ("--for", "1d", "--reason", " "), "reason: String should have at least 1"),
        ("country", ("--for", "1d", "--reason", "x" * 501), "reason: String should have at most"),
        ("country", ("--for", "1d", "--reason", "x", "--by", ""), "author: String should have at"),
        ("country", ("--for", "1d", "--reason", "x", "--rule", "A b"), "rule: String should match"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_done(
    database: Database, servers: Servers, scope: str, arguments: tuple[str, ...], problem: str
) -> None:
    await load_small_registry(database)
    said = await langnghe("silences", "add", scope, *arguments, **servers.environment())
    assert said.code == 2
    assert problem in said.notes
    assert await database[SILENCES].count_documents({}) == 0
    assert await audit.entries(database, None, 10) == []
