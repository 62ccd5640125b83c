"""Rules: how they are spelled, which one counts, and that no spelling of a path gets around them."""

from __future__ import annotations

import pytest

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.rules import Rule, RuleTable, parse_match, rule
from gateway.profiles.treatment import Asked, Control, LocalAnswer, More, Treatment, Verb


def lane(table: RuleTable, request: str) -> Lane:
    method, path = request.split(" ", 1)
    return table.treatment(method, path.encode()).lane


REST = rule("* /*", Lane.COUNTED, names_no_route=True)


def test_a_match_is_methods_and_a_pattern() -> None:
    assert parse_match("GET,POST /foo/*") == (frozenset(("GET", "POST")), "/foo/*")
    assert rule("* /foo", Lane.EXEMPT, WhenBusy.SPILL, repeatable=True) == Rule(
        frozenset("*"), "/foo", Lane.EXEMPT, WhenBusy.SPILL, repeatable=True
    )


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        *((match, "methods in capitals and a path") for match in ("", "/foo", "get /foo", "GET, POST /foo", "GET,*")),
        *((f"GET {path}", "a decoded path") for path in ("", "foo", "/a?b", "/a%20b", "/a//b", "/../a", "/a\\b")),
        *((f"GET {path}", 'each "*" as a whole segment') for path in ("/a*b", "/a*/b", "/**", "/a/*b/c")),
    ],
)
def test_a_match_that_could_not_work_is_refused(match: str, expected: str) -> None:
    with pytest.raises(ValueError, match="^" + expected.replace("*", r"\*")):
        parse_match(match)


def test_what_no_rule_names_is_counted() -> None:
    assert RuleTable([]).treatment("GET", b"/") == Treatment(Lane.COUNTED, may_go_on=True)


def test_patterns() -> None:
    table = RuleTable(
        [rule("GET /foo/*", Lane.EXEMPT), rule("GET /file=*", Lane.EXEMPT), rule("GET /a/*/b", Lane.EXEMPT)]
    )
    for path in ("/foo/", "/foo/a/b", "/file=", "/file=/tmp/x.png", "/a/x/b", "/foo/a%20b"):
        assert lane(table, f"GET {path}") is Lane.EXEMPT, path
    for path in ("/foo", "/foobar", "/a/b", "/a//b", "/a/x/y/b", "/a/x/b/", "/FOO/"):
        assert lane(table, f"GET {path}") is Lane.COUNTED, path


def test_the_first_match_wins_be_it_exact_or_a_pattern() -> None:
    table = RuleTable([rule("GET /a/one", Lane.PASSIVE), rule("* /a/*", Lane.EXEMPT), rule("GET /a/two", Lane.PASSIVE)])
    assert lane(table, "GET /a/one") is Lane.PASSIVE
    assert lane(table, "POST /a/one") is Lane.EXEMPT
    assert lane(table, "GET /a/two") is Lane.EXEMPT


def test_rules_that_deny_go_first_wherever_they_stand() -> None:
    table = RuleTable([rule("* /*", Lane.EXEMPT), rule("GET /admin/*", Lane.DENIED)])
    assert lane(table, "GET /admin/x") is Lane.DENIED
    assert lane(table, "POST /admin/x") is Lane.EXEMPT


def test_capitals_are_no_way_around_them() -> None:
    table = RuleTable([rule("* /*", Lane.EXEMPT), rule("GET /Admin/*", Lane.DENIED)])
    assert lane(table, "GET /aDMIN/x") is Lane.DENIED
    counting = RuleTable([rule("* /Paint", Lane.COUNTED), rule("* /*", Lane.EXEMPT)])
    assert [lane(counting, path) for path in ("GET /pAINT", "GET /paint%20", "GET /paints")] == [
        Lane.COUNTED,
        Lane.COUNTED,
        Lane.EXEMPT,
    ]


def test_the_rest_may_be_narrowed() -> None:
    table = RuleTable([rule("* /*", Lane.EXEMPT), rule("GET /file=*", Lane.DENIED, rest=r"(?:.*/)?secret")])
    for path in ("/file=secret", "/file=a/../SECRET", "/file=%2Fa%2Fsecret", "/x/../file=secret"):
        assert lane(table, f"GET {path}") is Lane.DENIED, path
    assert lane(table, "GET /file=a/secrets") is Lane.EXEMPT


def test_what_another_reader_would_count_is_counted() -> None:
    table = RuleTable([rule("* /paint", Lane.COUNTED, WhenBusy.SPILL), rule("* /*", Lane.EXEMPT)])
    assert [lane(table, f"GET {path}") for path in ("/p%2561int", "/paint;a", "/p%2561inter")] == [
        Lane.COUNTED,
        Lane.COUNTED,
        Lane.EXEMPT,
    ]


def test_head_is_treated_like_get_and_methods_are_capitals() -> None:
    table = RuleTable([rule("GET /a", Lane.EXEMPT), rule("GET /no", Lane.DENIED)])
    assert lane(table, "HEAD /a") is Lane.EXEMPT
    assert lane(table, "HEAD /no") is Lane.DENIED
    assert lane(table, "get /a") is Lane.COUNTED
    assert lane(table, "get /no") is Lane.DENIED


@pytest.mark.parametrize(
    "path", ["//foo/a", "/foo/../a", "/foo/%2e%2e/a", "/foo%2fa", "/foo/%5c", "/foo/%00", "/foo/%ff"]
)
def test_an_ambiguous_path_matches_no_rule_that_exempts(path: str) -> None:
    assert lane(RuleTable([rule("* /*", Lane.EXEMPT), rule("* /foo/*", Lane.PASSIVE)]), f"GET {path}") is Lane.COUNTED


