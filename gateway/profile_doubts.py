"""Warnings of profiles for which one at a time is not kept for all traffic yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.setting_checks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings import Settings

#: By profile: jobs that outlast the request that began them, and are not followed to their end.
_NOT_FOLLOWED = {
    "gradio": "events posted to /queue/join and /call run on behind their answer, which gives the slot back",
    "forge": "clicks on the page (events posted to /queue/join) run on behind their answer, which gives the slot back; "
    "calls of /sdapi keep it to their end",
}


def not_exclusive(settings: Settings) -> Iterator[Finding]:
    """Of each pool with a limit whose profile does not keep it for everything."""
    for name, pool in settings.pools.items():
        if pool.concurrency and (what := _NOT_FOLLOWED.get(pool.profile)):
            yield Finding(("pools", name, "profile"), f"to know that not everything is one at a time here: {what}")
