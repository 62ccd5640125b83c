"""What the pages for readers say is so: README, the operators' page, and the table of files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.core.records.decisions import Ending
from gateway.logs.access_log import AccessLog
from tests.doubles.exposition import our_registry
from tests.doubles.records import served

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
OPERATORS = ROOT / "gateway/ops/README.md"
DESIGN = ROOT / "gateway/DESIGN.md"
PAGES = (
    README,
    OPERATORS,
    DESIGN,
    ROOT / "bench/README.md",
    ROOT / "config/README.md",
    ROOT / "gateway/core/DESIGN.md",
)

#: What it says that the gateway stands up to, by the test that shows it.
SHOWN_BY = {
    "a pod refuses connections": "backends_refuse.py::test_the_only_one_refuses_for_a_while",
    "connecting to a pod hangs": "bad_network.py::test_nobody_waits_for_a_pod_at_which_connecting_hangs",
    "the connection breaks before the answer": "bad_network.py::test_what_may_be_repeated_is_sent_once_more_to_another",
    "the connection breaks in mid-answer": (
        "bad_network.py::test_a_connection_that_breaks_at_any_byte_costs_one_client_its_answer"
    ),
    "a pod talks nonsense": "bad_backends.py::test_every_misbehaviour_at_once",
    "a pod never answers, or stands still": (
        "bad_backends.py::test_a_frozen_process_of_ours_is_not_waited_for_but_replaced"
    ),
    "a pod's answer never ends": "bad_backends.py::test_an_answer_without_end_is_cut_though_it_never_pauses",
    "a pod says 500, or something behind its answer": "bad_backends.py::test_every_misbehaviour_at_once",
    "one pod of several answers 500 at once, breaks off each time, or fails most of the time": (
        "failing_pods.py::test_one_of_four_that_answers_500_at_once_costs_a_few_pictures"
    ),
    "a pod answers before it has the whole request": (
        "bad_network.py::test_an_early_answer_reaches_a_client_that_still_uploads"
    ),
    "a pod's process dies": "backend_killed.py::test_only_the_client_of_a_killed_pod_notices",
    "a pod dies under a click on its page (Gradio 3)": (
        "gradio_socket.py::test_the_page_is_told_that_its_pod_has_died"
    ),
    "a pod is never ready": "bad_network.py::test_a_pod_that_never_says_that_it_is_ready_is_waited_for_so_long",
    "a client leaves, or closes its half": "bad_clients.py::test_a_client_that_leaves_does_not_free_the_pod",
    "a client does not read": "bad_clients.py::test_a_client_that_never_reads_is_cut",
    "a client drips its body": "bad_clients.py::test_a_client_that_drips_its_body_is_not_waited_for",
    "a client is refused and goes on sending": ("bad_clients.py::test_who_is_refused_while_still_sending_reads_why"),
    "clients announce large bodies and send them slowly": "bad_clients.py::test_slow_uploads_keep_nobody_out",
    "more connections than descriptors": "many_connections.py::test_descriptors_do_not_run_out",
    "the operators' port is flooded with half a head": (
        "many_connections.py::"
        "test_a_flood_of_the_operators_port_takes_nothing_from_the_traffic_nor_from_other_operators"
    ),
    "a page makes its name point at the operators' port": (
        "many_connections.py::test_a_page_whose_name_was_made_to_point_here_reads_nothing"
    ),
    "the gateway is killed": "gateway_killed.py::test_pods_still_at_work_are_not_given_another_job",
    "the gateway stands still for a while": "bad_machine.py::test_it_stands_still_and_everything_happens_at_once",
    "the wall clock is set": "bad_machine.py::test_the_wall_clock_is_set",
    "nobody takes the access lines, or the events": "bad_machine.py::test_nobody_takes_its_access_lines",
    "there is no collector of traces": ("tracing.py::test_a_collector_that_is_not_there_is_a_warning_and_nothing_else"),
    "no file can grow": "bad_machine.py::test_no_file_can_grow",
    "a gigabyte goes up or down (exempt)": "memory.py::test_a_gigabyte_up",
}


def test_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_what_there_is(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


#: Files that are named and are not ours: a backend's own.
OTHERS = frozenset(
    {"launch.py", "queueing.py", "routes.py", "server_messages.py", "data_classes.py", "execution.py", "server.py"}
)


@pytest.mark.parametrize("folder", ["gateway", "bench", "k8s"])
def test_files_that_are_named_in_prose_exist(folder: str) -> None:
    """In docstrings, comments and pages: from the file's own folder, from `gateway/`, or from the root."""
    pages = [path for kind in ("*.py", "*.md", "*.js", "*.yaml") for path in (ROOT / folder).rglob(kind)]
    missing = []
    for page in pages:
        for name in re.findall(r"(?<![\w./-])(?:[a-z0-9_]+/)*[a-z0-9_]+\.py\b", page.read_text()):
            places = (page.parent / name, ROOT / "gateway" / name, ROOT / name)
            if name not in OTHERS and not any(place.exists() for place in places):
                missing.append(f"{page.relative_to(ROOT)}: {name}")
    assert pages
    assert missing == []


def rows_of(page: Path, heading: str) -> list[str]:
    """The first column of the table below `heading`, without the table's own head."""
    section = page.read_text().partition(f"{heading}\n")[2]
    section = re.split(r"\n##+ ", section)[0]
    return [line.split(" | ")[0].removeprefix("| ").strip("`") for line in section.splitlines() if line[:2] == "| "][1:]


@pytest.mark.parametrize("page", [DESIGN, ROOT / "gateway/core/DESIGN.md"], ids=lambda page: page.parent.name)
def test_each_question_leads_to_files_that_exist(page: Path) -> None:
    section = page.read_text().partition("| question |")[2].partition("\n\n")[0]
    answers = [re.findall(r"`([\w/.]+)`", line.rpartition(" | ")[2]) for line in section.splitlines()[2:]]
    assert [] not in answers
    assert [file for files in answers for file in files if not (page.parent / file).exists()] == []


def test_operators_are_told_of_each_field_of_an_access_line() -> None:
    lines = list[str]()
    AccessLog(lines.append).observe(served(pool="pool"))
    assert rows_of(OPERATORS, "### Fields of an access line") == [*json.loads(lines[0])]


def test_operators_are_told_of_each_end_code() -> None:
    assert rows_of(OPERATORS, "### End codes") == [ending.value for ending in Ending]


def test_operators_are_told_of_each_metric() -> None:
    families = [family for family in our_registry().collect() if family.name.startswith("gateway_")]
    names = [family.name + ("_total" if family.type == "counter" else "") for family in families]
    assert rows_of(OPERATORS, "## Metrics") == sorted(names)


def test_what_it_stands_up_to_is_what_tests_show() -> None:
    assert rows_of(OPERATORS, "## What it stands up to") == [*SHOWN_BY]
    for shown in SHOWN_BY.values():
        file, test = shown.split("::")
        assert f"async def {test}(" in (ROOT / "tests/system" / f"test_{file}").read_text(), shown
