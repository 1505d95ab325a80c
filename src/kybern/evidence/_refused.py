"""Why an envelope is not accepted: a stable reason and words for people."""

from __future__ import annotations

from dataclasses import dataclass


class Refused(Exception):  # noqa: N818 - "refused" is the field's word: nothing failed, the envelope was turned away
    """An envelope or statement that is not accepted as evidence.

    `rule` is a stable slug (`bad-signature`), `message` says in words why. Where it lies is known to who asked.
    """

    def __init__(self, rule: str, message: str) -> None:
        """Keep the reason and its words."""
        self.rule = rule
        self.message = message
        super().__init__(f"{message} [{rule}]")


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """A refused piece in a folder of evidence: where it lies, the reason's slug, the reason in words."""

    source: str
    rule: str
    message: str

    def __str__(self) -> str:
        """Write the refusal on one line, with its place first."""
        return f"{self.source}: refused: {self.message} [{self.rule}]"
