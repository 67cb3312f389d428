"""An alert about silent kiosks: all of it at the desk, only how many for everybody."""

from schemas.alert import AlertChanged
from schemas.base import read
from schemas.collections import ALERTS
from schemas.export import ROOT
from schemas.kiosk import KioskSilence
from services.runtime.clock import system_clock
from services.runtime.database import Database
from tests.builders import UNIT
from tests.people import sign_in, world
from tests.servers import Servers

GOLDEN = ROOT / "schemas/golden/vn.langnghe.alert.changed.v1/2026-11-silent-kiosk.json"


def silent_alert() -> AlertChanged:
    """Two of three kiosks of UNIT are silent; one was never heard."""
    return read(AlertChanged, GOLDEN.read_bytes())


async def put(database: Database, event: AlertChanged) -> None:
    """An alert, as notify keeps it for readers."""
    await database[ALERTS].insert_one(
        {
            "_id": event.alert,
            "rule": event.rule,
            "scope": event.scope,
            "open": True,
            "state": event.state.value,
            "changed_at": system_clock(),
            "event": event.model_dump(mode="json"),
        }
    )


async def test_the_desk_says_which_kiosks_since_when_and_what_to_do(
    servers: Servers, database: Database
) -> None:
    event = silent_alert()
    assert isinstance(event.evidence, KioskSilence)
    first, second = event.evidence.kiosks
    sly = first.model_copy(update={"name": "<b>Quầy 3</b>"})
    evidence = event.evidence.model_copy(update={"kiosks": (sly, second)})
    event = event.model_copy(update={"evidence": evidence})
    async with world(servers, database) as here, here.browser() as client:
        await put(database, event)
        await sign_in(client, "officer")
        page = " ".join((await client.get("/desk")).text.split())
        for part in (
            "Kiosk mất tín hiệu · <strong>Đang báo động</strong>",
            "<dd>2 trên 3</dd>",
            "&lt;b&gt;Quầy 3&lt;/b&gt; (d-1f2e3d4c5b6a798897a6b5c4)",
            "tín hiệu gần nhất lúc 15:50 20/11/2026; 2,0 giờ làm việc tính đến 08:20 23/11/2026",
            "; 4 lượt trả lời còn chờ gửi khi đó",
            "chưa từng có tín hiệu kể từ khi ghép nối lúc 10:00 19/11/2026",
            "Kiểm tra: kiosk có điện không",
        ):
            assert part in page, part
        page = " ".join((await client.get("/desk?lang=en")).text.split())
        for part in (
            "A kiosk is silent · <strong>Firing</strong>",
            "<dd>2 of 3</dd>",
            "last heard at 15:50 20/11/2026; 2.0 office hours by 08:20 23/11/2026",
            "; 4 answers waited there then",
            "never heard since it was enrolled at 10:00 19/11/2026",
            "Check: does the kiosk have power",
        ):
            assert part in page, part
        got = await client.get("/v1/desk", params={"scope": f"unit:{UNIT}"})
        (shown,) = got.json()["alerts"]
        assert [one["name"] for one in shown["alert"]["evidence"]["kiosks"]] == [
            "<b>Quầy 3</b>",
            "Quầy 4",
        ]


async def test_everybody_sees_how_many_and_since_when_but_not_which(
    servers: Servers, database: Database
) -> None:
    async with world(servers, database) as here, here.browser() as client:
        await put(database, silent_alert())
        got = await client.get("/v1/alerts")
    assert got.status_code == 200, got.text
    (view,) = got.json()["alerts"]
    assert view["name"]["vi"] == f"Đơn vị {UNIT}"
    assert view["alert"]["kind"] == "silent_kiosk"
    assert view["alert"]["evidence"] == {
        "as_of": "2026-11-23T01:20:58Z",
        "since": "2026-11-19T03:00:00Z",
        "silent": 2,
        "of": 3,
    }
    assert "Quầy" not in got.text
    assert "d-1f2e" not in got.text
