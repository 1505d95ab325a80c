"""The program `kybern`: its command groups, its version, its exit codes."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from kybern import __version__
from kybern.cli import (
    _absence,
    _apply,
    _assess,
    _bom,
    _catalog,
    _classify,
    _clocks,
    _crosswalk,
    _demo,
    _evidence,
    _gate,
    _gate_serve,
    _init,
    _label,
    _log,
    _log_time,
    _mcp,
    _obligations,
    _pack,
    _policy,
    _policy_anchor,
    _recompute,
    _report,
    _server_data,
    _trace,
    _up,
    _user,
    _witness,
    _workspace,
)

HELP = """An operating system for AI governance: status computed from dated, signed evidence, never typed.

Start with `kybern init`, state what you do in YAML, add evidence, and ask `kybern assess`.

Exit codes: 0 it holds · 1 it falls short · 2 the call or the input cannot be used.
"""

app = typer.Typer(name="kybern", help=HELP, no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_enable=False)

for _group in (
    _init, _workspace, _apply, _evidence, _log, _log_time, _witness, _assess, _absence, _recompute, _trace, _report, _pack, _label, _bom,
    _policy, _policy_anchor, _gate, _gate_serve, _classify, _obligations, _clocks, _crosswalk, _catalog, _demo,
    _up, _server_data, _user, _mcp,
):  # fmt: skip
    _group.register(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"kybern {__version__}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the program. What a narrow terminal cannot show (a sign outside its code page) becomes a question mark, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()
