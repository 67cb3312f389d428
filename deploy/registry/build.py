"""Writes communes.csv from the package vietnamadminunits (MIT): provinces and communes since
1 July 2025, those before, and who followed whom.

`python -m deploy.registry.build` rewrites the file; a test fails when it drifts from the package.
"""

import csv
import io
import json
import sqlite3
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

REFORM = "2025-07-01"
"""The day on which 34 provinces and 3,321 communes came into force."""

TARGET = Path(__file__).resolve().parent / "communes.csv"

COLUMNS = (
    "kind",
    "code",
    "name_vi",
    "name_en",
    "parent",
    "valid_from",
    "valid_to",
    "predecessors",
    "successors",
    "email",
    "webhook",
)

Row = dict[str, Any]

_ENGLISH = {
    "Tỉnh": "{} Province",
    "Thành phố": "{} City",
    "Phường": "{} Ward",
    "Xã": "{} Commune",
    "Thị trấn": "{} Township",
    "Đặc khu": "{} Special Zone",
}


def _plain(text: str) -> str:
    """Vietnamese without its marks."""
    text = text.replace("Đ", "D").replace("đ", "d")
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _english(name: str) -> str:
    for prefix, pattern in _ENGLISH.items():
        if name.startswith(prefix + " "):
            return pattern.format(_plain(name.removeprefix(prefix + " ")))
    return _plain(name)


def _read_package() -> tuple[list[Row], list[Row], dict[str, Any]]:
    data = files("vietnamadminunits") / "data"
    converter = json.loads((data / "converter_2025.json").read_text(encoding="utf-8"))
    with as_file(data / "dataset.db") as path:
        connection = sqlite3.connect(path)
        try:
            connection.row_factory = sqlite3.Row
            now = [dict(r) for r in connection.execute("SELECT * FROM admin_units")]
            before = [
                dict(r)
                for r in connection.execute(
                    "SELECT * FROM admin_units_legacy WHERE wardCode IS NOT NULL"
                )
            ]
        finally:
            connection.close()
    return now, before, converter


def _entry(kind: str, code: str, name: str, parent: str, **more: str) -> Row:
    name = unicodedata.normalize("NFC", name)
    return {
        "kind": kind,
        "code": code,
        "name_vi": name,
        "name_en": _english(name),
        "parent": parent,
        **more,
    }


def _joined(codes: set[str], kind: str) -> str:
    return ";".join(f"{kind}:{code}" for code in sorted(codes))


class _Lineage:
    """Who followed whom, by code, in both directions."""

    def __init__(self) -> None:
        self.before: dict[str, set[str]] = defaultdict(set)
        self.after: dict[str, set[str]] = defaultdict(set)

    def add(self, old: str | None, new: str | None) -> None:
        """Note a pair; islands that were districts without communes have no old code."""
        if old and new:
            self.before[new].add(old)
            self.after[old].add(new)


def _province_lineage(now: list[Row], before: list[Row], pairs: dict[str, list[str]]) -> _Lineage:
    new_codes = {r["provinceKey"]: r["provinceCode"] for r in now}
    old_codes = {r["provinceKey"]: r["provinceCode"] for r in before}
    lineage = _Lineage()
    for new, olds in pairs.items():
        for old in olds:
            lineage.add(old_codes.get(old), new_codes.get(new))
    return lineage


def _commune_lineage(now: list[Row], before: list[Row], converter: dict[str, Any]) -> _Lineage:
    new_codes = {(r["provinceKey"], r["wardKey"]): r["wardCode"] for r in now}
    old_codes = {
        f"{r['provinceKey']}_{r['districtKey']}_{r['wardKey']}": r["wardCode"] for r in before
    }
    lineage = _Lineage()
    for province, communes in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for new, olds in communes.items():
            for old in olds:
                lineage.add(old_codes.get(old), new_codes.get((province, new)))
    for province, divided in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, parts in divided.items():
            for part in parts:
                lineage.add(old_codes.get(old), new_codes.get((province, part["newWardKey"])))
    return lineage


def rows() -> Iterator[Row]:
    """All entries: first what is in force, then what was."""
    now, before, converter = _read_package()
    provinces = _province_lineage(now, before, converter["DICT_PROVINCE"])
    communes = _commune_lineage(now, before, converter)
    for code, name in sorted({(r["provinceCode"], r["province"]) for r in now}):
        olds = _joined(provinces.before[code], "province")
        yield _entry("province", code, name, "country", valid_from=REFORM, predecessors=olds)
    for r in sorted(now, key=lambda r: r["wardCode"]):
        yield _entry(
            "commune",
            r["wardCode"],
            r["ward"],
            f"province:{r['provinceCode']}",
            valid_from=REFORM,
            predecessors=_joined(communes.before[r["wardCode"]], "commune"),
        )
    for code, name in sorted({(r["provinceCode"], r["province"]) for r in before}):
        news = _joined(provinces.after[code], "province")
        yield _entry("province", code, name, "country", valid_to=REFORM, successors=news)
    seen: set[str] = set()
    for r in sorted(before, key=lambda r: r["wardCode"]):
        if r["wardCode"] in seen:
            continue
        seen.add(r["wardCode"])
        yield _entry(
            "commune",
            r["wardCode"],
            r["ward"],
            f"province:{r['provinceCode']}",
            valid_to=REFORM,
            successors=_joined(communes.after[r["wardCode"]], "commune"),
        )


def text() -> str:
    """The whole file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows())
    return out.getvalue()


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
