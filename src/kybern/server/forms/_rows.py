"""Rows added, removed and moved on the server: what the form's row buttons post, done without script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kybern.server.forms._names import MOST_ROWS, is_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kybern.server.forms._names import Posted

ADD: Final = "_add"
REMOVE: Final = "_remove"
UP: Final = "_up"
DOWN: Final = "_down"
_ACTIONS: Final = (ADD, REMOVE, UP, DOWN)
_MARK: Final = "_row"
"""The last step of a name that stands for a row without any value."""


def has_row_action(posted: Posted) -> bool:
    """Tell whether a row button was pressed, so that nothing is to be saved yet."""
    return any(name in posted for name in _ACTIONS)


def apply_row_action(posted: Posted) -> dict[str, Sequence[str]]:
    """Do what a row button asks: `_add` names a list, `_remove`, `_up` and `_down` name one of its rows.

    Gives what is posted then, without the button. A button that names no row changes nothing.
    """
    found = {name: values for name, values in posted.items() if name not in _ACTIONS}
    for action in _ACTIONS:
        for target in posted.get(action, ())[:1]:
            found = _DO[action](found, target) if target else found
    return found


def _add(posted: dict[str, Sequence[str]], target: str) -> dict[str, Sequence[str]]:
    numbers = _numbers(posted, target)
    if len(numbers) >= MOST_ROWS:
        return posted
    return {**posted, f"{target}.{max(numbers, default=-1) + 1}.{_MARK}": [""]}


def _remove(posted: dict[str, Sequence[str]], target: str) -> dict[str, Sequence[str]]:
    if not is_number(target.rpartition(".")[2]):
        return posted
    return {name: values for name, values in posted.items() if name != target and not name.startswith(f"{target}.")}


def _up(posted: dict[str, Sequence[str]], target: str) -> dict[str, Sequence[str]]:
    return _swapped(posted, target, -1)


def _down(posted: dict[str, Sequence[str]], target: str) -> dict[str, Sequence[str]]:
    return _swapped(posted, target, 1)


def _swapped(posted: dict[str, Sequence[str]], target: str, by: int) -> dict[str, Sequence[str]]:
    """Let a row and its neighbour change their numbers."""
    parent, _, last = target.rpartition(".")
    numbers = _numbers(posted, parent)
    if not is_number(last) or int(last) not in numbers:
        return posted
    at = numbers.index(int(last)) + by
    if not 0 <= at < len(numbers):
        return posted
    other = f"{parent}.{numbers[at]}"
    return {_renamed(name, {target: other, other: target}): values for name, values in posted.items()}


def _renamed(name: str, new: Mapping[str, str]) -> str:
    for old, other in new.items():
        if name == old or name.startswith(f"{old}."):
            return other + name[len(old) :]
    return name


def _numbers(posted: Posted, parent: str) -> list[int]:
    """Give the numbers of a list's rows, in order."""
    start = f"{parent}."
    steps = {name[len(start) :].partition(".")[0] for name in posted if name.startswith(start)}
    return sorted(int(step) for step in steps if is_number(step))


_DO: Final = {ADD: _add, REMOVE: _remove, UP: _up, DOWN: _down}
