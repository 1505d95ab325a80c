"""Kybern: an operating system for AI governance."""

from importlib.metadata import version

__version__ = version("kybern")
"""The installed version; `pyproject.toml` is where it is written."""
