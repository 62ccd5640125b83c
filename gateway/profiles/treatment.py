"""Treatments: what a profile says of a request and of its kind of backend, as plain values. A profile sends nothing
and decides nothing.

Most requests are settled by method and path: their `Treatment` comes out of a table and has no `more`. The others carry
a `More`, and if that has an `ask`, the profile wants to see the request (and its body, if `by_body`) and is then asked
for the treatment that counts. So the usual path pays for one look at one attribute.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy

#: Of a body, so many bytes at most are shown to a profile. What it cannot see it must take for the worst.
LOOK = 1 << 20

#: A longer body of an uncounted request with `by_body` is refused (413): these are requests of a line or two.
SMALL_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as a profile may look at it."""

    method: str
    raw_path: bytes  # plainly spelled (`routing.plain_path`), without the query
    query: bytes = b""
    body: bytes = b""  # its first `LOOK` bytes; of a websocket's dialogue: one message
    whole: bool = True  # that is all of it


Ask: TypeAlias = "Callable[[Asked], Treatment]"


class Chosen(enum.Enum):
    """What a request has to do with the model that its client has chosen for jobs that name none."""

    SHOWN = "shown"  # its answer names the backend's own model, and its client goes by that
    USED = "used"  # it is such a job


class Verb(enum.Enum):
    """The wish of a request about a job."""

    WATCH = "watch"  # how far is it?
    STOP = "stop"
    UNQUEUE = "unqueue"  # do not begin it; if it runs, it goes on


@dataclass(frozen=True, slots=True)
class ColdStart:
    """No backend is ready, and one is waited for."""

    left: float | None = None  # seconds that it is expected to take still; None: unknown


