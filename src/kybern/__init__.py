"""Kybern: an operating system for AI governance."""

__version__: str
"""The installed version; `pyproject.toml` is where it is written. Looked up when it is asked for: that takes a twentieth of a second."""


def __getattr__(name: str) -> str:
    if name != "__version__":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib.metadata import version  # noqa: PLC0415 - see above

    found = globals()[name] = version("kybern")
    return found
