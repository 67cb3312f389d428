"""What the rows of a foreign file become."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from langnghe.importing.convert import Converter, stable_id
from langnghe.importing.mapping import Mapping, load_mapping
from langnghe.importing.rows import FileMismatchError, RejectedRow, Row, read_rows
from method.period import LOCAL_ZONE
from schemas.export import ROOT
from schemas.feedback import Response
from services.runtime.yamlfile import YamlFileError
from tests.builders import UNIT


def mapping(**changes: Any) -> dict[str, Any]:
    return {
        "name": "paper-2026",
        "format": "csv",
        "instrument": "service",
        "date_format": "%d/%m/%Y %H:%M",
        "scale": {"worst": 5, "best": 1},
        "columns": {
            "unit": "u",
            "occurred_at": "t",
            "comment": "c",
            "answers": {"overall": "q0", "access": "q1"},
        },
        **changes,
    }


def convert(cells: dict[str, str], **changes: Any) -> Response | RejectedRow:
    row = Row(2, {"u": UNIT, "t": "21/11/2026 09:30", "q0": "1", "q1": "4", "c": "", **cells})
    return Converter(Mapping.model_validate(mapping(**changes))).convert(row)


def good(cells: dict[str, str], **changes: Any) -> Response:
    result = convert(cells, **changes)
    assert isinstance(result, Response), result
    return result


def test_a_row_becomes_a_response() -> None:
    response = good({"c": "Gọi 0912345678"})
    assert response.unit == UNIT
    assert response.occurred_at == datetime(2026, 11, 21, 9, 30, tzinfo=LOCAL_ZONE)
    assert response.answers == {"overall": 5, "access": 2}, "1 is best here"
    assert (response.channel, response.device, response.stage) == ("import", "import", "result")
    assert response.comment == "Gọi [số]"
    assert response.id.version == 7


def test_words_and_other_scales_need_a_table() -> None:
    scale = {"values": {"Tốt": 5, "Tạm": 3, "Kém": 1}}
    response = good({"q0": "Tạm", "q1": " Kém "}, scale=scale)
    assert response.answers == {"overall": 3, "access": 1}
    result = convert({"q0": "Khá"}, scale=scale)
    assert result == RejectedRow(2, "answers.overall", "must be one of Tốt, Tạm, Kém")


def test_a_numeric_scale_may_start_anywhere() -> None:
    response = good({"q0": "-2", "q1": "2"}, scale={"worst": -2, "best": 2})
    assert response.answers == {"overall": 1, "access": 5}


def test_units_can_be_translated() -> None:
    assert good({"u": "Ba Đình"}, units={"Ba Đình": UNIT}).unit == UNIT
    result = convert({"u": "Đống Đa"}, units={"Ba Đình": UNIT})
    assert result == RejectedRow(2, "unit", "is not among the mapping's units")


def test_iso_dates_keep_their_zone() -> None:
    response = good({"t": "2026-11-21T09:30:00Z"}, date_format=None)
    assert response.occurred_at.utcoffset() is not None
    assert response.occurred_at.hour == 9


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"t": "31/02/2026 10:00"}, "occurred_at"),
        ({"t": ""}, "occurred_at"),
        ({"q0": "6"}, "answers.overall"),
        ({"q0": "0"}, "answers.overall"),
        ({"q0": "1.5"}, "answers.overall"),
        ({"u": "H26"}, "unit"),
        ({"c": "x" * 1001}, "comment"),
    ],
)
def test_a_bad_row_is_named_by_field(cells: dict[str, str], field: str) -> None:
    result = convert(cells)
    assert isinstance(result, RejectedRow)
    assert result.field == field
    assert result.rule


def test_an_empty_answer_is_no_answer() -> None:
    assert good({"q1": " "}).answers == {"overall": 5}


def test_the_same_row_has_the_same_id_and_a_twin_another() -> None:
    def ids() -> list[UUID]:
        converter = Converter(Mapping.model_validate(mapping()))
        row = Row(2, {"u": UNIT, "t": "21/11/2026 09:30", "q0": "1", "q1": "4", "c": ""})
        other = Row(3, {**row.cells, "q0": "2"})
        found = [converter.convert(r) for r in (row, other, row)]
        return [r.id for r in found if isinstance(r, Response)]

    first, second = ids(), ids()
    assert first == second
    assert len(set(first)) == 3


def test_an_id_column_makes_the_id() -> None:
    columns = {**mapping()["columns"], "id": "nr"}
    one = good({"nr": "17"}, columns=columns)
    other = good({"nr": "17", "q0": "3"}, columns=columns)
    assert one.id == other.id
    assert good({"nr": "17"}, columns=columns, name="other").id != one.id
    assert convert({"nr": ""}, columns=columns) == RejectedRow(2, "id", "must not be empty")


def test_stable_ids_sort_by_time() -> None:
    early = stable_id(datetime(2025, 1, 1, tzinfo=LOCAL_ZONE), "a")
    late = stable_id(datetime(2026, 1, 1, tzinfo=LOCAL_ZONE), "a")
    assert early < late
    assert early.variant == UUID(int=0x8000 << 48).variant


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": {"worst": 1, "best": 10}}, "four apart"),
        ({"scale": {}}, "needs either"),
        ({"scale": {"worst": 1, "best": 5, "values": {"a": 1}}}, "needs either"),
        ({"scale": {"values": {"a": 6}}}, "scale.values.a"),
        ({"instrument": "nobody_knows"}, "must be one of"),
        ({"columns": {"unit": "u", "occurred_at": "t", "answers": {"access": "q"}}}, "overall"),
        (
            {"columns": {"unit": "u", "occurred_at": "t", "answers": {"overall": "a", "x": "b"}}},
            "not in service",
        ),
        ({"zone": "Mars/Base"}, "zone"),
        ({"encoding": "klingon"}, "encoding"),
        ({"channel": "kiosk"}, "channel"),
        ({"colums": {}}, "colums"),
    ],
)
def test_a_bad_mapping_is_refused_with_field_and_rule(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(yaml.safe_dump(mapping(**change)), encoding="utf-8")
    with pytest.raises(YamlFileError, match=message):
        load_mapping(path)


def test_files_are_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("u,t,c,q0,q1\n1,2,3,4,5\nshort\n1,2,3,4,5\n", encoding="utf-8")
    rows = list(read_rows(path, Mapping.model_validate(mapping())))
    assert [type(row) for row in rows] == [Row, RejectedRow, Row]
    path.write_text('{"u":"1"}\nnonsense\n[1]\n\n{"u":null}\n', encoding="utf-8")
    rows = list(read_rows(path, Mapping.model_validate(mapping(format="ndjson"))))
    assert [(type(row), row.line) for row in rows] == [
        (Row, 1),
        (RejectedRow, 2),
        (RejectedRow, 3),
        (Row, 5),
    ]


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("u,t\n1,2\n", encoding="utf-8")
    with pytest.raises(FileMismatchError, match="has no column c, q0, q1"):
        list(read_rows(path, Mapping.model_validate(mapping())))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("u,t,c,q0,q1\nĐịa,2,3,4,5\n".encode("cp1258", errors="replace") + b"\xff\xfe")
    with pytest.raises(FileMismatchError, match="is not utf-8"):
        list(read_rows(path, Mapping.model_validate(mapping(encoding="utf-8"))))


def test_the_example_of_the_documentation_is_read_as_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs/import.md").read_text(encoding="utf-8")
    for language, name in (("csv", "answers.csv"), ("yaml", "mapping.yaml")):
        text = page.partition(f"```{language}\n")[2].partition("```")[0]
        (tmp_path / name).write_text(text, encoding="utf-8")
    example = load_mapping(tmp_path / "mapping.yaml")
    converter = Converter(example)
    read = [
        converter.convert(row)
        for row in read_rows(tmp_path / "answers.csv", example)
        if isinstance(row, Row)
    ]
    assert [r.answers["overall"] for r in read if isinstance(r, Response)] == [5, 2, 4]


def test_a_line_that_nests_without_end_is_rejected_alone(tmp_path: Path) -> None:
    path = tmp_path / "answers.ndjson"
    path.write_text("[" * 200_000 + '\n{"u": "a"}\n')
    rows = list(read_rows(path, Mapping.model_validate(mapping(format="ndjson"))))
    assert rows == [RejectedRow(1, "row", "must be JSON"), Row(2, {"u": "a"})]
