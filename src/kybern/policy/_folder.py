"""The rules of a workspace: `policy/bundle.yaml`, what it takes from the library, and rules of its own beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import validate
from kybern.base.yaml import DEFAULT_LIMITS, YamlDocument, read_yaml
from kybern.catalog import Slug
from kybern.policy._bundle import Bundle
from kybern.policy._check import check
from kybern.policy._load import load_bundle, read_schema
from kybern.policy._place import place_in_text
from kybern.policy._predicates import Predicate
from kybern.policy._rules import DENY_WINS, Effect, InvariantSpec
from kybern.policy._schema import FactSchema
from kybern.policy._syntax import Fault

FOLDER: Final = "policy"
BUNDLE: Final = "bundle.yaml"
INVARIANTS: Final = "invariants.yaml"
_PACKAGE: Final = "kybern.policy"
_SHIPPED: Final = "the library"
CORE: Final = "core"
"""The profile that every other one builds on: what lets requests go on is in it."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Library(_Shape):
    """What a bundle takes from the rules that ship: those of some profiles, with the core; some by name; and some left out."""

    profiles: tuple[Slug, ...] = ()
    rules: tuple[Slug, ...] = ()
    without: tuple[Slug, ...] = ()


class BundleSpec(_Shape):
    """`policy/bundle.yaml`: over which facts, in which order effects win, what follows where no rule fires, what ships and is used."""

    kybern: Literal[1]
    facts: Annotated[str, Field(min_length=1, max_length=200)] = "kybern"
    """The schema: the name of one that ships, or a file beside this one (`facts.yaml`)."""
    order: tuple[Effect, ...] = DENY_WINS
    default: Effect = Effect.DENY
    library: Library = Library()


@dataclass(frozen=True)
class Policy:
    """What a workspace decides by: its bundle, its invariants, and where each rule is written."""

    bundle: Bundle
    invariants: tuple[InvariantSpec, ...]
    files: tuple[str, ...]


def shipped_schemas() -> Mapping[str, bytes]:
    """Read the fact schemas that ship, by name."""
    folder = resources(_PACKAGE).joinpath("schemas")
    return {file.name.removesuffix(".yaml"): file.read_bytes() for file in folder.iterdir() if file.name.endswith(".yaml")}


def shipped_rules() -> Mapping[str, bytes]:
    """Read the files of rules that ship, by name."""
    folder = resources(_PACKAGE).joinpath("library")
    found = {f"{_SHIPPED}/{file.name}": file.read_bytes() for file in folder.iterdir() if file.name.endswith(".yaml")}
    return dict(sorted(found.items()))


@cache
def shipped_profiles() -> tuple[str, ...]:
    """Name the profiles that the rules that ship belong to, the core first."""
    return _profiles(entry for name, data in shipped_rules().items() for entry in _entries(data, name))


