from __future__ import annotations

import pytest

from gateway.kubernetes.collection import Collection, Resource
from gateway.kubernetes.errors import Conflict, Forbidden, Gone, NotFound, Question, Refused, refusal_in

SCALE = Question("patch", Collection(Resource("apps", "v1", "deployments"), "default"), "sd", "scale")


def test_a_question_names_the_right_it_needs() -> None:
    assert SCALE.right == "patch deployments.apps/scale"
    assert str(SCALE) == "patch deployments.apps/scale sd in namespace default"


@pytest.mark.parametrize(
    ("status", "kind"), [(403, Forbidden), (404, NotFound), (409, Conflict), (410, Gone), (500, Refused)]
)
def test_each_status_that_is_treated_apart_has_its_kind(status: int, kind: type[Refused]) -> None:
    error = refusal_in(SCALE, status, b'{"kind": "Status", "message": "because"}', None)
    assert (type(error), error.status) == (kind, status)
    assert str(error) == f"cannot patch deployments.apps/scale sd in namespace default: {status} because"


def test_a_proxy_may_say_anything() -> None:
    error = refusal_in(SCALE, 502, b"<h1>Bad Gateway</h1>" + b"x" * 1000, None)
    assert "502 <h1>Bad Gateway</h1>xxx" in str(error)
    assert len(str(error)) < 400
    assert str(refusal_in(SCALE, 500, b"[1]", None)).endswith(": 500 [1]")


def test_how_long_to_wait_is_believed_if_it_is_a_number() -> None:
    assert refusal_in(SCALE, 429, b"", "7").retry_after == 7
    assert refusal_in(SCALE, 429, b"", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after == 0