@dataclass(frozen=True, slots=True)
class Place:
    """A job's place in line."""

    position: int  # from 1
    length: int  # of the line
    wait: float | None = None  # seconds that it is expected to wait still; None: unknown
    start: ColdStart | None = None  # None: a backend is ready


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """An answer of the gateway in the words of the backend."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Control:
    """A request about somebody's jobs: those it names, or all of its session's if it names none. Whose a job is, is
    known by session (a job's name alone is no proof: it can be guessed).

    1. One of them runs: WATCH goes to the backend it runs on, be that home or not, but is answered with `unseen`, if
       there is one, while that takes no requests, as when it drains; STOP as well, from its owner, and takes others
       that it names out of the line.
    2. Else one waits in line: it is answered with `held`; STOP and UNQUEUE take those that they are about out of the
       line, from their owner.
    3. Else: WATCH is answered with `over`, if there is one, about a job that has left the line without being begun;
       else it goes where its lane says, but is answered with `starting`, if there is one, while no backend is ready and
       the job may be on its way here. The others are answered with `foreign` and go nowhere, for a backend would stop
       whatever it works on.
    """

    verb: Verb
    held: Callable[[Place], LocalAnswer]
    jobs: tuple[str, ...] = ()
    foreign: LocalAnswer | None = None  # of STOP and UNQUEUE
    starting: Callable[[ColdStart], LocalAnswer] | None = None  # of WATCH
    unseen: LocalAnswer | None = None  # of WATCH
    over: LocalAnswer | None = None  # of WATCH
    lag: float = 0.0  # seconds that a backend may take to obey once it has answered


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions of a backend's page, by all that calls them."""

    numbers: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PageFunctions:
    """Functions of a backend's page that are not light, or light though their event would be counted."""

    stopping: Functions = Functions()  # they stop the running job, whosever it is
    working: Functions = Functions()  # they use the GPU, or change what is loaded
    denied: Functions = Functions()  # they end or change the server
    restoring: Functions = Functions()  # they wait for the result of the job that their event names
    light: Functions = Functions()  # they run without the backend's queue, and take no slot


@dataclass(frozen=True, slots=True)
class Click:
    """A call of one of a page's functions. Which function that is, its backend knows (`Profile.functions`)."""

    control: Control | None  # what it is if it stops the running job; None: none does, and it is light or a job
    number: int | None = None
    name: str | None = None
    dialogue: str | None = None  # of the job that it is if it works
    sure: bool = True  # the message was read whole, and reads in one way

    def is_of(self, functions: Functions) -> bool:
        """Whether the click may call one of these functions."""
        return self.number in functions.numbers or self.name in functions.names

    def is_surely_of(self, functions: Functions) -> bool:
        """Whether the click calls one of these functions and no other: a number goes before a name."""
        if not self.sure:
            return False
        return self.name in functions.names if self.number is None else self.number in functions.numbers


@dataclass(frozen=True, slots=True)
class More:
    """What only some requests need said of them.

    With a `dialogue` and an `ask` the dialogue asks, once for each message that begins a job; else the endpoint does,
    once.
    """

    ask: Ask | None = None  # what it answers counts, and has no `ask` itself
    by_body: bool = (
        False  # `ask` must see the body, so it is buffered first: a counted request's as ever, else in memory
    )
    session_keys: tuple[str, ...] = ()  # who asks, if no cookie says so: the first that is known; all lead to one home
    files: tuple[str, ...] = ()  # of a backend's own that it names; who is not known goes where the first known one is
    made: tuple[str, ...] = ()  # what it asks for, by names of things that one pod made: it goes there, whoever asks
    job: str | None = None  # what the client calls the job that this request is
    control: Control | None = None
    click: Click | None = None
    need: ModelNeed | None = None  # the model; None: whatever is loaded will do, or it may load what cannot be seen
    chooses: str | None = None  # the model for its client's later jobs that name none, as the client spells it
    chosen: Chosen | None = None
    dialogue: str | None = None  # the protocol in which the job spans several exchanges
    answer: str | None = (
        None  # the dialogue whose ear hears in its answer which files the backend has; it begins no job
    )
    #: A websocket that tells of its session's jobs. Closed when they are done elsewhere, its page opens it there
    tells_of_jobs: bool = False
    beside_page: bool = False  # who is not known at all goes where a page of their address has such a websocket


@dataclass(frozen=True, slots=True)
class Treatment:
    """The handling of one request."""

    lane: Lane
    when_busy: WhenBusy | None = None  # None: the pool's default
    repeatable: bool = False  # may be sent again if no byte of an answer came, though its method is not idempotent
    more: More | None = None
    may_go_on: bool = False  # no rule names the route: whether its work is over with its answer, the backend is asked
    rule: str = field(default="", compare=False)  # what chose it, for people


def is_success(status: int, body: bytes) -> bool:
    """As Kubernetes reads an HTTP probe."""
    return 200 <= status < 400


def no_hint(status: int, body: bytes) -> str:
    """The answer itself says enough."""
    return ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The probe that finds out whether a backend may be given work."""

    kind: Literal["tcp", "http"]
    path: str = "/"  # of an HTTP probe: a GET's target
    accepts: Callable[[int, bytes], bool] = is_success  # of its answer: status, body
    light: bool = False  # may be sent to a busy backend: it takes nothing from the work
    settle: float = 0.0  # seconds that the port must have been open before the first HTTP request is sent
    fallback: Fallback | None = None  # for servers that have no such route
    hint: Callable[[int, bytes], str] = no_hint  # what to do about an answer that is not accepted


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another GET that is asked where the route of a readiness probe is missing. The route may only be missing
    *yet*: what the fallback finds counts after the route was missing for `after` seconds, or at once where
    `never` says that it will never be there."""

    path: str
    accepts: Callable[[int, bytes], bool]
    missing: Callable[[int, bytes], bool]  # the answer of the first route, and of `never`
    after: float
    never: str  # a GET of this path is answered as `missing` by servers that never have the first route
    remedies: tuple[tuple[int, str], ...] = ()  # what to do about an answer of `path` with this status


@dataclass(frozen=True, slots=True)
class IdleProbe:
    """The GET that asks a backend whether it still works on something."""

    path: str
    says_idle: Callable[[int, bytes], bool]  # status, body; False when in doubt


@dataclass(frozen=True, slots=True)
class ModelProbe:
    """How to ask a backend at rest, by a GET, for its own model: what a job that names none is done with, and what is
    loaded unless a job has named another one since."""

    path: str
    reads: Callable[[int, bytes], str | None]  # status, body; None: it does not say


@dataclass(frozen=True, slots=True)
class Choosing:
    """The POST of JSON that makes a model a backend's own."""

    path: str
    body: Callable[[str], bytes]  # of a model's name, as clients spell it
    name: Callable[[str], str | None]  # the one name that all spellings of a model have in common


@dataclass(frozen=True, slots=True)
class FunctionsProbe:
    """The GET that asks a backend what the functions of its page are."""

    path: str
    reads: Callable[[int, bytes], PageFunctions | None]  # status, body; None: it does not say
    if_silent: str  # for people: what becomes of clicks while a backend does not say


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The request that makes a backend give up what it works on."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything known of a kind of backend."""

    name: str
    treat: Callable[[str, bytes], Treatment]  # method, and the path's own bytes as sent, without the query
    readiness: Readiness
    idle: IdleProbe | None = None  # None: this kind cannot be asked
    interrupt: Interrupt | None = None
    counts_everything: bool = False  # but for what the configuration's own rules say
    works_after_disconnect: bool = (
        False  # the end of an event stream or a websocket does not end the work that it was about
    )
    names_models: bool = False  # its treatments say what a job needs loaded, where that can be seen
    loaded: ModelProbe | None = None
    choosing: Choosing | None = None  # None: each job names what it needs
    functions: FunctionsProbe | None = None  # None: clicks on its page are all alike
    #: path, status, body: this answer to a request for work says that the route is not there *yet*; nothing was started
    too_early: Callable[[bytes, int, bytes], bool] | None = None
    #: Host names the backend itself, and so does an Origin that named the host asked for; other Origins pass as sent
    own_host: bool = False
    #: Seconds that a session waits for a busy home before it moves, unless the configuration says so; None: for ever
    move_when_busy: float | None = None
    #: title, detail -> members that refusals have besides, in the words of the backend
    refusal: Callable[[str, str], dict[str, object]] | None = None
