"""Events of what has become of a backend by the doings of its pool: ejected or spared, a slot quarantined."""

from __future__ import annotations

import math

import structlog

from gateway.core.records.decisions import Judged, Quarantined

_MEND = "see its own log; if a 5xx of this service is an answer like others: health.errors: 0"


def tell_of_backend(pool: str, news: Judged | Quarantined) -> None:
    """One warning."""
    log = structlog.get_logger().bind(pool=pool, backend=news.backend.name)
    if isinstance(news, Quarantined):
        log.warning(
            "slot_quarantined",
            evidence=news.ending.name.lower(),
            at_most=None if news.seconds == math.inf else round(news.seconds, 1),
            means="it gets no requests until it says that it is idle, or that time is over",
            do="see its own log; an operator who knows that it is idle may release it",
        )
    elif news.seconds:
        log.warning(
            "backend_ejected",
            evidence=news.because,
            seconds=news.seconds,
            means="it gets no requests for so long, then one on trial",
            do=_MEND,
        )
    else:
        log.warning(
            "backend_fails",
            evidence=news.because,
            means="it goes on serving: too few others are ready (health.max_ejected)",
            do=_MEND,
        )
