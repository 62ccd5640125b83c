"""What stands in the tables."""

from __future__ import annotations

from typing import Any

from gateway.top.port import Pool
from gateway.top.rows import MODEL, MODEL_SHOWN, Row, Tables, TableView, fitting, shown
from tests.doubles.operators_port import told_backend, told_pool, told_ticket


def rows(table: Tables, *backends: dict[str, Any], **changed: Any) -> list[Row]:
    return table.value.rows(Pool.model_validate(told_pool("sd", *backends, **changed)))


def test_each_table_has_its_columns() -> None:
    pods = rows(Tables.PODS, told_backend("gpu-1", in_flight=1, idle=None, served=12), told_backend("gpu-2", limit=0))
    assert [(row.key, row.cells) for row in pods] == [
        ("uid/gpu-1", ("gpu-1", "ready", "1/1", "0", "0", "0", "0", "12", "")),
        ("uid/gpu-2", ("gpu-2", "ready", "0", "0", "0", "0", "0", "0", "3")),
    ]
    line = rows(Tables.LINE, tickets=[told_ticket(7, "a", bound_to="gpu-1", why="counted; gpu-1 busy")])
    assert line[0].cells == ("1", "a", "counted", "12", "gpu-1", "counted; gpu-1 busy")
    sessions = rows(Tables.SESSIONS, sessions=[{"id_hash": "4a5b", "home": None, "idle": 0.25}])
    assert sessions[0].cells == ("4a5b", "", "0.2")
    for table, found in ((Tables.PODS, pods), (Tables.LINE, line), (Tables.SESSIONS, sessions)):
        assert len(found[0].values) == len(table.value.columns)


def test_where_models_matter_there_is_one_more_column() -> None:
    told = told_pool(
        "sd", told_backend("gpu-1", model="x"), tickets=[told_ticket(7, "a", model="y")], looks_at_models=True
    )
    pool = Pool.model_validate(told)
    for table, model in ((Tables.PODS, "x"), (Tables.LINE, "y")):
        columns = table.value.columns_of(pool)
        (row,) = table.value.rows(pool)
        assert dict(zip(columns, row.cells, strict=True))[MODEL] == model
        assert [column for column in columns if column != MODEL] == list(table.value.columns)
    assert Tables.SESSIONS.value.columns_of(pool) == Tables.SESSIONS.value.columns


def test_a_long_name_loses_its_middle() -> None:
    assert fitting("m" * MODEL_SHOWN) == "m" * MODEL_SHOWN
    assert fitting("realisticVisionV60B1_v51HyperVAE") == "realistic…51HyperVAE"


def test_sorted_by_a_column_the_unknown_comes_last() -> None:
    told = [Row("a", ("a", 2.0)), Row("b", ("b", None)), Row("c", ("c", 10.0))]
    assert [row.key for row in TableView(1).of(told)] == ["a", "c", "b"]
    assert [row.key for row in TableView(1, reverse=True).of(told)] == ["c", "a", "b"]
    assert [row.key for row in TableView(0, reverse=True).of(told)] == ["c", "b", "a"]
    assert [row.key for row in TableView(reverse=True).of(told)] == ["c", "b", "a"]


def test_columns_come_round() -> None:
    view = TableView(word="gpu")
    columns = []
    for _ in range(3):
        view = view.sorted_by_next(2)
        columns.append(view.column)
    assert (columns, view.word) == ([0, 1, None], "gpu")


def test_a_word_keeps_rows_that_have_it() -> None:
    told = [Row("a", ("GPU-1", 2.0)), Row("b", ("gpu-2", 12.0)), Row("c", ("cpu", 1.0))]
    assert [row.key for row in TableView(word="gpu").of(told)] == ["a", "b"]
    assert [row.key for row in TableView(word="12").of(told)] == ["b"]


def test_nothing_told_moves_the_terminal() -> None:
    assert shown("a\x1b[2J\r\n") == "a�[2J��"