def _profiles(entries: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    found = {profile for entry in entries for profile in entry.get("profiles", ())}
    return (CORE, *sorted(found - {CORE}))


def shipped_invariants(profile: str) -> str:
    """Give the text of the invariants that the rules of a profile keep: the core's, and its own where it has some."""
    folder = resources(_PACKAGE).joinpath("invariants")
    names = dict.fromkeys((CORE, profile))
    return "".join(file.read_text("utf-8") for name in names if (file := folder.joinpath(f"{name}.yaml")).is_file())


def read_policy(root: Path, predicates: Mapping[str, Predicate]) -> Policy:
    """Read the rules of the workspace in `root`.

    Raises `InputError` with every problem: no bundle (`no-policy`), a rule that does not load, an invariant that does not read.
    """
    folder = root / FOLDER
    spec, document = _spec(folder)
    schema = _schema(folder, spec, document)
    library = _library(spec, document)
    own = {f"{FOLDER}/rules/{path.name}": _content(folder, path) for path in sorted((folder / "rules").glob("*.yaml"))}
    bundle = load_bundle(
        schema, [*library.sources, *own.items()], predicates=predicates, order=spec.order, default=spec.default, choose=library.choose
    )
    return Policy(bundle, _invariants(folder, bundle), tuple(own))


def _content(folder: Path, path: Path) -> bytes:
    """Read a file of the folder; links out of it, and what is no file, are refused."""
    name = f"{FOLDER}/{path.relative_to(folder).as_posix()}"
    try:
        if path.is_symlink() or not path.is_file():
            raise InputError.one("not-a-file", "This is no ordinary file.", Place(name), "Put the file itself here.")
        with path.open("rb") as file:
            return file.read(DEFAULT_LIMITS.max_bytes + 1)
    except OSError as error:
        raise InputError.one("unreadable", f"The file cannot be read: {error.strerror}.", Place(name)) from None


def _spec(folder: Path) -> tuple[BundleSpec, YamlDocument]:
    if not (folder / BUNDLE).exists():
        hint = "`kybern policy init` makes one."
        raise InputError.one(
            "no-policy", f"The workspace has no {FOLDER}/{BUNDLE}: it decides by no rules.", Place(f"{FOLDER}/{BUNDLE}"), hint
        )
    documents = read_yaml(_content(folder, folder / BUNDLE), f"{FOLDER}/{BUNDLE}")
    if len(documents) != 1:
        raise InputError.one("one-document", "A bundle is one document.", Place(f"{FOLDER}/{BUNDLE}"))
    spec, problems = validate(BundleSpec, documents[0], whole="The bundle")
    if spec is None:
        raise InputError(problems)
    return spec, documents[0]


def _schema(folder: Path, spec: BundleSpec, document: YamlDocument) -> FactSchema:
    shipped = shipped_schemas()
    if spec.facts in shipped:
        return read_schema(shipped[spec.facts], f"{_SHIPPED}/schemas/{spec.facts}.yaml")
    path = folder / spec.facts
    if path.parent != folder or not path.exists():
        hint = Suggester().hint(spec.facts, shipped, f"There ship {', '.join(shipped)}; one of your own is a file in {FOLDER}/.")
        raise InputError.one("unknown-schema", f"There is no fact schema {spec.facts}.", document.place(("facts",)), hint)
    return read_schema(_content(folder, path), f"{FOLDER}/{spec.facts}")


@dataclass(frozen=True)
class _Chosen:
    sources: tuple[tuple[str, bytes], ...]
    choose: Mapping[str, bool]


def _library(spec: BundleSpec, document: YamlDocument) -> _Chosen:
    """Choose from the rules that ship; a name that is none of theirs is a problem."""
    if not (spec.library.profiles or spec.library.rules):
        return _Chosen((), {})
    shipped = shipped_rules()
    rules = {entry["id"]: entry for name, data in shipped.items() for entry in _entries(data, name)}
    profiles = _profiles(rules.values())
    problems = [
        Problem("unknown-name", f"The library has no {what} {name}.", document.place(("library", field, at)), Suggester().hint(name, known))
        for field, what, known in (("profiles", "profile", profiles), ("rules", "rule", list(rules)), ("without", "rule", list(rules)))
        for at, name in enumerate(getattr(spec.library, field))
        if name not in known
    ]
    if problems:
        raise InputError(problems)
    chosen = {*spec.library.profiles, CORE} if spec.library.profiles else set()
    wanted = {
        name
        for name, entry in rules.items()
        if name not in spec.library.without and (name in spec.library.rules or not chosen.isdisjoint(entry.get("profiles", ())))
    }
    return _Chosen(tuple(shipped.items()), {name: name in wanted for name in rules})


def _entries(data: bytes, name: str) -> Iterator[dict[str, Any]]:
    for document in read_yaml(data, name):
        if isinstance(document.value, list):
            yield from (entry for entry in document.value if isinstance(entry, dict) and isinstance(entry.get("id"), str))


def _invariants(folder: Path, bundle: Bundle) -> tuple[InvariantSpec, ...]:
    """Read `policy/invariants.yaml`, a list, and check that each condition reads over the schema."""
    path = folder / INVARIANTS
    if not path.exists():
        return ()
    found: list[InvariantSpec] = []
    problems: list[Problem] = []
    for document in read_yaml(_content(folder, path), f"{FOLDER}/{INVARIANTS}"):
        if not isinstance(document.value, list):
            problems.append(Problem("wrong-type", "The file is a list of invariants.", document.place(), "Start each with `- id:`."))
            continue
        for index in range(len(document.value)):
            spec, wrong = validate(InvariantSpec, document, (index,), whole="The invariant")
            problems += wrong or _condition(spec, bundle, document, index)
            if spec is not None:
                found.append(spec)
    if problems:
        raise InputError(problems)
    return tuple(found)


def _condition(spec: InvariantSpec | None, bundle: Bundle, document: YamlDocument, index: int) -> list[Problem]:
    if spec is None:
        return []
    unknown = next((at for at, action in enumerate(spec.applies_to) if action not in bundle.schema.actions), None)
    if unknown is not None:
        name = spec.applies_to[unknown]
        hint = Suggester().hint(name, bundle.schema.actions)
        return [Problem("unknown-action", f"There is no action {name}.", document.place((index, "applies_to", unknown)), hint)]
    try:
        check(spec.when, bundle.schema, spec.applies_to, bundle.predicates)
    except Fault as fault:
        where = place_in_text(document, (index, "when"), spec.when, fault.at)
        return [Problem(fault.rule, fault.message, where, fault.hint)]
    return []
