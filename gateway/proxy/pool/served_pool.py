"""What the endpoint knows of one pool: its rules, and the parts that are called for each of its requests. Made by the
wiring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.dialogues.registry import dialogues
from gateway.proxy.pool.jobs import Jobs
from gateway.proxy.pool.ui_functions import UiFunctions
from gateway.proxy.session.chosen_models import ChosenModels
from gateway.proxy.session.client_names import ClientNames
from gateway.proxy.session.files import FileHomes
from gateway.proxy.websocket.page_sockets import PageSockets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.dialogues.dialogue import Dialogue
    from gateway.profiles.treatment import Profile
    from gateway.proxy.exchange import Upstream
    from gateway.proxy.pool.rules import Rules
    from gateway.proxy.session.cookie import SessionCookies
    from gateway.runtime.driver import Driver


@dataclass(slots=True)
class ServedPool:
    """One pool as the endpoint sees it."""

    name: str
    driver: Driver
    profile: Profile
    cookies: SessionCookies
    upstream: Upstream
    rules: Rules
    dialogues: Mapping[str, Dialogue] = field(default_factory=dialogues)
    jobs: Jobs = field(default_factory=Jobs)
    client_names: ClientNames = field(default_factory=ClientNames)
    files: FileHomes = field(default_factory=FileHomes)
    functions: UiFunctions = field(default_factory=UiFunctions)
    chosen_models: ChosenModels = field(default_factory=ChosenModels)
    page_sockets: PageSockets = field(init=False)

    def __post_init__(self) -> None:
        self.page_sockets = PageSockets(self.client_names)

    def quarantine_of_job(self, left: float) -> float:
        """Seconds that a slot is kept whose job may be at work still; `left`: of the job's time. Where the pod itself
        can be asked it has all the time of a job once more."""
        return self.rules.quarantine(left if self.profile.idle is None else self.rules.total)
