"""OSCAL catalogs (NIST, JSON, 1.0 to 1.2) as frameworks: groups, controls and enhancements, with parameters put into the prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from kybern.base import InputError, Place
from kybern.base.yaml import pointer
from kybern.catalog._models import Framework
from kybern.catalog.imports._mapped import LONGEST, Mapped, Path, checked, clean

MAX_BYTES: Final = 64 * 2**20
_MOST: Final = 20_000
"""Groups and controls."""
_DEEPEST: Final = 12
"""How deep groups, controls and parts may lie within each other."""
_INSERT: Final = re.compile(r"\{\{ *(?:insert: *)?param(?::|,)? *([^{}\s,]{1,200}) *\}\}")
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.()_-]{0,58}")
_SPLIT: Final = re.compile(r"(?<=[0-9]) (?=\()")
"""What older catalogs write between a control's number and that of its enhancement: AC-2 (1)."""
_OTHER_LABELS: Final = frozenset(("zero-padded", "sp800-53a"))
_NOT_ASKED: Final = frozenset(
    ("guidance", "assessment-objective", "assessment-method", "assessment-objects", "objective", "objects", "assessment", "example")
)
"""Parts that explain or test what is asked, and do not ask."""
_OTHERS: Final = {
    "profile": "It chooses controls of a catalog. Resolve it first, with oscal-cli or trestle, and import the catalog that gives.",
    "component-definition": "It says how a product answers controls. Import the catalog that it names as source.",
    "system-security-plan": "It says how a system answers controls. Import the catalog that its profile draws on.",
}


def read_oscal(data: bytes, file: str, *, identity: str, status_date: date) -> Framework:
    """Read an OSCAL catalog in JSON as the framework `identity`; `status_date` is the day it was taken.

    Controls become requirements under their groups; enhancements and nested controls lie under their control, and a control with some
    keeps what it asks itself in an entry of its own. Withdrawn controls ask nothing and say what took them in. Back matter is left out.
    Raises `InputError` for what is no catalog, with every problem that is found in it.
    """
    catalog = _catalog(_json(data, file), file)
    reader = _Reader(file)
    metadata = catalog["metadata"] if isinstance(catalog.get("metadata"), dict) else {}
    reader.params(catalog)
    reader.groups(catalog, ("catalog",), None, 0)
    value = {
        "id": identity,
        "title": clean(_text(metadata.get("title"))) or identity,
        "edition": clean(_text(metadata.get("version"))) or "not stated",
        "publisher": _publisher(metadata),
        "source": _source(metadata) or f"OSCAL catalog {_text(catalog.get('uuid')) or 'without uuid'}",
        "status_date": status_date.isoformat(),
        "rights": clean(_text(metadata.get("remarks")))[:1000] or "As stated by the publisher; the catalog itself states none.",
        "requirements": reader.entries,
    }
    return checked(Mapped(file, value, reader.where | {("id",): "", ("requirements",): "/catalog"}))


