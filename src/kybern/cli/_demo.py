"""Attacks to try."""

import typer


def register(root: typer.Typer) -> None:
    """X."""
