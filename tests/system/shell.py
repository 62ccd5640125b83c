"""Other people's programs, run to their end."""

from __future__ import annotations

import asyncio


async def run(*command: str, given: str | None = None, within: float = 40.0) -> str:
    """What it prints, when it has ended with exit code 0; `given` is its standard input. Fails after `within` seconds,
    and then ends it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        said, complained = await asyncio.wait_for(process.communicate((given or "").encode()), within)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (said + complained).decode()
    return said.decode()
