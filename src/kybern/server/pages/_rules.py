"""Rules as pages show them: what decides here, what ships beside it, where each is written, its examples and what it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kybern.base import InputError
from kybern.base.yaml import read_yaml
from kybern.policy import ACTION, BUNDLE, FOLDER, BadFacts, decide, example_facts, in_words, shipped_rules, value_in_words
from kybern.server.pages._decisions import library, policy_of, profile_of
from kybern.server.wording import language_of_rules, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.base import Problem
    from kybern.policy import Bundle, Decision, FactSpec, Rule
    from kybern.server.live import Standing

MOST_ANALYSED: Final = 300
"""Rules up to which a bundle is analysed while somebody waits; beyond, `kybern policy lint` does it."""

TONES: Final = {"deny": "bad", "require-approval": "warn", "defer": "warn", "modify": "accent", "allow": "good"}


@dataclass(frozen=True)
class Source:
    """Where a rule is written: the file, its lines with their numbers, and the line of each part that has one."""

    file: str
    first: int
    lines: tuple[str, ...]
    at: Mapping[str, int]


@dataclass(frozen=True)
class Ruling:
    """What decides here. `own` says whether the organisation has rules of its own; `problems` why those it has do not load."""

    bundle: Bundle
    own: bool
    profile: str
    problems: tuple[Problem, ...]
    files: Mapping[str, Source]
    """Where the rules are written, by the name of each."""

    def rule(self, name: str) -> tuple[Rule, Bundle] | None:
        """Find a rule with the bundle it decides in: one that decides here, else one that ships."""
        found = self.bundle.by_id.get(name)
        if found is not None:
            return found, self.bundle
        shipped = library().by_id.get(name)
        return None if shipped is None else (shipped, library())

    @property
    def beside(self) -> tuple[Rule, ...]:
        """The rules that ship and do not decide here."""
        return tuple(rule for rule in library().rules if rule.id not in self.bundle.by_id)


def ruling_of(standing: Standing) -> Ruling:
    """Tell what decides here. Where the organisation's own rules do not load, those that ship are shown, and what is wrong."""
    profile = profile_of(standing)
    if not (settings.KYBERN_DATA / FOLDER / BUNDLE).is_file():
        return Ruling(policy_of(standing).bundle, own=False, profile=profile, problems=(), files=_shipped_sources())
    try:
        policy = policy_of(standing)
    except InputError as error:
        return Ruling(library(), own=True, profile=profile, problems=tuple(error.problems), files=_shipped_sources())
    return Ruling(policy.bundle, own=True, profile=profile, problems=(), files={**_shipped_sources(), **_own_sources(policy.files)})


@lru_cache(maxsize=1)
def _shipped_sources() -> Mapping[str, Source]:
    return {name: source for file, data in shipped_rules().items() for name, source in _sources(file, data)}


def _own_sources(files: tuple[str, ...]) -> Mapping[str, Source]:
    """Read the organisation's files again: they loaded a moment ago, within the bounds of their reader."""
    found = ((name, settings.KYBERN_DATA / name) for name in files)
    return {rule: source for name, path in found if path.is_file() for rule, source in _sources(name, path.read_bytes())}


def _sources(file: str, data: bytes) -> Iterator[tuple[str, Source]]:
    """Cut a file of rules into its rules."""
    total = data.count(b"\n") + 1
    for document in read_yaml(data, file):
        entries = document.value if isinstance(document.value, list) else []
        starts = [document.place((index,)).line for index in range(len(entries))]
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict):
                continue
            first, end = starts[index], starts[index + 1] if index + 1 < len(starts) else total + 1
            lines = [document.line_text(number) for number in range(first, end)]
            while len(lines) > 1 and (not lines[-1].strip() or lines[-1].startswith(("#", "---"))):
                lines.pop()
            at = {name: document.place((index, name), key=True).line for name in entry}
            examples = entry.get("examples")
            count = len(examples) if isinstance(examples, list) else 0
            at |= {f"examples.{number}": document.place((index, "examples", number)).line for number in range(count)}
            yield str(entry.get("id", "")), Source(file, first, tuple(lines), at)


def plainly(rule: Rule, bundle: Bundle) -> str:
    """Say a rule as a sentence, in the reader's language where there is one for it."""
    said = in_words(rule, bundle.schema, language_of_rules(), value)
    return said[:1].upper() + said[1:]


# --- examples and facts -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tried:
    """An example with its outcome: what the rule does on it, and what all rules together decide."""

    title: str
    action: str
    facts: tuple[tuple[str, str], ...]
    expected: str
    fires: bool
    decision: Decision
    line: int | None

    @property
    def as_expected(self) -> bool:
        """Whether the rule does what the example expects."""
        return self.fires == (self.expected == "fires")


def tried(rule: Rule, bundle: Bundle, source: Source | None) -> list[Tried]:
    """Run the examples of a rule."""
    found = []
    for number, example in enumerate(rule.spec.examples):
        try:
            facts = example_facts(bundle.schema, rule.spec, example)
        except BadFacts:  # a rule with such an example does not load
            continue
        known, said = facts.values, language_of_rules()
        values = tuple((name, value_in_words(bundle.schema, name, known[name], said, value)) for name in example.facts)
        line = None if source is None else source.at.get(f"examples.{number}")
        action = str(facts.values[ACTION])
        found.append(Tried(example.title, action, values, example.expect, rule.test(facts.values), decide(bundle, facts), line))
    return found


@dataclass(frozen=True)
class FactRow:
    """A fact that a rule looks at, with who supplies it."""

    spec: FactSpec
    provider: str


def looked_at(rule: Rule, bundle: Bundle) -> list[FactRow]:
    """Give the facts that a rule's condition speaks of."""
    schema = bundle.schema
    specs = [schema.by_name[name] for name in rule.facts if name in schema.by_name]
    return [FactRow(one, schema.providers.get(one.provider, one.provider)) for one in specs]


# --- analysis ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """What an analysis found of one rule: findings that want a look, and rules that fire along with it and decide otherwise."""

    findings: tuple[Any, ...]
    together: tuple[tuple[str, str, str], ...]
    """Name, title and effect of each rule that fires together with it and has another effect."""


def analysed(rule: Rule, bundle: Bundle) -> Told | None:
    """Analyse the bundle of a rule; None where it is too large to wait for."""
    if len(bundle.rules) > MOST_ANALYSED:
        return None
    own = [one for one in _findings(bundle.digest, bundle) if rule.id in {other.id for other in one.rules}]
    others = {other.id: other for one in own if one.kind == "conflict" for other in one.rules if other.id != rule.id}
    together = sorted((name, other.spec.title, other.effect.value) for name, other in others.items())
    return Told(tuple(one for one in own if one.kind != "conflict"), tuple(together))


_KEPT: Final[dict[str, tuple[Any, ...]]] = {}
_SOLVER: Final = Lock()
"""The solver keeps one context for the whole process, which two threads at once break."""


def _findings(digest: str, bundle: Bundle) -> tuple[Any, ...]:
    """Analyse a bundle once; the last few are kept."""
    from kybern.policy.analysis import analyse  # the solver takes long to load, and few pages need it

    with _SOLVER:
        if digest not in _KEPT:
            while len(_KEPT) > 3:  # noqa: PLR2004 - the bundle in force, the library, and those of a moment ago
                _KEPT.pop(next(iter(_KEPT)), None)
            _KEPT[digest] = analyse(bundle).findings
        return _KEPT[digest]