def _json(data: bytes, file: str) -> Any:
    if len(data) > MAX_BYTES:
        raise InputError.one("too-large", f"The file has {len(data):,} bytes; at most {MAX_BYTES:,} are read.", Place(file))
    try:
        return json.loads(data)
    except UnicodeDecodeError as error:
        raise InputError.one("encoding", f"The file is not UTF-8 (byte {error.start}).", Place(file), "Save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        hint = "OSCAL also comes as XML and YAML: take the JSON."
        raise InputError.one("not-json", f"This is not JSON: {error.msg}.", Place(file, error.lineno, error.colno), hint) from None
    except (ValueError, RecursionError) as error:
        raise InputError.one("not-json", f"This JSON cannot be read: {error}.", Place(file)) from None


def _catalog(value: Any, file: str) -> dict[str, Any]:
    if isinstance(value, dict) and isinstance(value.get("catalog"), dict):
        return value["catalog"]  # type: ignore[no-any-return]
    other = next((name for name in value if name != "$schema"), "") if isinstance(value, dict) else ""
    hint = _OTHERS.get(other, "It is an object with the key `catalog`.")
    what = f"an OSCAL {other}" if other in _OTHERS else "something else"
    raise InputError.one("no-oscal-catalog", f"This is {what}, not an OSCAL catalog.", Place(file, pointer=f"/{other}"), hint)


def _text(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""


def _dicts(value: Any) -> list[tuple[int, dict[str, Any]]]:
    """Take the objects of a list, each with its place in it."""
    return [(index, one) for index, one in enumerate(value) if isinstance(one, dict)] if isinstance(value, list) else []


def _publisher(metadata: Mapping[str, Any]) -> str:
    """Name the party that created or published it, or the first there is."""
    parties = {_text(one.get("uuid")): clean(_text(one.get("name"))) for _, one in _dicts(metadata.get("parties"))}
    for role in ("publisher", "creator", "author"):
        for _, one in _dicts(metadata.get("responsible-parties")):
            named = one.get("party-uuids") if one.get("role-id") == role else None
            if isinstance(named, list) and named and (name := parties.get(_text(named[0]))):
                return name
    return next((name for name in parties.values() if name), "not stated")


def _source(metadata: Mapping[str, Any]) -> str:
    """Take the address of the catalog itself, if it is one."""
    links = [one for _, one in _dicts(metadata.get("links"))]
    for rel in ("canonical", "alternate", "latest-version"):
        for one in links:
            if one.get("rel") == rel and _text(one.get("href")).startswith("https://"):
                return clean(_text(one["href"]))
    return next((clean(_text(one["href"])) for one in links if _text(one.get("href")).startswith("https://")), "")


@dataclass
class _Reader:
    """Gathers entries with their places."""

    file: str
    entries: list[dict[str, Any]] = field(default_factory=list)
    where: dict[Path, str] = field(default_factory=dict)
    known: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Parameters by id."""
    ids: set[str] = field(default_factory=set)

    def params(self, holder: Mapping[str, Any], depth: int = 0) -> None:
        """Collect the parameters of everything below."""
        self._deep(depth)
        for _, one in _dicts(holder.get("params")):
            self.known.setdefault(_text(one.get("id")), one)
        for name in ("groups", "controls"):
            for _, one in _dicts(holder.get(name)):
                self.params(one, depth + 1)

    def groups(self, holder: Mapping[str, Any], path: Path, parent: str | None, depth: int) -> None:
        """Take the groups and controls of a holder."""
        self._deep(depth)
        for index, one in _dicts(holder.get("groups")):
            at = (*path, "groups", index)
            identity = self._id(one, "group", at)
            self._add({"id": identity, "parent": parent, "kind": "group", **_named(one, identity), "statement": self._group(one)}, at)
            self.groups(one, at, identity, depth + 1)
        for index, one in _dicts(holder.get("controls")):
            self._control(one, (*path, "controls", index), parent, depth + 1)

    def _control(self, one: Mapping[str, Any], path: Path, parent: str | None, depth: int) -> None:
        self._deep(depth)
        identity, below = self._id(one, "control", path), _dicts(one.get("controls"))
        gone = _withdrawn(one)
        statement = gone or self._asked(one) or f"{clean(_text(one.get('title')))}. The catalog states no more."
        entry = {"id": identity, "parent": parent, "kind": "control", **_named(one, identity), "statement": statement}
        if gone:
            entry |= {"normative": False, "status": "withdrawn"}
        self._add(entry, path)
        if any(not _withdrawn(child) for _, child in below) and not gone and self._asked(one):
            itself = self._unused(f"{identity} base")
            self._add({**entry, "id": itself, "parent": identity, "kind": "statement"}, path)
        for index, child in below:
            self._control(child, (*path, "controls", index), identity, depth + 1)

    def _add(self, entry: Mapping[str, Any], path: Path) -> None:
        if len(self.entries) >= _MOST:
            raise InputError.one("too-large", f"The catalog has more than {_MOST:,} groups and controls.", Place(self.file))
        at: Path = ("requirements", len(self.entries))
        place = pointer(path)
        self.where |= {at: place, (*at, "id"): f"{place}/id", (*at, "title"): f"{place}/title", (*at, "statement"): f"{place}/parts"}
        self.entries.append({name: value for name, value in entry.items() if value is not None})

    def _id(self, one: Mapping[str, Any], what: str, path: Path) -> str:
        """Take the label as people write it, AC-2(1), where it is short and free; otherwise the id."""
        identity = _text(one.get("id"))
        label = _label(one, plain=True) if what == "control" else ""
        chosen = label if _LABEL.fullmatch(label) and label not in self.ids else clean(identity)
        if not chosen:
            chosen = re.sub(r"[^A-Za-z0-9]+", "-", _text(one.get("title"))).strip("-")[:50]
        if not chosen:
            raise InputError.one("missing-field", f"A {what} has neither id nor title.", Place(self.file, pointer=pointer(path)))
        self.ids.add(chosen)
        return chosen

    def _unused(self, name: str) -> str:
        while name in self.ids:
            name += "'"
        self.ids.add(name)
        return name

    def _group(self, one: Mapping[str, Any]) -> str:
        said = self._prose(one, 0, wanted=lambda name: name in {"overview", "statement", "objective", "instruction"})
        return said or f"The controls on {clean(_text(one.get('title'))) or 'this'}."

    def _asked(self, one: Mapping[str, Any]) -> str:
        """Take the statement, or where there is none whatever is not guidance or assessment."""
        stated = self._prose(one, 0, wanted=lambda name: name == "statement")
        return stated or self._prose(one, 0, wanted=lambda name: name not in _NOT_ASKED)

    def _prose(self, holder: Mapping[str, Any], depth: int, wanted: Any) -> str:
        lines: list[str] = []
        for _, part in _dicts(holder.get("parts")):
            if wanted(_text(part.get("name"))):
                lines += self._lines(part, depth)
        return clean("\n".join(lines))[:LONGEST]

    def _lines(self, part: Mapping[str, Any], depth: int) -> Iterator[str]:
        """Write a part with its label, the parts in it set in."""
        self._deep(depth)
        prose = " ".join(self._filled(_text(part.get("prose"))).split())
        label = _label(part, plain=False)
        if prose:
            yield f"{'  ' * max(depth - 1, 0)}{label} {prose}".rstrip() if label else f"{'  ' * max(depth - 1, 0)}{prose}"
        for _, below in _dicts(part.get("parts")):
            if _text(below.get("name")) not in _NOT_ASKED:
                yield from self._lines(below, depth + 1)

    def _filled(self, prose: str, depth: int = 0) -> str:
        """Put parameters into prose: a value where one is set, otherwise what is to be chosen or filled in, in brackets."""
        return _INSERT.sub(lambda found: self._param(found[1], depth), prose)

    def _param(self, name: str, depth: int) -> str:
        one = self.known.get(name)
        if one is None or depth > 3:  # noqa: PLR2004 - a choice may hold a parameter, whose choice may: a circle ends here
            return f"[{name}]"
        values = [_text(value) for value in one.get("values", ()) if isinstance(value, str)] if isinstance(one.get("values"), list) else []
        if values:
            return ", ".join(values)
        select = one.get("select")
        choices = select.get("choice") if isinstance(select, dict) else None
        if isinstance(choices, list) and choices:
            said = "; ".join(self._filled(_text(choice), depth + 1) for choice in choices[:50])[:2000]
            many = "one or more" if select.get("how-many") == "one-or-more" else "one"  # type: ignore[union-attr]
            return f"[choose {many}: {said}]"
        return f"[{clean(_text(one.get('label'))) or name}]"

    def _deep(self, depth: int) -> None:
        if depth > _DEEPEST:
            raise InputError.one("too-deep", f"Groups, controls or parts lie more than {_DEEPEST} deep.", Place(self.file))


def _named(one: Mapping[str, Any], identity: str) -> dict[str, Any]:
    return {"title": clean(_text(one.get("title"))) or identity}


def _label(one: Mapping[str, Any], *, plain: bool) -> str:
    """Take the label; there may be several, of which those for sorting and for assessment are not how people write it."""
    labels = [prop for _, prop in _dicts(one.get("props")) if prop.get("name") == "label"]
    best = sorted(labels, key=lambda prop: (_text(prop.get("class")) in _OTHER_LABELS, bool(prop.get("class"))))
    said = clean(_text(best[0].get("value"))) if best else ""
    return _SPLIT.sub("", said) if plain else said


def _withdrawn(one: Mapping[str, Any]) -> str:
    """Say that a control was withdrawn and what took it in; nothing for one that stands."""
    props = [prop for _, prop in _dicts(one.get("props"))]
    if not any(prop.get("name") == "status" and str(prop.get("value", "")).casefold() == "withdrawn" for prop in props):
        return ""
    links = [link for _, link in _dicts(one.get("links")) if link.get("rel") in {"incorporated-into", "moved-to", "replaced-by"}]
    into = ", ".join(clean(_text(link.get("href")).lstrip("#")) for link in links)
    return f"Withdrawn; see {into}." if into else "Withdrawn."
