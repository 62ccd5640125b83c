"""The dialogue that asks before an order is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class Confirm(ModalScreen[bool]):
    """Asks a question; its result is the answer, yes or no."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: auto; max-width: 80%; height: auto; padding: 1 2; border: round $accent; }
    Confirm Static { width: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("y", "answer(True)", "Yes"), ("n,escape", "answer(False)", "No")]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Content(f"{self._question} (y/n)"))

    def action_answer(self, meant: bool) -> None:
        self.dismiss(meant)
