"""`kybern gate`: may this AI system go on to its next stage; what holds it back, and how to mend that."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._evidence_add import file_signed
from kybern.cli._key import PassphraseOption, keyring_of, signing_key
from kybern.cli._policy import append_decision, decision_json, policy_of
from kybern.cli._shared import AsOfOption, WorkspaceOption, fail, open_workspace, parse_as_of, print_json, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kybern.base import Place
    from kybern.evidence import Keyring
    from kybern.gate import Collected, Outcome, Settings, StageName
    from kybern.policy import Policy
    from kybern.records.lifecycle import AISystem
    from kybern.workspace import Workspace

app = typer.Typer(name="gate", help="May an AI system go on to its next stage.", invoke_without_command=True, no_args_is_help=True)

StageOption = Annotated[str | None, typer.Option("--stage", metavar="STAGE", help="merge, train, validate, deploy or retire.")]
FALLS_SHORT = 1
_SUMMARY = "GITHUB_STEP_SUMMARY"


def register(root: typer.Typer) -> None:
    """Add the command group."""
    root.add_typer(app, name="gate")


@app.callback()
def gate(
    context: typer.Context,
    stage: StageOption = None,
    system: Annotated[str | None, typer.Option("--system", metavar="ID", help="The AI system, by its record.")] = None,
    collect: Annotated[
        list[str] | None,
        typer.Option("--collect", metavar="KIND=FILES,…", help="Read results: junit=report.xml,topic=validation-test. Repeatable."),
    ] = None,
    fact: Annotated[
        list[str] | None, typer.Option("--fact", metavar="NAME=VALUE", help="State a fact: change.substantial=true. Repeatable.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="NAME", help="Sign what is collected, and the outcome, with this key; file both.")
    ] = None,
    passphrase_env: PassphraseOption = None,
    sarif: Annotated[Path | None, typer.Option("--sarif", metavar="FILE", help="Write SARIF for a code host.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", metavar="FILE", help=f"Append a summary in Markdown. Default: ${_SUMMARY}, if set.")
    ] = None,
    record: Annotated[Path | None, typer.Option("--record", metavar="FILE", help="Append the decision to this file.")] = None,
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Judge a gate by the evidence and the workspace's rules. Exit 0 if the system may go on, 1 if not.

    What policy/gate.yaml names is collected, and what --collect names. Results that nobody signed count only against.
    """
    if context.invoked_subcommand is not None:
        return
    if key is not None and as_of is not None:
        refuse("as-of", "A gate judged as of another moment is not signed.", "Leave out --key or --as-of: a signature says what is so now.")
    run = Run.opened(directory, parse_as_of(as_of))
    outcome = run.judged(stage, system, collect or [], fact or [], key, passphrase_env)
    if record is not None:
        append_decision(record, outcome.decision, outcome.facts)
    run.write(outcome, sarif, junit, summary)
    if key is not None:
        run.file(outcome, key, passphrase_env)
    if as_json:
        print_json(run.as_json(outcome))
    else:
        tell(outcome)
    if not outcome.allowed:
        raise typer.Exit(FALLS_SHORT)


