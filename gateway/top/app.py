"""The terminal view: one pool at a time, with its pods, its line and its sessions, read again every few seconds.

Owns the screen; `rows.py` makes the tables, `port.py` asks and gives orders.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import App
from textual.content import Content
from textual.widgets import DataTable, Footer, Input, Static

from gateway.top.confirm import Confirm
from gateway.top.port import Order, PortError
from gateway.top.rows import MODEL, Tables, TableView, fitting, shown
from gateway.top.summary import outages_of, summary_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from gateway.top.port import OperatorsPort, Pool
    from gateway.top.rows import Row


#: The styles of words and figures in the table of pods.
_STYLES = {
    "ready": "green",
    "starting": "yellow",
    "suspect": "red",
    "ejected": "red",
    "draining": "magenta",
    "gone": "dim",
    "0": "dim",
}


class Top(App[None]):
    """Reads `port` every `every` seconds."""

    TITLE = "gateway top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #summary, #outages, #error { height: auto; padding: 0 1; }
    #outages { color: $warning; }
    #error { color: $error; }
    Input { height: 3; display: none; }
    DataTable { height: 1fr; border: round $surface-lighten-2; border-title-color: $text-muted; }
    DataTable:focus { border: round $accent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "quit", "Quit"),
        ("p", "next_pool", "Pool"),
        ("s", "sort", "Sort"),
        ("S", "reverse", "Reverse"),
        ("slash", "filter", "Filter"),
        ("escape", "clear", "All"),
        ("d", "order('drain')", "Drain"),
        ("u", "order('undrain')", "Undrain"),
        ("r", "order('release')", "Release"),
        ("x", "expel", "Expel"),
    ]

    def __init__(self, port: OperatorsPort, *, every: float) -> None:
        super().__init__()
        self._port = port
        self._every = every
        self._pools: list[Pool] = []
        self._chosen: str | None = None  # a pool's name
        self._table_views = dict.fromkeys(Tables, TableView())
        self._columns = {table: table.value.columns for table in Tables}

    # What is on the screen

    def compose(self) -> ComposeResult:
        yield Static(id="summary")
        yield Static(id="outages")
        yield Static(id="error")
        yield Input(placeholder="show only rows with …")
        for table in Tables:
            yield DataTable[Text](id=table.name.lower(), cursor_type="row", zebra_stripes=True)
        yield Footer()

    async def on_mount(self) -> None:
        for table in Tables:
            self._widget(table).add_columns(*self._columns[table])
        self._widget(Tables.PODS).focus()
        self.set_interval(self._every, self.refresh_pools)
        await self.refresh_pools()

    async def refresh_pools(self) -> None:
        """Read the pools again, and show them."""
        try:
            self._pools = await self._port.pools()
        except PortError as error:
            self._show_error(f"{self._port.url}: {error}")
            return
        self._show_error("")
        self._show()

    @property
    def pool(self) -> Pool | None:
        """The pool that is shown."""
        return next((pool for pool in self._pools if pool.name == self._chosen), next(iter(self._pools), None))

    def _show(self) -> None:
        pool = self.pool
        if pool is None:
            self._text("summary", "No pool is configured.")
            return
        self._text("summary", summary_of(pool))
        self._text("outages", outages_of(pool))
        for table in Tables:
            self._fill(table, pool)

    def _fill(self, table: Tables, pool: Pool) -> None:
        """Fill the table anew; the cursor stays on its row."""
        marked = self._marked(table)
        self._head(table, table.value.columns_of(pool))
        widget, view = self._widget(table), self._table_views[table]
        widget.clear()
        for row in view.of(table.value.rows(pool)):
            if row.key not in widget.rows:  # two requests may bear the same id
                widget.add_row(*_styled(table, self._columns[table], row), key=row.key)
        if marked is not None and marked in widget.rows:
            widget.move_cursor(row=widget.get_row_index(marked), scroll=False)
        widget.border_title = _title(table, self._columns[table], view)

    def _head(self, table: Tables, columns: tuple[str, ...]) -> None:
        """Set the headings; a table with new ones is not sorted."""
        if columns == self._columns[table]:
            return
        self._columns[table] = columns
        self._table_views[table] = replace(self._table_views[table], column=None)
        self._widget(table).clear(columns=True).add_columns(*columns)

    def _widget(self, table: Tables) -> DataTable[Text]:
        return self.query_one(f"#{table.name.lower()}", DataTable)

    def _marked(self, table: Tables) -> str | None:
        """The key of the row with the cursor."""
        widget = self._widget(table)
        if not widget.row_count:
            return None
        return widget.coordinate_to_cell_key(widget.cursor_coordinate).row_key.value

    @property
    def _focused_table(self) -> Tables:
        return next((table for table in Tables if self._widget(table).has_focus), Tables.PODS)

    def _text(self, name: str, text: str) -> None:
        self.query_one(f"#{name}", Static).update(Content(text))

    def _show_error(self, error: str) -> None:
        self._text("error", shown(error))

    # Keys

    def action_next_pool(self) -> None:
        names = [pool.name for pool in self._pools]
        if self.pool is not None:
            self._chosen = names[(names.index(self.pool.name) + 1) % len(names)]
            self._show()

    def action_sort(self) -> None:
        table = self._focused_table
        self._table_views[table] = self._table_views[table].sorted_by_next(len(self._columns[table]))
        self._show()

    def action_reverse(self) -> None:
        table = self._focused_table
        self._table_views[table] = replace(self._table_views[table], reverse=not self._table_views[table].reverse)
        self._show()

    def action_filter(self) -> None:
        field = self.query_one(Input)
        field.styles.display = "block"
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._table_views = {table: replace(view, word=event.value) for table, view in self._table_views.items()}
        self._show()

    def on_input_submitted(self) -> None:
        self._widget(Tables.PODS).focus()

    def action_clear(self) -> None:
        field = self.query_one(Input)
        field.clear()
        field.styles.display = "none"
        self._widget(Tables.PODS).focus()

    # Orders

    def action_order(self, word: str) -> None:
        order = Order(word)
        identity = self._marked(Tables.PODS)
        if identity is not None and self.pool is not None:
            name = next((backend.name for backend in self.pool.backends if backend.identity == identity), identity)
            self._ask(f"{word.capitalize()} {name}?", partial(self._port.order, order, identity))

    def action_expel(self) -> None:
        request = self._marked(Tables.LINE)
        if request is not None:
            self._ask(f"Take {request} out of the line?", partial(self._port.expel, request))

    def _ask(self, question: str, carry_out: Callable[[], Awaitable[None]]) -> None:
        async def answered(meant: bool | None) -> None:
            if not meant:
                return
            try:
                await carry_out()
            except PortError as error:
                self._show_error(str(error))
            else:
                await self.refresh_pools()

        self.push_screen(Confirm(shown(question)), answered)


def _styled(table: Tables, columns: tuple[str, ...], row: Row) -> list[Text]:
    """The cells of a row. Those of a pod have styles, except its name and its model."""
    styles = _STYLES if table is Tables.PODS else {}
    return [_cell(styles, column, cell) for column, cell in zip(columns, row.cells, strict=True)]


def _cell(styles: dict[str, str], column: str, cell: str) -> Text:
    if column == MODEL:
        return Text(fitting(cell)) if cell or not styles else Text("not known", "dim")
    return Text(cell, "" if column == Tables.PODS.value.columns[0] else styles.get(cell, ""))


def _title(table: Tables, columns: tuple[str, ...], view: TableView) -> str:
    column = "" if view.column is None else f", by {columns[view.column]}"
    return f"{table.value.title}{column}{', reversed' if view.reverse else ''}"
