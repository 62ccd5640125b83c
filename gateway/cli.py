"""The commands: each parses its arguments and calls the package that does the work, which it imports only then."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gateway.settings import load as configuration
from gateway.settings import reference

if TYPE_CHECKING:
    from gateway.settings.load import Examined

#: Exit code for what the user can mend: a file, a port, an argument.
CANNOT = 2

app = typer.Typer(
    help="A gateway for pods that can do one thing at a time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def serve(config: Annotated[Path, typer.Option(help="The configuration file.")]) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; SIGHUP reads the file again."""
    from gateway.kubernetes.access import NoAccess
    from gateway.logs import events as logs
    from gateway.server.lifecycle import run
    from gateway.server.listener import CannotListen
    from gateway.wiring.gateway import warn
    from gateway.wiring.serving import serve as run_gateway

    examined = _examine(config)
    settings = examined.settings
    logs.configure(settings.log.format, settings.log.level)
    warn(examined.warnings)
    try:
        run(lambda: run_gateway(settings, config, os.environ))
    except (CannotListen, NoAccess) as error:
        _fail(str(error))


@app.command()
def check(file: Annotated[Path, typer.Argument(help="The configuration file.")]) -> None:
    """Check a configuration file: says everything that is wrong with it at once, and what may not be meant."""
    examined = _examine(file)
    for warning in examined.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    settings = examined.settings
    pools = ", ".join(f"{name} ({pool.profile})" for name, pool in settings.pools.items())
    print(f"{file}: good. Pools: {pools}")


@app.command()
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a page for people: every key, explained.")] = False,
) -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    print(reference.markdown().rstrip() if markdown else json.dumps(configuration.json_schema(), indent=2))


@app.command()
def key(name: Annotated[str, typer.Argument(help="The client's name, which metrics and access lines show.")]) -> None:
    """Make a key for a client: prints it once, and the line for `clients.keys_file`, which has its digest alone."""
    from gateway.settings.client_keys import is_name, new_key

    if not is_name(name):
        _fail(f"{name!r} is no name: letters, digits and . _ - (at most 64), the first a letter or a digit")
    made, line = new_key(name)
    print(f"for {name}, shown once:     {made}")
    print(f"a line of clients.keys_file:  {line}")


@app.command()
def load(
    url: Annotated[str, typer.Argument(help="Where to send the requests.")],
    requests: Annotated[int, typer.Option("-n", help="Requests in all.")] = 200,
    concurrency: Annotated[int, typer.Option("-c", help="Workers: requests under way at a time.")] = 50,
    method: Annotated[str, typer.Option("-m", help="HTTP method.")] = "GET",
    body: Annotated[str | None, typer.Option("-d", help="The body.")] = None,
    body_file: Annotated[Path | None, typer.Option("-D", help="A file with the body.")] = None,
    headers: Annotated[list[str] | None, typer.Option("-H", help="A header, 'Name: value'. Repeatable.")] = None,
    timeout: Annotated[float, typer.Option("-t", help="Seconds a request may take; 0: no limit.")] = 20.0,
    cookies: Annotated[bool, typer.Option("--cookies", help="Each worker keeps its cookies, as a browser.")] = False,
    ops: Annotated[str | None, typer.Option(help="The operators' port, for waiting, in flight and pods.")] = None,
) -> None:
    """Send requests as `hey` does, show how it goes, and sum it up."""
    from gateway.load import command
    from gateway.load.plan import LoadPlan, parse_header

    content = _content(body, body_file)
    try:
        parsed = tuple(parse_header(line) for line in headers or ())
        plan = LoadPlan(url, requests, concurrency, method, parsed, content, timeout, cookies, ops)
    except ValueError as error:
        _fail(str(error))
    sys.exit(command.main(plan))


@app.command()
def top(
    url: Annotated[str, typer.Argument(help="The operators' port.")] = "http://127.0.0.1:9090",
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the operators' token, for orders; else $GATEWAY_TOKEN.")
    ] = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
) -> None:
    """Watch pods, line and sessions in the terminal; with a token, drain a pod or take a request out of the line."""
    from gateway.top import command

    token = _content(os.environ.get("GATEWAY_TOKEN"), token_file)
    try:
        command.main(url, None if token is None else token.decode("ascii").strip(), every)
    except UnicodeDecodeError:
        _fail("a token is made of letters, digits and signs of ASCII")
    except (command.NotInstalled, ValueError) as error:
        _fail(str(error))


def main() -> None:
    """The entry point."""
    app()


def _examine(file: Path) -> Examined:
    try:
        return configuration.examine(file, os.environ)
    except configuration.SettingsError as error:
        _fail(str(error))


def _content(text: str | None, file: Path | None) -> bytes | None:
    """A body as the arguments give it, byte for byte; the file goes first, as with `hey`."""
    if file is None:
        return None if text is None else os.fsencode(text)
    try:
        return file.read_bytes()
    except OSError as error:
        _fail(f"cannot read {file}: {error.strerror}")


def _fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(CANNOT)
