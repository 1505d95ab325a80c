"""`kybern policy`: rules that decide: load, try, explain, compare, prove."""

from __future__ import annotations

from collections import Counter, deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._shared import WorkspaceOption, fail, now, open_root, open_workspace, print_json, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.policy import Bundle, Decision, Facts, FactSchema, Policy, Recorded, Rule
    from kybern.policy.analysis import Finding

app = typer.Typer(name="policy", help="Rules that decide what may ship and what an agent may do.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Language = Annotated[str, typer.Option("--lang", metavar="LANG", help="en or de.")]
FALLS_SHORT = 1
_MAX_FACTS = 1 << 20

_BUNDLE = """\
# What decides here. Facts, their types and units: kybern policy facts. The rules in words: kybern policy explain.
kybern: 1
facts: kybern
# Where several rules fire, the first of these wins; where none does, the default follows.
order: [deny, require-approval, defer, modify, allow]
default: deny
library:
  profiles: [@PROFILE@]
"""


def register(root: typer.Typer) -> None:
    """Add the command group, with the commands that have a module of their own."""
    from kybern.cli import _policy_export  # noqa: F401, PLC0415 - importing it adds its command; it needs this module

    root.add_typer(app, name="policy")


def policy_of(root: Path) -> Policy:
    """Read the rules of a workspace; tells every problem and exits 2 where that fails."""
    from kybern.base import InputError  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.policy import installed_predicates, read_policy  # noqa: PLC0415

    try:
        return read_policy(root, installed_predicates())
    except InputError as error:
        fail(error, root)
    except ValueError as error:
        refuse("bad-predicate", f"{error}.")


@app.command()
def init(
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="The profile of rules that ship; each has the core in it.")
    ] = "core",
    directory: WorkspaceOption = Path(),
) -> None:
    """Make the workspace's policy folder: a bundle that takes the rules of a profile, and first invariants."""
    from kybern.base.suggest import Suggester  # noqa: PLC0415
    from kybern.policy import BUNDLE, FOLDER, shipped_invariants, shipped_profiles  # noqa: PLC0415

    root = open_root(directory)
    known = shipped_profiles()
    if profile not in known:
        refuse("unknown-profile", f"There is no profile {profile}.", Suggester().hint(profile, known, f"There are {', '.join(known)}."))
    folder = root / FOLDER
    if (folder / BUNDLE).exists():
        refuse("policy-exists", f"{folder / BUNDLE} is there already and is kept.")
    try:
        (folder / "rules").mkdir(parents=True, exist_ok=True)
        (folder / BUNDLE).write_text(_BUNDLE.replace("@PROFILE@", profile), encoding="utf-8")
        (folder / "invariants.yaml").write_text(shipped_invariants(profile), encoding="utf-8")
    except OSError as error:
        refuse("unwritable", f"{error.filename} cannot be written: {error.strerror}.")
    found = policy_of(root)
    typer.echo(f"{folder}: {len(found.bundle.rules)} rules of the library, {len(found.invariants)} invariants. Next: kybern policy explain")


