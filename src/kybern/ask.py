"""Asking the gate from another program: an orchestrator, a registry, a script. Needs nothing but the program `kybern`.

It lies outside the rooms and imports none: it runs where Kybern's own packages need not be, and shells out with a list of arguments.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 120.0
"""Seconds that an answer may take."""


@dataclass(frozen=True)
class Answer:
    """What the gate came to: whether the system may go on, why not, and all of it as `kybern gate --json` has it."""

    allowed: bool
    reasons: tuple[str, ...]
    outcome: Mapping[str, Any]

    @property
    def message(self) -> str:
        """Say it in a few lines: what holds the system back, and which controls are open."""
        if self.allowed:
            return f"{self.outcome['stage']}: {self.outcome['system']} may go on"
        short = [f"{one['control']} {one['title']} — owed by {one['owes']}" for one in self.outcome["shortfalls"] if not one["waived"]]
        head = f"{self.outcome['stage']}: {self.outcome['system']} does not go on"
        return "\n".join((head, *self.reasons, *short))


class GateError(Exception):
    """The gate could not be asked: no program, no workspace, a call it does not read. Whoever asked does not go on."""


class GateClosedError(Exception):
    """The gate was asked, and the system may not go on."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        self.answer = answer
        super().__init__(answer.message)


def ask_gate(  # noqa: PLR0913 - what `kybern gate` takes
    stage: str,
    system: str,
    *,
    directory: str | Path = ".",
    collect: Sequence[str] = (),
    facts: Mapping[str, str | int | float | bool] | None = None,
    key: str | None = None,
    program: str = "kybern",
    timeout: float = TIMEOUT,
) -> Answer:
    """Ask `kybern gate`. Raises `GateError` where it cannot be asked; an answer that is no is an answer."""
    words = [program, "gate", f"--stage={stage}", f"--system={system}", f"--directory={directory}", "--json"]
    words += [f"--collect={one}" for one in collect]
    words += [f"--fact={name}={_written(value)}" for name, value in (facts or {}).items()]
    words += [] if key is None else [f"--key={key}"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout)  # noqa: S603 - a list, and no shell
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise GateError(str(error)) from None
    if done.returncode not in (0, 1):
        raise GateError(done.stderr.strip() or f"kybern gate ended with {done.returncode}")
    try:
        outcome = json.loads(done.stdout)
        reasons = tuple(f"{one['rule']}: {one['message']}" for one in outcome["held_by"])
        allowed = outcome["allowed"] is True and done.returncode == 0
    except (ValueError, KeyError, TypeError) as error:
        raise GateError(f"kybern gate answered in no form that is known: {error}") from None  # noqa: EM102, TRY003 - a sentence
    return Answer(allowed, reasons, outcome)


def require_gate(stage: str, system: str, **how: Any) -> Answer:
    """Ask the gate, and go on only if the system may: raises `GateClosedError` where not, `GateError` where it cannot be asked."""
    answer = ask_gate(stage, system, **how)
    if not answer.allowed:
        raise GateClosedError(answer)
    return answer


def _written(value: str | float | bool) -> str:  # noqa: FBT001 - a fact may be a truth
    return str(value).lower() if isinstance(value, bool) else str(value)
