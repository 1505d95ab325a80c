"""What hangs together with a requirement, a control, a record or a piece of evidence, in columns from law to proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from markupsafe import Markup

from kybern.assessment import Assessment, Reason, Status, TraceGraph, describe, explain
from kybern.catalog import Check, Control, EvidenceCheck, Relation
from kybern.report._layered import ordered
from kybern.report._tracedraw import draw
from kybern.report._words import control_anchor, day, plural, requirement_anchor, sentence, short_name, status_of, words

TraceKind = Literal["requirement", "control", "check", "record", "evidence"]

Key = tuple[TraceKind, str]
"""What tells a node from every other."""

KINDS: Final[tuple[TraceKind, ...]] = ("requirement", "control", "check", "record", "evidence")
"""The columns, from law to proof."""

TITLES: Final = ("Requirements", "Controls", "Checks", "Records", "Evidence")

_FIRST: Final = (Status.NOT_MET, Status.EXPIRED, Status.UNKNOWN, Status.PARTLY_MET, Status.MET, Status.NOT_APPLICABLE)
"""Which nodes are kept where there are too many: first those that want work."""

_LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class TraceNode:
    """A box: a thing of a kind, or what is left over of a column (`folded` names it, `ref` is empty)."""

    kind: TraceKind
    ref: str
    title: str
    detail: str
    status: Status | None
    focus: bool = False
    folded: tuple[str, ...] = ()
    says: str = ""
    """What a piece of evidence shows, in a line."""

    @property
    def key(self) -> Key:
        """What tells it from every other."""
        return (self.kind, self.ref)

    @property
    def column(self) -> int:
        """The column it stands in, 0 to 4."""
        return KINDS.index(self.kind)

    @property
    def label(self) -> str:
        """The node in words."""
        said = f", {self.status.label}" if self.status is not None else ""
        if self.folded:
            return f"{sentence(self.title)}: {self.detail}"
        return f"{sentence(self.says)}{said}" if self.says else f"{sentence(self.kind)} {self.detail}: {self.title}{said}"


NodeHref = Callable[[TraceNode], str | None]
"""Where a node leads, or None for no link."""

NodesShown = Callable[[Collection[Key]], Collection[Key]]
"""Which of some nodes the reader may see: asked once for all."""

HIDDEN: Final = "?"
"""In place of a name: the box that stands for what the reader may not see."""


@dataclass(frozen=True, slots=True)
class TraceEdge:
    """A link from a node to one of a later column; `counts` is False where it is shown and bears on no status."""

    source: Key
    target: Key
    counts: bool


@dataclass(frozen=True)
class TraceGraphView:
    """The graph: a tuple of nodes for each of the five columns, from top to bottom, and the links between them."""

    ref: str
    columns: tuple[tuple[TraceNode, ...], ...]
    edges: tuple[TraceEdge, ...]
    href: NodeHref
    hidden: int = 0
    """How many nodes the reader may not see; a box in each of their columns says how many."""

    @property
    def svg(self) -> Markup:
        """The picture."""
        said = ", ".join(f"{_count(nodes)} {title.lower()}" for nodes, title in zip(self.columns, TITLES, strict=True) if nodes)
        return draw(self, f"What hangs together with {self.ref}, from law to proof: {said}")

    @cached_property
    def rows(self) -> tuple[tuple[TraceNode, tuple[TraceNode, ...]], ...]:
        """Each node with those it leads to: what a table says in place of the picture."""
        nodes = {node.key: node for column in self.columns for node in column}
        return tuple((node, tuple(nodes[edge.target] for edge in self.edges if edge.source == node.key)) for node in nodes.values())


def _count(nodes: Iterable[TraceNode]) -> int:
    return sum(len(node.folded) or 1 for node in nodes)


def in_page(node: TraceNode) -> str | None:
    """Lead to the places the HTML report has: those of requirements and controls."""
    if node.folded:
        return None
    anchors = {"requirement": requirement_anchor, "control": control_anchor}
    return f"#{anchors[node.kind](node.ref)}" if node.kind in anchors else None


def trace_graph(  # noqa: PLR0913  (each of the last five has a use of its own)
    assessment: Assessment,
    ref: str,
    limit: int = 8,
    *,
    href: NodeHref = in_page,
    subject: str | None = None,
    frameworks: Collection[str] | None = None,
    reach: tuple[int, int] = (len(KINDS), len(KINDS)),
    shown: NodesShown | None = None,
) -> TraceGraphView:
    """Collect what a requirement, control, check, record or piece of evidence hangs together with, both ways.

    A column of more than `limit` nodes (2 at least) keeps the nearest ones that want work most; the others are one node that says how
    many and how they stand. `subject` narrows the reasons to an AI system, `frameworks` the requirements; `reach` says how many columns
    are gone through towards the law and towards the proof. What is not `shown` to a reader is one box that says how many, and no more.
    Raises `InputError` for a name that nothing has, `KeyError` for a subject that is not assessed or that the thing does not bear on,
    `ValueError` for a lower limit.
    """
    if limit < _LEAST:
        msg = f"a column cannot be folded to {limit}"
        raise ValueError(msg)
    found = _Collected(assessment, subject, frameworks)
    kind, ref = found.collect(ref)
    found.cut(KINDS.index(kind), reach)
    hidden = found.hide((kind, ref), shown) if shown is not None else {}
    columns, edges = _folded(found, (kind, ref), limit, hidden)
    order = ordered([[node.key for node in nodes] for nodes in columns], [(edge.source, edge.target) for edge in edges])
    nodes = {node.key: node for column in columns for node in column}
    return TraceGraphView(ref, tuple(tuple(nodes[key] for key in keys) for keys in order), edges, href, sum(hidden.values()))


# --- collecting ----------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Found:
    """A node while it is collected: every status it was given, and whether it counts anywhere."""

    statuses: Counter[Status] = field(default_factory=Counter)
    counts: bool = False


class _Collected:
    """Nodes and links, put together from the trees of reasons."""

    def __init__(self, assessment: Assessment, subject: str | None, frameworks: Collection[str] | None) -> None:
        self.assessment, self.subject = assessment, subject
        self.frameworks = set(assessment.catalog.frameworks if frameworks is None else frameworks)
        self.nodes: dict[Key, _Found] = {}
        self.edges: dict[tuple[Key, Key], bool] = {}

    def collect(self, ref: str) -> tuple[TraceKind, str]:
        """Start from a name; returns what it names, a piece of evidence by its whole id."""
        a = self.assessment
        if ref in a.catalog.requirements:
            self._requirement(ref)
            return "requirement", ref
        if ref in a.catalog.controls:
            self._control(a.catalog.controls[ref], lambda _: True)
            return "control", ref
        control, slash, check = ref.partition("/")
        if slash and control in a.catalog.controls and any(one.id == check for one in a.catalog.controls[control].checks):
            self._node("check", ref, None)
            self._control(a.catalog.controls[control], lambda chain: ref in chain)
            return "check", ref
        if ref not in a.records and not a.evidence.get(ref):
            ref = TraceGraph(a).down(ref, depth=0).ref  # raises where nothing is called so
        if a.evidence.get(ref) is not None:
            self._evidence(ref)
            return "evidence", ref
        self._record(ref)
        return "record", ref

    def _node(self, kind: TraceKind, ref: str, status: Status | None, *, counts: bool = True) -> Key:
        found = self.nodes.setdefault((kind, ref), _Found())
        if status is not None:
            found.statuses[status] += 1
        found.counts = found.counts or counts
        return (kind, ref)

    def _edge(self, source: Key, target: Key, *, counts: bool = True) -> None:
        self.edges[source, target] = self.edges.get((source, target), False) or counts

    # --- what of it is told ------------------------------------------------------------------------------------------------------

    def cut(self, start: int, reach: tuple[int, int]) -> None:
        """Leave out the columns that lie further from the start than is asked for."""
        within = range(start - reach[0], start + reach[1] + 1)
        self.nodes = {key: one for key, one in self.nodes.items() if KINDS.index(key[0]) in within}
        self.edges = {pair: counts for pair, counts in self.edges.items() if pair[0] in self.nodes and pair[1] in self.nodes}

    def hide(self, focus: Key, shown: NodesShown) -> dict[TraceKind, int]:
        """Put one box in the place of what a reader may not see in a column; gives how many there are in each."""
        seen = {focus, *shown(tuple(self.nodes))}
        kept: dict[Key, Key] = {key: key if key in seen else (key[0], HIDDEN) for key in self.nodes}
        counts: Counter[TraceKind] = Counter(key[0] for key, place in kept.items() if place[1] == HIDDEN)
        nodes, edges = self.nodes, self.edges
        self.nodes, self.edges = {}, {}
        for key, place in kept.items():
            self.nodes[place] = nodes[key] if place == key else _Found(counts=True)
        for (source, target), weighs in edges.items():
            self._edge(kept[source], kept[target], counts=weighs)
        return dict(counts)

    # --- from where one starts -------------------------------------------------------------------------------------------------

    def _requirement(self, ref: str) -> None:
        reason = explain(self.assessment, ref, self.subject)
        for one in _leaves(reason):
            key = self._node("requirement", one.ref, one.status)
            for child in one.children:
                if child.kind == "control":
                    control = self._node("control", child.ref, child.status, counts=child.counts)
                    self._edge(key, control, counts=child.counts)
                    self._chains(child, lambda _: True)
                elif child.kind == "record":
                    self._edge(key, self._node("record", child.ref, child.status))

    def _control(self, control: Control, keep: Callable[[tuple[str, ...]], bool]) -> None:
        """Take a control with its requirements, if any of its chains is kept."""
        score = self.assessment.control(control.id, self.subject)
        if score is None and self.subject is not None:
            msg = f"{control.id} does not bear on {self.subject}"
            raise KeyError(msg)
        reason = explain(self.assessment, control.id, self.subject)
        if not self._chains(reason, keep):
            return
        key = self._node("control", control.id, reason.status)
        for requirement, counts in self._answered(control):
            found = self.assessment.requirement(requirement, self.subject)
            if found is not None:
                self._edge(self._node("requirement", requirement, found.status, counts=counts), key, counts=counts)

    def _answered(self, control: Control) -> Iterator[tuple[str, bool]]:
        """Name the requirements a control answers, of the frameworks asked about, and whether it counts for each."""
        for mapping in control.satisfies:
            if mapping.requirement.partition(":")[0] in self.frameworks:
                yield mapping.requirement, mapping.relation is not Relation.INTERSECTS

    def _record(self, ref: str) -> None:
        key = self._node("record", ref, None)
        for control in self._bearing_on(ref.partition(":")[0]):
            self._control(control, lambda chain: ref in chain)
        for item in self.assessment.evidence.naming(ref):
            self._edge(key, self._node("evidence", item.id, None, counts=False), counts=False)

    def _evidence(self, identity: str) -> None:
        item = self.assessment.evidence.get(identity)
        if item is None:
            return
        key = self._node("evidence", identity, None)
        for kind in dict.fromkeys(subject.ref.partition(":")[0] for subject in item.subjects):
            for control in self._bearing_on(kind):
                if any(isinstance(check, EvidenceCheck) and check.predicate is item.predicate for check in control.checks):
                    self._control(control, lambda chain: identity in chain)
        for subject in item.subjects:
            if subject.ref in self.assessment.records:
                self._edge(self._node("record", subject.ref, None, counts=False), key, counts=False)

    def _bearing_on(self, kind: str) -> Iterator[Control]:
        """Find the controls that look at records of a kind, answer something asked, and bear on the subject."""
        for name, control in self.assessment.catalog.controls.items():
            looked_at = {one for check in control.checks for one in _looked_at(check, control)}
            bears = self.subject is None or self.assessment.control(name, self.subject) is not None
            if bears and (kind in looked_at or kind == "exception") and any(True for _ in self._answered(control)):
                yield control

    # --- the tree below a control ----------------------------------------------------------------------------------------------

    def _chains(self, control: Reason, keep: Callable[[tuple[str, ...]], bool]) -> bool:
        """Take the chains below a control that are kept: check, record, evidence; tells whether there are any, or all are kept."""
        start = self.subject or self.assessment.organization
        any_kept = keep((control.ref,))
        for chain in _walk(control, start):
            if not keep((control.ref, *(one.ref for one in chain))):
                continue
            any_kept = True
            above: Key = ("control", control.ref)
            for one in chain:
                key = self._node(one.kind, one.ref, one.status, counts=one.counts)
                self._edge(above, key, counts=one.counts)
                above = key
        return any_kept


@dataclass(frozen=True, slots=True)
class _Part:
    kind: TraceKind
    ref: str
    status: Status | None
    counts: bool = True


def _leaves(reason: Reason) -> Iterator[Reason]:
    parts = [child for child in reason.children if child.kind == "requirement"]
    if not parts:
        yield reason
    for part in parts:
        yield from _leaves(part)


def _walk(reason: Reason, subject: str) -> Iterator[tuple[_Part, ...]]:
    """Go through the chains below a control: those of its checks on each subject, and the waivers beside them."""
    for child in reason.children:
        if child.kind == "subject":
            yield from _walk(child, child.ref)
        elif child.kind == "record":
            yield (_Part("record", child.ref, child.status, child.counts),)
        elif child.kind == "check":
            check = _Part("check", child.ref, child.status)
            ends = list(_below(child, subject))
            yield from ((check, *end) for end in ends)
            if not ends:
                yield (check,)


def _below(check: Reason, subject: str) -> Iterator[tuple[_Part, ...]]:
    for child in check.children:
        if child.kind == "evidence":
            # The reasons leave the target out where it is the subject itself.
            yield (_Part("record", subject, check.status), _Part("evidence", child.ref, child.status, child.counts))
            continue
        record = _Part("record", child.ref, child.status)
        pieces = [_Part("evidence", one.ref, one.status, one.counts) for one in child.children if one.kind == "evidence"]
        yield from ((record, piece) for piece in pieces)
        if not pieces:
            yield (record,)


def _looked_at(check: Check, control: Control) -> tuple[str, ...]:
    kind = check.on if isinstance(check, EvidenceCheck) else check.kind
    return (kind,) if kind else tuple(control.applies_to)


# --- folding -------------------------------------------------------------------------------------------------------------------


def _folded(
    found: _Collected, focus: Key, limit: int, hidden: Mapping[TraceKind, int]
) -> tuple[tuple[tuple[TraceNode, ...], ...], tuple[TraceEdge, ...]]:
    """Keep `limit` boxes a column, from the column of the focus outwards; what stands for the others takes over their links."""
    by_column: list[list[Key]] = [[] for _ in KINDS]
    for key in found.nodes:
        by_column[KINDS.index(key[0])].append(key)
    start = KINDS.index(focus[0])
    beside: dict[Key, set[Key]] = {key: set() for key in found.nodes}
    for source, target in found.edges:
        beside[source].add(target)
        beside[target].add(source)
    stands: dict[Key, Key] = {}
    columns: list[tuple[TraceNode, ...]] = [()] * len(KINDS)
    shown: set[Key] = set()
    for column in sorted(range(len(KINDS)), key=lambda at: (abs(at - start), at)):
        kept, rest = _chosen(found, by_column[column], focus, limit, lambda key: bool(beside[key] & shown))
        shown.update(kept)
        made = [_made(found, key, focus, hidden) for key in kept]
        if rest:
            made.append(_rest(found, KINDS[column], rest))
        stands.update({key: key for key in kept} | dict.fromkeys(rest, (KINDS[column], "")))
        columns[column] = tuple(made)
    edges: dict[tuple[Key, Key], bool] = {}
    for (source, target), counts in found.edges.items():
        pair = (stands[source], stands[target])
        edges[pair] = edges.get(pair, False) or counts
    return tuple(columns), tuple(TraceEdge(*pair, counts) for pair, counts in edges.items())


def _chosen(found: _Collected, keys: list[Key], focus: Key, limit: int, near: Callable[[Key], bool]) -> tuple[list[Key], list[Key]]:
    if len(keys) <= limit:
        return keys, []

    def order(key: Key) -> tuple[bool, bool, bool, int]:
        one = found.nodes[key]
        rank = _FIRST.index(status_of(one.statuses)) if one.statuses else len(_FIRST)
        return (key != focus and key[1] != HIDDEN, not near(key), not one.counts, rank)

    chosen = sorted(keys, key=order)
    return chosen[: limit - 1], chosen[limit - 1 :]


def _made(found: _Collected, key: Key, focus: Key, hidden: Mapping[TraceKind, int]) -> TraceNode:
    kind, ref = key
    if ref == HIDDEN:
        count = hidden[kind]
        return TraceNode(kind, HIDDEN, f"{count} left out", "not granted to you", None, folded=("",) * count)
    a, statuses = found.assessment, found.nodes[key].statuses
    status = status_of(statuses) if statuses else None
    title, detail, says = ref, "", ""
    if kind == "requirement":
        entry = a.catalog.requirements[ref]
        title, detail = entry.title, f"{short_name(ref.partition(':')[0])} {entry.id}"
    elif kind == "control":
        title, detail = a.catalog.controls[ref].title, ref
    elif kind == "check":
        control, _, name = ref.partition("/")
        title = next((check.title for check in a.catalog.controls[control].checks if check.id == name), name)
        detail = ref
    elif kind == "record":
        record = a.records.get(ref)
        title, detail = record.title if record else "not recorded", ref
    elif (item := a.evidence.get(ref)) is not None:
        title, detail = f"{sentence(words(item.predicate))}: {words(item.topic)}", f"{day(item.observed_at)}, {item.strength.label}"
        says = describe(item)
    return TraceNode(kind, ref, title, detail, status, key == focus, says=says)


def _rest(found: _Collected, kind: TraceKind, keys: list[Key]) -> TraceNode:
    statuses = Counter(status_of(one.statuses) for key in keys if (one := found.nodes[key]).statuses)
    silent = len(keys) - statuses.total()
    said = [f"{statuses[status]} {status.label}" for status in reversed(_FIRST) if statuses[status]]
    said += [plural(silent, "says nothing", "say nothing")] if silent else []
    return TraceNode(kind, "", f"and {len(keys)} more", ", ".join(said), None, folded=tuple(ref for _, ref in keys))
