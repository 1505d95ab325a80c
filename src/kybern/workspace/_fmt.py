"""The canonical form of a record file: field order, indentation, one form of list; every comment and every value kept.

Fields are put in order on the text, line by line, so that the comment above a field goes with it. ruamel.yaml then writes the
layout. The result is read again: if a value or a comment were lost, the file is refused and stays as it is.
"""

from __future__ import annotations

import io
import re
import textwrap
from typing import TYPE_CHECKING, Final

from kybern.base import InputError, Place
from kybern.base.yaml import read_yaml
from kybern.workspace._files import read_file
from kybern.workspace._order import in_order, same_form

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kybern.base import Problem

_MARKER: Final = re.compile(r"^---(?:[ \t]+|$)", re.MULTILINE)
_DIRECTIVE: Final = re.compile(r"^(?:%|\.\.\.(?:\s|$))", re.MULTILINE)
_END: Final = re.compile(r"\n\.\.\.\n?\Z")
_ROUNDS: Final = 5


def fmt(data: bytes, file: str) -> bytes:
    """Give the canonical form of a record file; the same for its own result.

    Raises `InputError` for what cannot be read as YAML, and for a file whose values or comments the new form would not keep.
    """
    values = _values(data, file)
    text = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if found := _DIRECTIVE.search(text):
        place = Place(file, text.count("\n", 0, found.start()) + 1, 1)
        hint = "Remove the line: `---` alone separates records."
        raise InputError.one("not-formatted", "Directives and `...` are not formatted.", place, hint)
    for _ in range(_ROUNDS):
        before, text = text, _once(text, file)
        if text == before:
            break
    else:
        raise _refused(file, "The file does not come to rest in one form")
    _check_kept(data, values, text, file)
    return text.encode()


def format_files(root: Path, names: Sequence[str]) -> list[tuple[str, bytes, bytes]]:
    """Format files below `root`: (name, text before, text after) each. Nothing is written.

    Raises `InputError` with the problems of all files.
    """
    done: list[tuple[str, bytes, bytes]] = []
    problems: list[Problem] = []
    for name in names:
        try:
            data = read_file(root, name)
            done.append((name, data, fmt(data, name)))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return done


def _once(text: str, file: str) -> str:
    """Format each document on its own and put them together again."""
    parts = [_document(part, file) for part in _MARKER.split(text)]
    return "---\n".join(part for part in parts if part)


def _document(text: str, file: str) -> str:
    """Format one document; comments alone are a document without a value."""
    lines = [line.strip() for line in text.split("\n")]
    if all(not line or line.startswith("#") for line in lines):
        return "\n".join(lines).strip("\n") + "\n" if any(lines) else ""
    text = _tidy(in_order(_tidy(text.lstrip("\n"), file), file), file)
    laid_out = _laid_out(text, file)
    if not _same(laid_out, text, file):  # ruamel may draw a comment into the text above it: once more with every comment in its column
        laid_out = _laid_out(_in_columns(text, file, deeper_only=False), file)
    return _in_columns(_tidy(laid_out, file), file, deeper_only=True)


def _tidy(text: str, file: str) -> str:
    """Cut spaces at the ends of lines and empty lines at the end, where they are not part of a text."""
    return _if_same("\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n", text, file)


def _in_columns(text: str, file: str, *, deeper_only: bool) -> str:
    """Move a comment to the column of the line it precedes: one that stands left of it, or else every one."""
    lines = text.split("\n")
    column = 0
    for index in range(len(lines) - 1, -1, -1):
        bare = lines[index].lstrip(" ")
        if bare.startswith("#"):
            at = max(column, len(lines[index]) - len(bare)) if deeper_only else column
            lines[index] = " " * at + bare
        elif bare:
            column = len(lines[index]) - len(bare)
    return _if_same("\n".join(lines), text, file)


def _if_same(changed: str, text: str, file: str) -> str:
    """Take a change of the layout only if it states the same."""
    return changed if _same(changed, text, file) else text


def _same(changed: str, text: str, file: str) -> bool:
    try:
        return _values(changed.encode(), file) == _values(text.encode(), file)
    except InputError:
        return False


def _laid_out(text: str, file: str) -> str:
    """Let ruamel.yaml write the layout: two spaces a level, list items indented, long lines left long."""
    from kybern.workspace._layout import writer  # noqa: PLC0415 - ruamel.yaml is heavy, and only who formats needs it

    yaml = writer()
    out = io.StringIO()
    document = read_yaml(text.encode(), file)[0]
    start = document.place()
    at_margin = start.column == 1 and document.line_text(start.line).startswith("-")
    try:
        yaml.dump(yaml.load(textwrap.indent(text, "  ") if at_margin else text), out)
    except Exception as error:
        raise _refused(file, "The layout cannot be written") from error
    written = _END.sub("\n", out.getvalue())  # ruamel ends a text that keeps its empty lines with `...`
    # It indents a list at the top like any other: that goes in indented, so that comments keep step, and is put back.
    return re.sub("^  ", "", written, flags=re.MULTILINE) if isinstance(document.value, list) else written


def _values(data: bytes, file: str) -> list[str]:
    return [same_form(document.value) for document in read_yaml(data, file)]


def _check_kept(data: bytes, values: list[str], text: str, file: str) -> None:
    """Refuse a result that states something else or has lost a comment."""
    try:
        kept = _values(text.encode(), file) == values
    except InputError:
        kept = False
    if not kept:
        raise _refused(file, "The layout would change what the file states")
    if text.count("#") < data.count(b"#"):
        raise _refused(file, "A comment would be lost")


def _refused(file: str, message: str) -> InputError:
    return InputError.one("not-formatted", f"{message}.", Place(file), "Write the file in a plainer form; it stays as it is.")