@app.command()
def facts(
    directory: WorkspaceOption = Path(),
    request: Annotated[str | None, typer.Option("--request", metavar="ACTION", help="Write an example request instead, to try.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the facts that rules may speak of: type, unit, for which actions, who supplies them."""
    schema = policy_of(open_root(directory)).bundle.schema
    if request is not None:
        _example_request(schema, request)
        return
    if as_json:
        print_json(schema.model_dump(mode="json", exclude_none=True))
        return
    typer.echo(f"{schema.ref}: {schema.title}")
    for fact in schema.facts:
        traits = [str(fact.kind), "may be missing" if fact.optional else "", "" if fact.provider == "caller" else f"from {fact.provider}"]
        where = f" [{', '.join(fact.actions)}]" if fact.actions else ""
        typer.echo(f"{fact.name:<36} {', '.join(filter(None, traits))}{where}\n{'':<36} {fact.description}")


def _example_request(schema: FactSchema, action: str) -> None:
    """Write the facts that a request must have, with the schema's examples, as `kybern policy decide` reads them."""
    from kybern.policy import ACTION, TIME  # noqa: PLC0415

    if action not in schema.doors:
        refuse("unknown-action", f"There is no action {action}.", f"There are {', '.join(schema.actions)}.")
    needed = sorted(schema.doors[action].needed - {TIME})
    print_json({ACTION: action, **{name: schema.by_name[name].example for name in needed}})


@app.command()
def lint(
    directory: WorkspaceOption = Path(),
    strict: Annotated[bool, typer.Option("--strict", help="Show all rules that contradict each other, and exit 1 for them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the rules against each other by a solver: contradictions, rules that never decide, rules that add nothing.

    Two rules that contradict each other are shown where the milder one wins; that the stricter wins is what rules are for.
    Exit 1 if a rule never decides or adds nothing, or the solver cannot tell.
    """
    from kybern.policy.analysis import analyse  # noqa: PLC0415

    bundle = policy_of(open_root(directory)).bundle
    found = analyse(bundle)
    serious = [one for one in found.findings if strict or one.kind != "conflict"]
    if as_json:
        rows = [
            {"kind": one.kind, "rules": [rule.id for rule in one.rules], "message": one.message, "example": _example(one.example)}
            for one in found.findings
        ]
        print_json({"bundle": bundle.digest, "rules": len(bundle.rules), "pairs": found.pairs, "findings": rows, "opaque": found.opaque})
    else:
        for one in (one for one in found.findings if strict or not _stricter_wins(one)):
            typer.echo(f"{one.kind}: {one.message}")
            if one.example is not None:
                typer.echo(f"    for example: {_standing_out(one.example)}")
        for unproved in found.opaque:
            typer.echo(f"note: nothing is proved of {unproved}.")
        typer.echo(f"{len(bundle.rules)} rules, {found.pairs} pairs: {_tally(found.findings)}.")
    if serious:
        raise typer.Exit(FALLS_SHORT)


def _stricter_wins(finding: Finding) -> bool:
    """Tell whether two rules contradict each other and the stricter decides, as a deny does over an allow."""
    from kybern.policy import DENY_WINS  # noqa: PLC0415

    if finding.kind != "conflict":
        return False
    wins, loses = finding.rules
    return DENY_WINS.index(wins.effect) < DENY_WINS.index(loses.effect)


def _tally(findings: tuple[Finding, ...]) -> str:
    counts = Counter("overlap in which the stricter rule wins" if _stricter_wins(one) else one.kind for one in findings)
    return ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())) or "nothing found"


def _example(facts: Facts | None) -> dict[str, str] | None:
    from kybern.policy import value_in_words  # noqa: PLC0415
    from kybern.policy.analysis import standing_out  # noqa: PLC0415

    if facts is None:
        return None
    return {name: value_in_words(facts.schema, name, value) for name, value in sorted(standing_out(facts).items())}


def _standing_out(facts: Facts) -> str:
    """Say what is particular about an example; the rest is as the schema's own."""
    found = _example(facts) or {}
    return ", ".join(f"{name} = {value}" for name, value in found.items())


@app.command()
def test(directory: WorkspaceOption = Path()) -> None:  # noqa: PT028 - a command of this name, not a test of pytest
    """Run every rule's examples and every invariant's condition. Exit 2 with the place of whatever does not come out."""
    found = policy_of(open_root(directory))
    examples = sum(len(rule.spec.examples) for rule in found.bundle.rules)
    typer.echo(f"{len(found.bundle.rules)} rules load, and their {examples} examples come out; {len(found.invariants)} invariants read.")


@app.command()
def explain(
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="Only this rule, in full.")] = None,
    directory: WorkspaceOption = Path(),
    lang: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Say in plain English, or German, what the rules do."""
    from kybern.policy import in_words  # noqa: PLC0415

    if lang not in {"en", "de"}:
        refuse("unknown-language", f"There is no language {lang}.", "There are en and de.")
    bundle = policy_of(open_root(directory)).bundle
    chosen = bundle.rules if rule is None else (_rule(bundle, rule),)
    language: Any = lang
    if as_json:
        print_json(
            [{**one.spec.model_dump(mode="json", exclude_none=True), "words": in_words(one, bundle.schema, language)} for one in chosen]
        )
        return
    for one in chosen:
        typer.echo(f"{one.id}  {one.spec.title}\n    {in_words(one, bundle.schema, language)}")
        if rule is not None:
            _in_full(one)


def _rule(bundle: Bundle, name: str) -> Rule:
    from kybern.base.suggest import Suggester  # noqa: PLC0415

    if name not in bundle.by_id:
        refuse("unknown-rule", f"There is no rule {name}.", Suggester().hint(name, bundle.by_id, "`kybern policy explain` lists them."))
    return bundle.by_id[name]


def _in_full(rule: Rule) -> None:
    spec = rule.spec
    lines = {
        "why": spec.rationale,
        "owner": spec.owner,
        "answers": ", ".join((*spec.controls, *spec.requirements)),
        "condition": " ".join(spec.when.split()),
        "to mend it": spec.message,
        "obligations": "; ".join(one.text for one in spec.obligations),
    }
    for label, text in lines.items():
        if text:
            typer.echo(f"    {label:<12} {text}")
    for example in spec.examples:
        typer.echo(f"    {example.expect:<12} {example.title}")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A workspace, or a checkout of an earlier version of it.")],
    directory: WorkspaceOption = Path(),
    as_json: AsJson = False,
) -> None:
    """Say which requests this workspace's rules decide otherwise than those of OLD, each with an example.

    Exit 1 if something may go on now that did not before, or the solver cannot tell.
    """
    from kybern.policy.analysis import NotComparable, differences  # noqa: PLC0415

    before, after = policy_of(open_root(old)).bundle, policy_of(open_root(directory)).bundle
    try:
        changes = differences(before, after)
    except NotComparable as error:
        refuse("not-comparable", f"{error}.")
    if as_json:
        print_json(
            [
                {
                    "action": one.action, "before": one.before.value, "after": one.after.value, "loosens": one.loosens,
                    "example": None if one.example is None else _example(one.example[0]), "why": one.why,
                }
                for one in changes
            ]
        )  # fmt: skip
    else:
        for one in changes:
            typer.echo(f"{one.action}: {one.before.value} → {one.after.value}{'  (loosened)' if one.loosens else ''}")
            if one.example is None:
                typer.echo(f"    cannot tell: {one.why}")
                continue
            facts, was, is_now = one.example
            typer.echo(f"    for example: {_standing_out(facts)}")
            typer.echo(f"    before: {was.reasons[0]}\n    now:    {is_now.reasons[0]}")
        typer.echo(f"{len(changes)} kinds of request are decided otherwise." if changes else "Every request is decided as before.")
    if any(one.loosens or one.example is None for one in changes):
        raise typer.Exit(FALLS_SHORT)


@app.command()
def prove(directory: WorkspaceOption = Path(), as_json: AsJson = False) -> None:
    """Prove the invariants of policy/invariants.yaml, or refute each with a request. Exit 1 unless all are proved."""
    from kybern.policy.analysis import prove as prove_all  # noqa: PLC0415

    found = policy_of(open_root(directory))
    verdicts = prove_all(found.bundle, found.invariants)
    if as_json:
        print_json(
            [
                {
                    "id": one.invariant.id, "holds": one.holds, "why": one.why,
                    "example": None if one.example is None else _example(one.example[0]),
                }
                for one in verdicts
            ]
        )  # fmt: skip
    for one in () if as_json else verdicts:
        word = {True: "proved", False: "refuted", None: "cannot tell"}[one.holds]
        typer.echo(f"{word}: {one.invariant.title}")
        if one.example is not None:
            typer.echo(f"    for example: {_standing_out(one.example[0])}\n    decided: {one.example[1].effect.value}")
        elif one.why:
            typer.echo(f"    {one.why}")
    if not as_json and not verdicts:
        typer.echo("There are no invariants: write policy/invariants.yaml.")
    if any(one.holds is not True for one in verdicts):
        raise typer.Exit(FALLS_SHORT)


@app.command()
def coverage(directory: WorkspaceOption = Path(), as_json: AsJson = False) -> None:
    """Say for every AI system at every gate, and every tool of every agent, which rules can decide on it. Exit 1 if none can."""
    from kybern.policy.analysis import assets_of, unattached_models  # noqa: PLC0415
    from kybern.policy.analysis import coverage as cover  # noqa: PLC0415

    workspace = open_workspace(directory)
    bundle = policy_of(workspace.root).bundle
    found = cover(bundle, assets_of(workspace.records))
    loose = unattached_models(workspace.records)
    if as_json:
        rows = [
            {"ref": one.asset.ref, "title": one.asset.title, "action": one.asset.action, "rules": [rule.id for rule in one.rules]}
            for one in found
        ]
        print_json({"assets": rows, "models_without_system": loose})
    else:
        for one in found:
            unsure = f", {len(one.unsure)} cannot be told" if one.unsure else ""
            word = f"{len(one.rules)} rules can decide{unsure}" if one.governed else f"only the default decides ({bundle.default.value})"
            typer.echo(f"{one.asset.action:<10} {one.asset.title}  {word}")
        for ref in loose:
            typer.echo(f"{'':<10} {ref}  belongs to no AI system, so no gate is its")
    if loose or not all(one.governed for one in found):
        raise typer.Exit(FALLS_SHORT)


@app.command()
def decide(
    file: Annotated[
        Path, typer.Option("--facts", metavar="FILE", help="The facts of the request, YAML or JSON; action: names what is asked.")
    ],
    record: Annotated[Path | None, typer.Option("--record", metavar="FILE", help="Append the decision to this file.")] = None,
    directory: WorkspaceOption = Path(),
    as_json: AsJson = False,
) -> None:
    """Decide on a request whose facts are given, as a trial. Exit 0 if it may go on, 1 if not.

    All facts come from the file, those of providers too: who decides in earnest asks the providers (kybern gate).
    """
    from kybern.policy import ACTION, CALLER, TIME, decide_on  # noqa: PLC0415

    bundle = policy_of(open_root(directory)).bundle
    stated = _facts(file)
    supplied = {fact.name for fact in bundle.schema.facts if fact.provider != CALLER}
    provided: dict[str, Any] = {TIME: now()} | {name: value for name, value in stated.items() if name in supplied}
    found = decide_on(bundle, {name: value for name, value in stated.items() if name not in supplied}, provided)
    if record is not None:
        append_decision(record, found, {ACTION: stated.get(ACTION), **stated, TIME: provided[TIME]})
    if as_json:
        print_json(decision_json(found))
    else:
        typer.echo(found.effect.value)
        for reason in found.reasons:
            typer.echo(f"    {reason}")
    if not found.allowed:
        raise typer.Exit(FALLS_SHORT)


def decision_json(found: Decision) -> dict[str, Any]:
    """Write a decision as JSON-shaped values."""
    return {
        "approvals": [list(roles) for roles in found.approvals],
        "bundle": found.bundle.digest,
        "deciding": [rule.id for rule in found.deciding],
        "effect": found.effect.value,
        "fired": [rule.id for rule in found.fired],
        "modifications": dict(found.modifications),
        "obligations": [one.model_dump(mode="json") for one in found.obligations],
        "reasons": list(found.reasons),
        "schema": found.bundle.schema.ref,
    }


def _facts(file: Path) -> Mapping[str, Any]:
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.base.yaml import read_yaml  # noqa: PLC0415

    try:
        with file.open("rb") as handle:
            documents = read_yaml(handle.read(_MAX_FACTS + 1), str(file))
    except OSError as error:
        refuse("unreadable", f"{file} cannot be read: {error.strerror}.")
    except InputError as error:
        fail(error, file.parent)
    value = documents[0].value if len(documents) == 1 else None
    if not isinstance(value, dict):
        refuse("wrong-type", f"{file} is not one mapping of facts.", "Write each as `system.risk_class: high`, and `action: deploy`.")
    return value


def append_decision(path: Path, found: Decision, facts: dict[str, Any]) -> None:
    """Append a decision to a file of them; exits 2 where its chain is broken or it cannot be written."""
    from kybern.policy import DecisionLog  # noqa: PLC0415

    head = _chain(path)
    try:
        with path.open("ab") as file:
            DecisionLog(file, head).append(found, facts)
    except OSError as error:
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.")


def _chain(path: Path) -> Any:
    """Find where a file of decisions stands; exits 2 if its chain is broken."""
    from kybern.policy import Link  # noqa: PLC0415

    if not path.exists():
        return Link()
    last = next(iter(deque(recorded(path), maxlen=1)), None)
    return Link() if last is None else Link(last.number, last.digest)


def recorded(path: Path) -> Iterator[Recorded]:
    """Go through recorded decisions; tells what is wrong and exits 2."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.policy import read_decisions  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            yield from read_decisions(file, str(path))
    except InputError as error:
        fail(error, path.parent)
    except OSError as error:
        refuse("unreadable", f"{path} cannot be read: {error.strerror}.")


@app.command("replay")
def replay_decisions(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Recorded decisions, one JSON object a line.")],
    directory: WorkspaceOption = Path(),
    as_json: AsJson = False,
) -> None:
    """Decide recorded requests again by this workspace's rules, and say what comes out otherwise. Exit 1 if something does."""
    from kybern.policy import replay, tally  # noqa: PLC0415

    bundle = policy_of(open_root(directory)).bundle
    found = list(replay(bundle, recorded(file)))
    changed = [one for one in found if one.differs]
    if as_json:
        rows = [
            {"n": one.recorded.number, "before": one.recorded.effect.value, "now": one.now.effect.value, "reasons": list(one.now.reasons)}
            for one in changed
        ]
        print_json({"decisions": len(found), "changed": rows})
    else:
        for one in changed:
            typer.echo(f"{one.recorded.number}: {one.recorded.effect.value} → {one.now.effect.value}\n    {one.now.reasons[0]}")
        counts = ", ".join(f"{before} → {after}: {count}" for (before, after), count in sorted(tally(found).items()))
        typer.echo(f"{len(found)} decisions, {len(changed)} come out otherwise. {counts}")
    if changed:
        raise typer.Exit(FALLS_SHORT)
