"""Whose choice of a model counts for which job."""

from __future__ import annotations

import pytest

from gateway.core.records.backends_and_tickets import Backend, Ticket
from gateway.core.records.lanes import Lane, ModelNeed
from gateway.profiles.treatment import Choosing, Chosen, More
from gateway.profiles.webui_events import choice, model_name
from gateway.proxy.session.chosen_models import Choice, ChosenModels

CHOOSING = Choosing("/options", choice, model_name)
OWN = ModelNeed(None)


def stranger() -> Ticket:
    return Ticket(Lane.COUNTED, session="new", need=OWN)


def known(session: str) -> Ticket:
    return Ticket(Lane.COUNTED, session=session, returning=True, need=OWN)


def backend(name: str, own: str | None) -> Backend:
    return Backend(name, f"{name}:1", name, limit=1, order=0, own_model=own)


class Story:
    """One pool's choices, with room for four."""

    def __init__(self, *backends: Backend) -> None:
        self.models = ChosenModels(capacity=4)
        self.backends = backends

    def comes(self, ticket: Ticket, more: More, address: str = "192.0.2.1") -> Choice | None:
        return self.models.arrive(ticket, address, more, CHOOSING, self.backends)

    def chooses(self, ticket: Ticket, model: str, address: str = "192.0.2.1") -> None:
        assert self.comes(ticket, More(chooses=model), address) is None

    def paints(self, ticket: Ticket, address: str = "192.0.2.1") -> str | None:
        found = self.comes(ticket, More(chosen=Chosen.USED), address)
        return found.model if found is not None else None


def test_a_strangers_job_is_done_with_what_its_address_has_chosen() -> None:
    story = Story()
    story.chooses(stranger(), "b.safetensors [bbbbbb]")
    job = stranger()
    assert (story.paints(job), job.need) == ("b.safetensors [bbbbbb]", ModelNeed("b", stays=True))
    other = stranger()
    assert (story.paints(other, "192.0.2.2"), other.need) == (None, OWN)
    assert story.paints(known("ann")) is None


def test_who_keeps_the_cookie_is_known_by_its_session() -> None:
    story = Story()
    story.chooses(stranger(), "a")  # and got the cookie of session `new`
    assert story.paints(known("new"), "198.51.100.7") == "a"
    story.chooses(known("new"), "b")
    assert (story.paints(known("new")), story.paints(stranger())) == ("b", "a")


def test_a_job_of_which_not_all_was_seen_keeps_what_it_is_said_to_need() -> None:
    story = Story()
    story.chooses(stranger(), "b")
    job = Ticket(Lane.COUNTED)
    assert (story.paints(job), job.need) == ("b", None)


def test_who_asks_is_shown_the_choice_where_that_can_be() -> None:
    story = Story(backend("one", "a"), backend("two", "b"))
    asks = More(chosen=Chosen.SHOWN)
    before, after, returning = stranger(), stranger(), known("ann")
    story.comes(before, asks)
    story.chooses(stranger(), "b.ckpt")
    story.chooses(known("ann"), "b.ckpt")
    story.comes(after, asks)
    story.comes(returning, asks)
    assert (before.home, after.home, returning.home) == (None, "two", None)


def test_and_else_goes_by_what_it_is_shown() -> None:
    story = Story()
    story.chooses(stranger(), "b.ckpt")
    for own, then in ((None, "b.ckpt"), ("b", "b.ckpt"), ("a", "a")):
        story.models.shown(stranger(), "192.0.2.1", backend("one", own), CHOOSING)
        assert story.paints(stranger()) == then
    story.models.shown(stranger(), "192.0.2.9", backend("one", "c"), CHOOSING)
    assert story.paints(stranger(), "192.0.2.9") == "c"


def test_a_choice_that_was_not_taken_is_none() -> None:
    story = Story()
    story.chooses(stranger(), "nowhere")
    story.models.failed(stranger(), "192.0.2.1")
    assert story.paints(stranger()) is None


@pytest.mark.parametrize("count", [1, 9])
def test_what_is_remembered_is_bounded(count: int) -> None:
    story = Story()
    story.chooses(stranger(), "x" * 1000)
    for number in range(count):
        story.chooses(stranger(), "a", f"192.0.2.{number}")
    assert len(story.models) == min(4, count + 1)


def test_a_backend_is_told_once_if_it_may_have_another_model() -> None:
    job, ticket = Choice("a"), stranger()
    ticket.backend, ticket.finds_own = backend("one", "a"), True
    assert not job.is_due(ticket)
    ticket.finds_own = False
    assert job.is_due(ticket)
    ticket.finds_own = True  # so it is believed since it was given this job, which never reached it
    assert job.is_due(ticket)
    job.made(ticket.backend)
    assert not job.is_due(ticket)