@pytest.mark.parametrize(
    "path",
    [
        *("/admin/kill", "/admin/kill/", "//admin/kill", "/x/../admin/kill", "/admin/./kill", "/admin%2fkill"),
        *(
            "/%61dmin/kill",
            "/%2561dmin/kill",
            "/admin\\kill",
            "/admin/kill%00",
            "/admin/kill%00.png",
            "/admin/kill;x",
            "/admin/x%2f..%2fkill",
        ),
        *("/admin/kill%20", "/admin/kill.", "/ADMIN./kill", "/admin%20/kill"),
        *("/x%252F../reset", "/x%25252F../reset"),
        *("/%ff/../admin/kill", "/open/", "//open//", "/open/a/%2e%2e/%2e%2e"),
    ],
)
def test_no_spelling_gets_around_a_rule_that_denies(path: str) -> None:
    table = RuleTable(
        [rule("* /admin/kill", Lane.DENIED), rule("GET /open/*", Lane.DENIED), rule("* /*/reset", Lane.DENIED)]
    )
    assert lane(table, f"GET {path}") is Lane.DENIED


def test_what_clients_choose_is_not_remembered_without_bound() -> None:
    table = RuleTable([rule("GET /a/*", Lane.EXEMPT)])
    for number in range(5000):
        assert lane(table, f"GET /a/{number}") is Lane.EXEMPT
    assert lane(table, "GET /a/" + "x" * 100_000) is Lane.EXEMPT
    assert table._remembered.cache_info().currsize <= 1024


def test_a_treatment_says_what_chose_it() -> None:
    table = RuleTable([rule("POST,GET /page", Lane.EXEMPT)])
    assert table.treatment("GET", b"/page").rule == "GET,POST /page"
    assert table.treatment("GET", b"/other").rule == "default, since no rule names it"


JOB = More(dialogue="talk")
STOP = Control(Verb.STOP, lambda place: LocalAnswer(200))
OWN = [
    rule("POST /job", Lane.COUNTED, WhenBusy.WAIT, more=JOB),
    rule("POST /stop", Lane.PASSIVE, more=More(lambda asked: Treatment(Lane.PASSIVE, more=More(control=STOP)))),
    rule("POST /click", Lane.COUNTED, more=More(lambda asked: Treatment(Lane.EXEMPT, more=More(job="j")))),
    rule("GET /page", Lane.EXEMPT, more=More(files=("f",))),
]


def over(match: str, lane: Lane, when_busy: WhenBusy | None = None, *, repeatable: bool = False) -> Treatment:
    """What a rule of the configuration makes of a request of that name."""
    method, path = match.split(" ")
    configured = rule(match, lane, when_busy, repeatable=repeatable, configured=True)
    return RuleTable([configured, *OWN]).treatment(method, path.encode())


def test_a_configured_rule_with_the_same_lane_keeps_what_is_known_of_the_route() -> None:
    assert over("POST /job", Lane.COUNTED, WhenBusy.SPILL) == Treatment(Lane.COUNTED, WhenBusy.SPILL, more=JOB)
    assert over("POST /job", Lane.COUNTED, repeatable=True) == Treatment(Lane.COUNTED, WhenBusy.WAIT, True, JOB)
    assert over("POST /job", Lane.COUNTED, WhenBusy.SPILL).rule == "POST /job"
    assert over("GET /page", Lane.EXEMPT).more == More(files=("f",))


def test_a_configured_rule_names_no_route_for_a_profile_that_does_not_know_it() -> None:
    table = RuleTable([rule("* /*", Lane.COUNTED, WhenBusy.SPILL, configured=True), REST])
    assert table.treatment("POST", b"/queue") == Treatment(Lane.COUNTED, WhenBusy.SPILL, may_go_on=True)


def test_what_the_profile_finds_in_a_request_goes_before_a_configured_rule() -> None:
    clicked = over("POST /click", Lane.COUNTED, WhenBusy.SPILL)
    assert clicked.when_busy is WhenBusy.SPILL
    assert clicked.more is not None
    assert clicked.more.ask is not None
    assert clicked.more.ask(Asked("POST", b"/click")) == Treatment(Lane.EXEMPT, more=More(job="j"))


def test_a_configured_rule_moves_no_route_of_jobs_to_another_lane() -> None:
    table = RuleTable([rule("* /*", Lane.EXEMPT, configured=True), *OWN])
    assert table.treatment("POST", b"/job") == Treatment(Lane.COUNTED, WhenBusy.WAIT, more=JOB)
    assert lane(table, "POST /stop") is Lane.PASSIVE
    assert table.treatment("POST", b"/click") == Treatment(Lane.EXEMPT)
    assert table.treatment("POST", b"/unknown") == Treatment(Lane.EXEMPT)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/userdata/a.json", Lane.EXEMPT),
        ("/userdata/workflows%2Fa.json", Lane.EXEMPT),
        ("/userdata/a%20b%2Fc//d", Lane.EXEMPT),
        ("/userdata/..%2Fprompt", Lane.COUNTED),
        ("/userdata/%2e%2e/prompt", Lane.COUNTED),
        ("/userdata/a%00", Lane.COUNTED),
        ("/files/a%2Fb", Lane.COUNTED),
        ("/userdata/x%2F..%2F..%2Fkill", Lane.DENIED),
    ],
)
def test_a_name_of_the_clients_choice_may_be_spelled_in_any_way_that_leads(path: str, expected: Lane) -> None:
    table = RuleTable(
        [
            rule("* /userdata/*", Lane.EXEMPT, names_anything=True),
            rule("* /files/*", Lane.EXEMPT),
            rule("* /kill", Lane.DENIED),
        ]
    )
    assert lane(table, f"POST {path}") is expected
