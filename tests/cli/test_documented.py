"""Every command stands in the overview, and the overview names no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import typer.main

from kybern.cli._main import app

OVERVIEW = Path(__file__).parents[2] / "docs" / "handbook" / "cli.md"


def commands(command: click.Command, path: str = "kybern") -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path
        return
    if getattr(command, "invoke_without_command", False):
        yield path
    for name, inner in below.items():
        if not inner.hidden:
            yield from commands(inner, f"{path} {name}")


def test_the_overview_names_every_command_and_no_other() -> None:
    there = set(commands(typer.main.get_command(app)))
    told = set(re.findall(r"^\| `(kybern [a-z -]+)`", OVERVIEW.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == there


def test_every_command_says_what_it_does() -> None:
    def speechless(command: click.Command, path: str) -> Iterator[str]:
        if not (command.help or "").strip():
            yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from speechless(inner, f"{path} {name}")

    assert list(speechless(typer.main.get_command(app), "kybern")) == []
