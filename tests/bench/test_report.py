"""What the bench prints, and what it writes down."""

from __future__ import annotations

from dataclasses import replace

from bench.figures import Spread
from bench.report import Column, Report, Table, as_json, render_facts, render_table, render_troubles

TABLE = Table(
    1,
    "pass-through",
    (Column("requests/s"), Column("of direct", 2), Column("codes")),
    {
        "direct": (Spread((20000.0, 21000.0, 19000.0)), Spread((1.0, 1.0, 1.0)), None),
        "gateway": (Spread((9500.4, 9000.0, 10000.0)), Spread((0.475, 0.43, 0.53)), "200: 50"),
    },
)
REPORT = Report({"python": "3.11"}, [TABLE], ["measurement 3, envoy: envoy cannot be started"])


def test_a_table_shows_the_median_and_how_far_runs_lay_apart() -> None:
    assert render_table(TABLE).splitlines() == [
        "1. pass-through",
        "            requests/s               of direct          codes",
        "  direct    20,000 (19,000-21,000)   1.00               -",
        "  gateway   9,500 (9,000-10,000)     0.47 (0.43-0.53)   200: 50",
    ]


def test_a_table_of_nobody_is_still_one() -> None:
    assert render_table(Table(3, "hand-over", TABLE.columns, {})).startswith("3. hand-over\n")


def test_who_is_left_out_is_said_below_the_table_and_in_the_file() -> None:
    table = replace(TABLE, notes=["nginx is left out: it has no line"])
    assert render_table(table).splitlines()[-1] == "  nginx is left out: it has no line"
    assert as_json(Report({}, [table]))["measurements"][0]["notes"] == ["nginx is left out: it has no line"]


def test_around_the_tables_stand_the_circumstances_and_what_could_not_be_done() -> None:
    assert render_facts(REPORT) == "python: 3.11\n"
    assert render_troubles(REPORT) == "Could not be done:\n  measurement 3, envoy: envoy cannot be started\n"
    assert render_troubles(Report({})) == ""


def test_the_file_has_the_figure_of_every_run() -> None:
    told = as_json(REPORT)
    assert told["measurements"][0]["targets"]["gateway"] == {
        "requests/s": {"median": 9500.4, "runs": [9500.4, 9000.0, 10000.0]},
        "of direct": {"median": 0.475, "runs": [0.475, 0.43, 0.53]},
        "codes": "200: 50",
    }
    assert told["troubles"] == REPORT.troubles
