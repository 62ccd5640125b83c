"""Reads a secret from the file, or the environment variable, that its section names. No message shows a
secret or a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.settings.checks import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.settings.file import Location

#: 128 bits, if it is written in hexadecimal.
SHORTEST = 32


def read_secret(
    section: str, noun: str, file: Path | None, variable: str | None, environ: Mapping[str, str]
) -> tuple[Location, str | None, list[Finding]]:
    """The place of the key that names the source (`section`.`noun`_file or `section`.`noun`_env), the
    secret's text, and its faults. No text and no fault: none is configured."""
    in_file, in_environ = (section, f"{noun}_file"), (section, f"{noun}_env")
    if file is not None and variable is not None:
        return (section,), None, [Finding((section,), f"one of {noun}_file and {noun}_env", "both")]
    if file is not None:
        try:
            return in_file, file.read_text(encoding="utf-8"), []
        except OSError as error:
            found = f"no way to read it ({error.strerror})"
            return in_file, None, [Finding(in_file, "a file that can be read", found)]
        except UnicodeDecodeError:
            return in_file, None, [Finding(in_file, f"{noun} in UTF-8, one a line", "other bytes")]
    if variable is not None and variable not in environ:
        found = "a name that is not in the environment"
        return in_environ, None, [Finding(in_environ, "an environment variable that is set", found)]
    return in_environ, environ[variable] if variable is not None else None, []
