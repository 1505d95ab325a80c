"""Patterns by RE2: linear in the length of the text, whatever the pattern."""

from __future__ import annotations

from collections.abc import Callable

import re2  # type: ignore[import-untyped]  # google-re2 has no types


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Give the test whether a text as a whole fits a pattern; `ValueError` with RE2's words for one it does not read."""
    options = re2.Options()
    options.log_errors, options.max_mem = False, 1 << 20
    try:
        fits = re2.compile(pattern, options).fullmatch
    except re2.error as error:
        words = error.args[0]
        raise ValueError(words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)) from None
    return lambda text: fits(text) is not None