class Run:
    """A workspace that was opened, with its rules, to judge gates in."""

    def __init__(self, workspace: Workspace, policy: Policy, keyring: Keyring, at: datetime) -> None:
        """Hold what was read; use `opened`."""
        self.workspace, self.policy, self.keyring, self.at = workspace, policy, keyring, at

    @classmethod
    def opened(cls, directory: Path, at: datetime) -> Run:
        """Open the workspace a folder lies in; tells every problem and exits 2 where that fails."""
        workspace = open_workspace(directory)
        return cls(workspace, policy_of(workspace.root), keyring_of(workspace.root), at)

    def judged(
        self, stage: str | None, system: str | None, wanted: Sequence[str], facts: Sequence[str], key: str | None, variable: str | None
    ) -> Outcome:
        """Judge a gate as the options say it; tells every problem and exits 2 where it cannot be judged."""
        from kybern.base import InputError  # noqa: PLC0415 - see the docstring of `_shared`
        from kybern.evidence import FOLDER, read_evidence  # noqa: PLC0415
        from kybern.gate import ACTOR, Question, due_at, facts_stated, judge, read_settings  # noqa: PLC0415

        root, records, bundle = self.workspace.root, self.workspace.records, self.policy.bundle
        named, found = stage_of(stage), self.system(system)
        try:
            settings = read_settings(root)
            due = due_at(named, settings)
            given = {ACTOR: "pipeline", **facts_stated(bundle.schema, facts, named)}
            collected = self.collected(settings, named, found, wanted)
            if key is not None:
                collected = self.signed(collected, key, variable)
            read = read_evidence(root / FOLDER, self.keyring, root)
            return judge(Question(records, found, due, bundle, self.at, given), read.accepted, len(read.refused), collected)
        except InputError as error:
            fail(error, root)

    def system(self, name: str | None) -> AISystem:
        """Find an AI system by its id; exits 2 where there is none."""
        from kybern.base.suggest import Suggester  # noqa: PLC0415
        from kybern.gate import system_of  # noqa: PLC0415

        known = [one.id for one in self.workspace.records.of_kind("ai_system")]
        found = None if name is None else system_of(self.workspace.records, name)
        if found is None:
            asked = "Name the AI system with --system." if name is None else f"There is no AI system {name}."
            refuse("unknown-system", asked, Suggester().hint(name or "", known, f"There are {', '.join(known[:12]) or 'none'}."))
        return found

    def collected(self, settings: Settings, stage: StageName, system: AISystem, wanted: Sequence[str]) -> Collected:
        """Collect what the settings and the options name, nothing of it signed yet."""
        from kybern.gate import Ground, collect, option_wants, stage_wants  # noqa: PLC0415

        named = [option_wants(text, Path.cwd()) for text in wanted]
        ground = Ground(self.workspace.records, system, self.policy.bundle.schema, self.at)
        return collect([*stage_wants(settings, stage, self.workspace.root), *named], ground)

    def signed(self, collected: Collected, key: str, variable: str | None) -> Collected:
        """Sign what was collected, and file it."""
        from dataclasses import replace  # noqa: PLC0415

        signer = signing_key(self.workspace.root, key, variable)
        pieces = tuple(file_signed(self.workspace.root, item.predicate, item.subjects, signer, self.keyring) for item in collected.items)
        return replace(collected, evidence=pieces)

    def file(self, outcome: Outcome, key: str, variable: str | None) -> None:
        """Sign what the gate came to, and file it."""
        from kybern import __version__  # noqa: PLC0415
        from kybern.evidence import Subject  # noqa: PLC0415
        from kybern.gate import as_evidence  # noqa: PLC0415

        signer = signing_key(self.workspace.root, key, variable)
        about = (Subject(outcome.system.ref, outcome.system.digest),)
        piece = file_signed(self.workspace.root, as_evidence(outcome, __version__), about, signer, self.keyring)
        typer.echo(f"signed: {piece.id[:12]} {piece.topic}", err=True)

    def write(self, outcome: Outcome, sarif: Path | None, junit: Path | None, summary: Path | None) -> None:
        """Write the forms that were asked for."""
        from kybern import __version__  # noqa: PLC0415
        from kybern.gate import as_junit, as_markdown, as_sarif  # noqa: PLC0415

        if sarif is not None:
            log = as_sarif(outcome, __version__, self.place_of)
            write_text(sarif, json.dumps(log, ensure_ascii=False, indent=2) + "\n")
        if junit is not None:
            write_text(junit, as_junit(outcome))
        page = summary or (Path(os.environ[_SUMMARY]) if os.environ.get(_SUMMARY) else None)
        if page is not None:
            write_text(page, as_markdown(outcome), mode="a")

    def place_of(self, ref: str) -> Place | None:
        """Find where a record stands."""
        return self.workspace.places.of(ref) if ref in self.workspace.records else None

    def as_json(self, outcome: Outcome) -> dict[str, Any]:
        """Write an outcome as JSON-shaped values."""
        from kybern.gate import as_json  # noqa: PLC0415

        return as_json(outcome, decision_json(outcome.decision))


def stage_of(name: str | None) -> StageName:
    """Read the name of a stage; exits 2 for anything else."""
    from kybern.base.suggest import Suggester  # noqa: PLC0415
    from kybern.gate import STAGES  # noqa: PLC0415

    found = next((stage for stage in STAGES if stage == name), None)
    if found is None:
        asked = "Name the stage with --stage." if name is None else f"There is no stage {name}."
        refuse("unknown-stage", asked, Suggester().hint(name or "", STAGES, f"There are {', '.join(STAGES)}."))
    return found


def write_text(path: Path, text: str, mode: str = "w") -> None:
    """Write or append a text; exits 2 where that fails."""
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.")


def tell(outcome: Outcome, echo: Callable[[str], object] = typer.echo) -> None:
    """Say what it came to: what holds it back, what the controls due are short of, who owes it, what was collected."""
    from kybern.gate import because, held_by, mending, verdict  # noqa: PLC0415

    echo(verdict(outcome))
    for name, text in held_by(outcome):
        echo(f"  {name}: {text}")
        for why in because(outcome, name):
            echo(f"      {why}")
    for one in outcome.decision.obligations:
        echo(f"  along with it: {one.text}")
    for short in outcome.shortfalls:
        note = ", an exception is in force" if short.waived else ""
        echo(f"  {short.control.id} {short.status.label}{note}: {short.control.title} — owed by {short.owner}")
        for name, text in mending(short):
            echo(f"      {name.partition('/')[2] or name}: {text}")
    for item, piece in zip(outcome.collected.items, outcome.collected.evidence, strict=True):
        how = f"signed by {', '.join(piece.signers)}" if piece.signers else "not signed, counts only against"
        echo(f"  collected: {item.source}: {item.predicate.type.value} on {item.predicate.topic} about {item.subjects[0].ref}, {how}")
    for remark in outcome.collected.remarks:
        echo(f"  note: {remark}")
    open_ones = sum(not one.waived for one in outcome.shortfalls)
    echo(f"{len(outcome.controls)} controls are due, {open_ones} of them open. Rules {outcome.decision.bundle.digest[:12]}….")
