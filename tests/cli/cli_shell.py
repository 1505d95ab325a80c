"""A workspace, and commands run in it: what tests of the command line share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.testing import CliRunner

if TYPE_CHECKING:
    from click.testing import Result

ANNA = "- {kind: person, id: anna, title: Anna}\n"
_runner = CliRunner()


@dataclass
class Shell:
    """A workspace with a person, and commands run in it."""

    app: typer.Typer
    root: Path

    @classmethod
    def make(cls, app: typer.Typer, root: Path, records: str = ANNA) -> Shell:
        (root / "kybern.yaml").write_text("kybern: 1\n")
        (root / "records").mkdir()
        (root / "records" / "all.yaml").write_text(records)
        return cls(app, root)

    def run(self, *words: object, code: int = 0, where: bool = True) -> Result:
        """Run a command, in the workspace unless told otherwise; it ends with this code, and never in a traceback."""
        result = _runner.invoke(self.app, [*map(str, words), *(["-C", str(self.root)] if where else [])])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def state(self, text: str) -> str:
        """File an attestation by Anna; give its id."""
        about = ("--about", "person:anna", "--topic", "oversight", "--key", "anna", "--observed-at", "2026-02-01")
        return self.run("evidence", "add", "attestation", *about, "-f", f"statement={text}", "-f", "holds=true").stdout.split()[0]
