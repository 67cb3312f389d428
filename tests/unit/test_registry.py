"""The registry: effective dates, the tree, and every rule of a load."""

from datetime import date
from pathlib import Path

import pytest

from deploy.registry import build
from schemas.export import ROOT
from schemas.registry import EntryKind, Registry
from services.gateway.registry.reader import read_files
from services.gateway.registry.rules import check
from tests.builders import UNIT, entry, small_registry

HEADER = (
    "kind,code,name_vi,name_en,parent,valid_from,valid_to,predecessors,successors,email,webhook\n"
)
TODAY = date(2026, 11, 22)
SHIPPED = sorted((ROOT / "deploy/registry").glob("*.csv"))


def errors_of(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    rows, errors = read_files([path])
    return [str(e) for e in errors or check(rows, Registry(small_registry()))]


def test_the_shipped_registry_holds_the_country() -> None:
    rows, errors = read_files([*SHIPPED, ROOT / "deploy/demo/units.csv"])
    assert errors == []
    assert check(rows, Registry([])) == []
    registry = Registry(row.entry for row in rows)
    in_force = [e for e in registry if e.in_force(TODAY)]
    count = {kind: sum(1 for e in in_force if e.kind is kind) for kind in EntryKind}
    assert count[EntryKind.PROVINCE] == 34
    assert count[EntryKind.COMMUNE] == 3321
    before = [e for e in registry if e.in_force(date(2025, 6, 30))]
    assert sum(1 for e in before if e.kind is EntryKind.PROVINCE) == 63
    assert registry.above("unit:000.00.11.H26", TODAY) == [
        "commune:00004",
        "province:01",
        "country",
    ]


def test_one_code_names_different_communes_in_turn() -> None:
    rows, _ = read_files(SHIPPED)
    registry = Registry(row.entry for row in rows)
    old = registry.on("commune:00004", date(2025, 6, 30))
    new = registry.on("commune:00004", date(2025, 7, 1))
    assert old is not None
    assert new is not None
    assert (old.name_vi, new.name_vi) == ("Phường Trúc Bạch", "Phường Ba Đình")
    assert old.successors == ("commune:00004",)
    assert "commune:00013" in new.predecessors


def test_communes_csv_has_not_drifted_from_its_package() -> None:
    assert build.TARGET.read_text(encoding="utf-8") == build.text()


def test_the_tree_and_its_ends() -> None:
    registry = Registry(small_registry())
    assert registry.above(f"unit:{UNIT}", TODAY) == ["commune:00004", "province:01", "country"]
    assert [e.key for e in registry.children("province:01", TODAY)] == [
        "commune:00004",
        "unit:000.00.20.H26",
    ]
    assert f"unit:{UNIT}" in [e.key for e in registry.below("country", TODAY)]
    closed = "unit:000.00.21.H26"
    assert registry.on(closed, date(2025, 12, 31)) is not None
    assert registry.on(closed, date(2026, 1, 1)) is None
    assert registry.latest(closed, TODAY) is not None
    assert registry.latest("unit:000.00.99.H99", TODAY) is None


GOOD = "unit,000.00.30.H26,Tên,Name,province:01,2026-01-01,,,,a@b.vn,https://x.vn/h\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind,code\nunit,1\n", "r.csv:1: name_vi: this column is missing"),
        (HEADER.replace("email", "e_mail") + GOOD, "unknown column"),
        (HEADER + "unit,1\n", "r.csv:2: row: needs exactly 11 cells"),
        (HEADER + GOOD.replace("000.00.30.H26", "30"), "r.csv:2: code: must be an agency code"),
        (HEADER + GOOD.replace("unit,", "castle,"), "kind"),
        (HEADER + GOOD.replace("Tên", ""), "name_vi: Field required"),
        (HEADER + GOOD.replace("2026-01-01", "2026-02-31"), "valid_from"),
        (HEADER + GOOD.replace("2026-01-01,", "2026-01-01,2025-01-01"), "must be after valid_from"),
        (HEADER + GOOD.replace("province:01", "province:99"), "province:99 is not in the registry"),
        (HEADER + GOOD.replace("province:01", "country"), "parent: of a unit must be"),
        (HEADER + GOOD.replace("a@b.vn", "nobody"), "email"),
        (HEADER + GOOD.replace("https://x.vn/h", "ftp://x"), "webhook"),
        (HEADER + GOOD + GOOD, "r.csv:3: code: stands already in r.csv:2"),
        (HEADER + GOOD + GOOD.replace("2026-01-01", "2026-06-01"), "overlaps"),
        (HEADER + GOOD.replace(",,,,a@", ",,unit:000.00.98.H98,,a@"), "predecessors"),
        (
            HEADER + GOOD.replace("province:01,2026-01-01", "unit:000.00.21.H26,"),
            "parent: of a unit must be",
        ),
    ],
)
def test_bad_rows_are_named_by_file_line_field_and_rule(
    tmp_path: Path, text: str, message: str
) -> None:
    errors = errors_of(tmp_path, text)
    assert any(message in error for error in errors), errors


def test_a_parent_must_be_in_force_all_along(tmp_path: Path) -> None:
    closed = "province,02,Tỉnh cũ,Old Province,country,,2026-01-01,,,,\n"
    errors = errors_of(tmp_path, HEADER + closed + GOOD.replace("province:01", "province:02"))
    assert any("is not in force during all of it" in error for error in errors)


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    bad = GOOD.replace("000.00.30.H26", "30") + GOOD.replace("Tên", "") + GOOD
    assert len(errors_of(tmp_path, HEADER + bad)) == 2


def test_a_good_row_passes(tmp_path: Path) -> None:
    assert errors_of(tmp_path, HEADER + GOOD) == []


def test_another_encoding_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes((HEADER + GOOD).encode("utf-16"))
    _, errors = read_files([path])
    assert [str(e) for e in errors] == ["r.csv:0: file: must be UTF-8"]


def test_names_are_normalised(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(HEADER + GOOD.replace("Tên", "Te\u0302n"), encoding="utf-8")
    rows, _ = read_files([path])
    assert rows[0].entry.name_vi == "Tên"


def test_entries_survive_storage() -> None:
    one = entry(EntryKind.UNIT, UNIT, "province:01", valid_from=date(2026, 1, 1), email="a@b.vn")
    assert list(Registry.of_documents([one.model_dump(mode="json")])) == [one]
