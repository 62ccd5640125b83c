"""The summary of a load run in the form of `hey`'s, with what each pod served. Pure: a result in, a text out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gateway.load.statistics import histogram, percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.load.result import LoadResult, PodCount

_PERCENTILES = (10, 25, 50, 75, 90, 95, 99)
_LONGEST_BAR = 40  # characters, as hey's


def render(result: LoadResult) -> str:
    """The whole summary, with a line end after its last line."""
    latencies = sorted(one.seconds for one in result.answered)
    sections = (
        _interruption(result),
        _summary(result, latencies),
        _histogram(latencies),
        _distribution(latencies),
        _statuses(result),
        _pods(result),
        _errors(result),
    )
    return "\n".join("\n".join(section) + "\n" for section in sections if section)


def _interruption(result: LoadResult) -> list[str]:
    if not result.interrupted:
        return []
    ended, asked = len(result.ended), result.asked
    return [f"Interrupted: {ended} of {asked} ended, {result.given_up} given up, {result.not_sent} not sent"]


def _summary(result: LoadResult, latencies: Sequence[float]) -> list[str]:
    lines = ["Summary:", f"  Total:\t{result.seconds:.4f} secs"]
    if latencies:
        lines += [
            f"  Slowest:\t{latencies[-1]:.4f} secs",
            f"  Fastest:\t{latencies[0]:.4f} secs",
            f"  Average:\t{sum(latencies) / len(latencies):.4f} secs",
        ]
    if result.seconds > 0:
        lines.append(f"  Requests/sec:\t{len(result.ended) / result.seconds:.4f}")
    size = sum(one.size for one in result.answered)
    if size:
        lines += ["", f"  Total data:\t{size} bytes", f"  Size/request:\t{size // len(latencies)} bytes"]
    return lines


def _histogram(latencies: Sequence[float]) -> list[str]:
    bars = histogram(latencies)
    return ["Response time histogram:", *_bars([(f"{bar.upper:.4f}", bar.count) for bar in bars])] if bars else []


def _distribution(latencies: Sequence[float]) -> list[str]:
    if not latencies:
        return []
    return [
        "Latency distribution:",
        *(f"  {percent}% in {percentile(latencies, percent):.4f} secs" for percent in _PERCENTILES),
    ]


def _statuses(result: LoadResult) -> list[str]:
    counted = Counter(one.status for one in result.answered if one.status is not None)
    if not counted:
        return []
    return ["Status code distribution:", *(f"  [{code}]\t{count} responses" for code, count in sorted(counted.items()))]


def _pods(result: LoadResult) -> list[str]:
    """What each pod served: by the answers' `X-Backend` if they have it, else by the operators' port."""
    answered = result.answered
    named = Counter(one.pod for one in answered if one.pod is not None)
    if named:
        rows = [(_printable(name), count) for name, count in sorted(named.items())]
        if named.total() < len(answered):
            rows.append(("no pod", len(answered) - named.total()))
        return ["Requests per pod, as the answers say:", *_bars(rows), *_pods_at_once(result.pods)]
    if result.pods is None:
        return []
    rows = [(_printable(name), count) for name, count in sorted(result.pods.served.items())]
    return ["Requests per pod, as the gateway says:", *_bars(rows), *_pods_at_once(result.pods)]


def _pods_at_once(pods: PodCount | None) -> list[str]:
    if pods is None:
        return []
    lines = [f"  Ready at once: {pods.most_ready} at most"] if pods.served or not pods.error else []
    if pods.error:
        lines.append(f"  The operators' port could not be read: {_printable(pods.error)}")
    return lines


def _errors(result: LoadResult) -> list[str]:
    counted = Counter(one.error for one in result.failed)
    if not counted:
        return []
    return ["Error distribution:", *(f"  [{count}]\t{_printable(error)}" for error, count in counted.most_common())]


def _bars(rows: Sequence[tuple[str, int]]) -> list[str]:
    """A line for each row: its label, its count, and a bar as long as the count is beside the highest."""
    highest = max((count for _, count in rows), default=0) or 1
    labels = max((len(label) for label, _ in rows), default=0)
    counts = len(f"[{highest}]")
    return [
        f"  {label:<{labels}} {f'[{count}]':<{counts}}  |{'■' * ((count * _LONGEST_BAR + highest // 2) // highest)}"
        for label, count in rows
    ]


def _printable(text: str) -> str:
    """Escapes control characters: strings of the other side go to a terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
