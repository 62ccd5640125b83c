"""One target under libFuzzer. Does not return: the process ends with the run.

python -m tests.fuzz.one NAME SECONDS
"""

from __future__ import annotations

import sys

import atheris

from tests.fuzz.__main__ import KEPT

#: Bytes of the longest input: our parsers' bounds are set lower, so that both sides of them are reached.
_LONGEST = 2000


def fuzz(name: str, seconds: str) -> None:
    """Instruments the gateway before anything of it is imported."""
    with atheris.instrument_imports(include=["gateway"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    corpus, found = KEPT / name, KEPT / "found"
    for directory in (corpus, found):
        directory.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = (f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-artifact_prefix={found}/{name}-")
    atheris.Setup(["fuzz", str(corpus), *limits, "-print_final_stats=1", "-verbosity=0"], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(*sys.argv[1:])
