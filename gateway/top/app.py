"""The terminal view: one pool at a time, its pods, its line and its sessions, looked at again every few seconds.

Owns what is on the screen; what stands in the tables is `rows`', what can be asked and ordered is `port`'s.
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
from gateway.top.port import Order, Trouble
from gateway.top.rows import MODEL, Look, Tables, fitting, shown
from gateway.top.summary import outages_of, summary_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from gateway.top.port import OperatorsPort, Pool
    from gateway.top.rows import Row


#: How words and figures of pods stand out, or stand back.
_STYLES = {"ready": "green", "starting": "yellow", "suspect": "red", "draining": "magenta", "gone": "dim", "0": "dim"}


class Top(App[None]):
    """Looks at `port` every `every` seconds."""

    TITLE = "gateway top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #summary, #outages, #trouble { height: auto; padding: 0 1; }
    #outages { color: $warning; }
    #trouble { color: $error; }
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
        self._looks = dict.fromkeys(Tables, Look())
        self._columns = {table: table.value.columns for table in Tables}

    # What is on the screen

    def compose(self) -> ComposeResult:
        yield Static(id="summary")
        yield Static(id="outages")
        yield Static(id="trouble")
        yield Input(placeholder="show only rows with …")
        for table in Tables:
            yield DataTable[Text](id=table.name.lower(), cursor_type="row", zebra_stripes=True)
        yield Footer()

    async def on_mount(self) -> None:
        for table in Tables:
            self._widget(table).add_columns(*self._columns[table])
        self._widget(Tables.PODS).focus()
        self.set_interval(self._every, self.look)
        await self.look()

    async def look(self) -> None:
        """Ask again, and show what is told."""
        try:
            self._pools = await self._port.pools()
        except Trouble as trouble:
            self._say(f"{self._port.url}: {trouble}")
            return
        self._say("")
        self._show()

    @property
    def pool(self) -> Pool | None:
        """The one that is shown."""
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
        """Anew, with the cursor on the row it was on."""
        marked = self._marked(table)
        self._head(table, table.value.columns_of(pool))
        widget, look = self._widget(table), self._looks[table]
        widget.clear()
        for row in look.of(table.value.rows(pool)):
            if row.key not in widget.rows:  # two requests may bear the same id
                widget.add_row(*_styled(table, self._columns[table], row), key=row.key)
        if marked is not None and marked in widget.rows:
            widget.move_cursor(row=widget.get_row_index(marked), scroll=False)
        widget.border_title = _title(table, self._columns[table], look)

    def _head(self, table: Tables, columns: tuple[str, ...]) -> None:
        """Other columns are sorted by none of them."""
        if columns == self._columns[table]:
            return
        self._columns[table] = columns
        self._looks[table] = replace(self._looks[table], column=None)
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

    def _say(self, trouble: str) -> None:
        self._text("trouble", shown(trouble))

    # Keys

    def action_next_pool(self) -> None:
        names = [pool.name for pool in self._pools]
        if self.pool is not None:
            self._chosen = names[(names.index(self.pool.name) + 1) % len(names)]
            self._show()

    def action_sort(self) -> None:
        table = self._focused_table
        self._looks[table] = self._looks[table].by_next(len(self._columns[table]))
        self._show()

    def action_reverse(self) -> None:
        table = self._focused_table
        self._looks[table] = replace(self._looks[table], reverse=not self._looks[table].reverse)
        self._show()

    def action_filter(self) -> None:
        field = self.query_one(Input)
        field.styles.display = "block"
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._looks = {table: replace(look, word=event.value) for table, look in self._looks.items()}
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
            except Trouble as trouble:
                self._say(str(trouble))
            else:
                await self.look()

        self.push_screen(Confirm(shown(question)), answered)


def _styled(table: Tables, columns: tuple[str, ...], row: Row) -> list[Text]:
    """The cells; of a pod, all but its name and its model's."""
    styles = _STYLES if table is Tables.PODS else {}
    return [_cell(styles, column, cell) for column, cell in zip(columns, row.cells, strict=True)]


def _cell(styles: dict[str, str], column: str, cell: str) -> Text:
    if column == MODEL:
        return Text(fitting(cell)) if cell or not styles else Text("not known", "dim")
    return Text(cell, "" if column == Tables.PODS.value.columns[0] else styles.get(cell, ""))


def _title(table: Tables, columns: tuple[str, ...], look: Look) -> str:
    column = "" if look.column is None else f", by {columns[look.column]}"
    return f"{table.value.title}{column}{', reversed' if look.reverse else ''}"
