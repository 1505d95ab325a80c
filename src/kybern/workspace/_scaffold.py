"""A first management system: a profile, the answers of the interview and a day become the files of a new workspace."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from kybern.catalog import Catalog, Relation, load_catalog
from kybern.workspace._emit import comment, emit, scalar
from kybern.workspace._fmt import fmt
from kybern.workspace._profiles import Answers, Common, Profile, StarterDocument, load_common
from kybern.workspace._settings import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_SLOT: Final = re.compile(r"\{([a-z_]+)(?:\+(\d+))?\}")
_NAMES_ONE: Final = re.compile(r"[a-z_]+:\{[a-z_]+\}")
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]#|~])")
_EU: Final = frozenset(
    "AT BE BG CY CZ DE DK EE ES EU FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905 - reads best so
)
"""Countries where the AI Act and the GDPR are law: the Union, and the EEA states that take them over."""

_TOP: Final = "role:top-management"

_Record = dict[str, Any]
_Values = dict[str, Any]


def scaffold(profile: Profile, answers: Answers, today: date) -> Mapping[str, str]:
    """Build the files of a new workspace: relative path to text, record files in the form `kybern fmt` gives.

    Nothing in them claims that something was approved, reviewed or held: dates lie ahead, and status comes from evidence.
    """
    common, catalog = load_common(), _catalog()
    values = _values(profile, answers, today)
    documents = (*common.documents, *profile.documents)
    records = _resolve_roles(_all_records(profile, common, catalog, values))
    files = {SETTINGS_FILE: _settings(common, answers), ".gitignore": ".kybern/\n"}
    for file in common.files:
        found = [record for kind in file.kinds for record in records if record["kind"] == kind]
        if found:
            files[file.path] = _canonical(emit(file.about, found), file.path)
    pages = {name: _markdown(value) if isinstance(value, str) else value for name, value in values.items()}
    pages |= {name: _text(text, pages) for name, text in profile.texts.items()}
    pages["risk_list"] = "\n".join(f"- **{_text(risk['title'], pages)}.** {_text(risk['scenario'], pages)}" for risk in profile.risks)
    for document in documents:
        files[_path(document)] = _page(document, common, pages)
    files["README.md"] = _text(common.readme, pages | {"profile_title": profile.title})
    return dict(sorted(files.items()))


@cache
def _catalog() -> Catalog:
    return load_catalog()


def _canonical(text: str, file: str) -> str:
    """Let the formatter have the last word on how characters are written that no plain text holds."""
    return fmt(text.encode(), file).decode() if "\\" in text else text


def _settings(common: Common, answers: Answers) -> str:
    return comment(common.settings) + "kybern: 1\nframeworks:\n" + "".join(f"  - {scalar(one)}\n" for one in answers.frameworks)


def _path(document: StarterDocument) -> str:
    return f"documents/{document.id}.md"


def _page(document: StarterDocument, common: Common, pages: _Values) -> str:
    return f"# {document.title}\n\n{_text(common.draft, pages).strip()}\n\n{_text(document.text, pages).strip()}\n"


# --- values -------------------------------------------------------------------------------------------------------------------


def _values(profile: Profile, answers: Answers, today: date) -> _Values:
    """Put together what the slots `{…}` of a profile stand for."""
    values: _Values = {**answers.model_dump(), "today": today, "organization": answers.name, "system": answers.system_name}
    values |= {"profile": profile.id, "ai_roles": list(dict.fromkeys((*profile.ai_roles, answers.system_role)))}
    values |= {f"{name}_id": one for name, one in _people(answers).items()}
    for name, fallback in (("name", "organization"), ("system_name", "first-system"), ("supplier", "supplier")):
        given = getattr(answers, name)
        values[f"{name.removesuffix('_name')}_id"] = slug(given, fallback) if given else None
    values["organization_id"] = values.pop("name_id")
    return values | {name: _text(text, values) for name, text in profile.texts.items()}


def _people(answers: Answers) -> dict[str, str]:
    """Give each person named an id; the same name is the same person."""
    ids: dict[str, str] = {}
    for role in ("lead", "top_manager", "assessor"):
        name = getattr(answers, role)
        if name and name not in ids:
            wanted = slug(name, role.replace("_", "-"))
            ids[name] = wanted if wanted not in ids.values() else f"{wanted}-{len(ids) + 1}"
    return {role: ids[name] for role in ("lead", "top_manager", "assessor") if (name := getattr(answers, role))}


def slug(text: str, fallback: str) -> str:
    """Make an id of a name: lower-case ASCII letters and digits joined by dashes; `fallback` where none is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or fallback


def _markdown(text: str) -> str:
    """Write an answer so that Markdown shows it and nothing else happens."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", safe)


def _text(template: str, values: Mapping[str, Any]) -> str:
    return _SLOT.sub(lambda found: _shown(_slot(found, values)), template)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else "not stated" if value is None else str(value)


def _slot(found: re.Match[str], values: Mapping[str, Any]) -> Any:
    value = values[found[1]]
    return value + timedelta(days=int(found[2])) if found[2] else value


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """Fill the slots of a template; a text that is one slot becomes the slot's value, and what has no value goes."""
    if isinstance(template, dict):
        return {name: _filled(value, values) for name, value in template.items() if name not in {"when", "note"}}
    if isinstance(template, list | tuple):
        return [value for one in template if (value := _filled(one, values)) is not None]
    if not isinstance(template, str):
        return template
    slots = list(_SLOT.finditer(template))
    if len(slots) == 1 and slots[0][0] == template:
        value = _slot(slots[0], values)
        return list(value) if isinstance(value, tuple) else value
    if _NAMES_ONE.fullmatch(template) and _slot(slots[0], values) is None:
        return None
    return _text(template, values)


# --- records ------------------------------------------------------------------------------------------------------------------


def _all_records(profile: Profile, common: Common, catalog: Catalog, values: _Values) -> list[_Record]:
    stands = _conditions(values)
    templates = [*_merged(common, profile, stands), *_starter_risks(profile), *_first_month(profile, catalog)]
    found = [_one(template, common, values) for template in templates if stands[template.get("when", "always")]]
    documents = [_document(one, common, values) for one in (*common.documents, *profile.documents)]
    return [*_person_records(values), *found, *documents, *_soa(profile, catalog)]


def _conditions(values: _Values) -> dict[str, bool]:
    union = str(values["country"]).split("-")[0] in _EU
    return {"always": True, "eu": union, "not-eu": not union, "supplier": bool(values["supplier"]), "assessor": bool(values["assessor"])}


def _merged(common: Common, profile: Profile, stands: Mapping[str, bool]) -> Iterator[_Record]:
    """Lay the profile's records over the common ones: those of one kind and id are one record, and stand or fall together."""
    found: dict[tuple[str, str], _Record] = {}
    fallen: set[tuple[str, str]] = set()
    for kind, records in [*common.records.items(), ("role", profile.roles), *profile.records.items()]:
        for record in records:
            key = (kind, record["id"])
            if not stands[record.get("when", "always")]:
                fallen.add(key)
            elif "when" in record or key in found or key not in fallen:
                found[key] = {"kind": kind, **found.get(key, {}), **record}
    yield from found.values()


def _one(template: _Record, common: Common, values: _Values) -> _Record:
    kind = template["kind"]
    given: _Record = {"owner": common.owners[kind]} if kind in common.owners else {}
    if kind == "role":
        given = {"holders": ["person:{lead_id}"]} | ({"reports_to": _TOP} if f"role:{template['id']}" != _TOP else {})
    return {**_filled({**given, **template}, values), "note": template.get("note", "")}


def _starter_risks(profile: Profile) -> Iterator[_Record]:
    for risk in profile.risks:
        given = {"kind": "risk", "when": "assessor", "systems": ["ai_system:{system_id}"], "criteria": "risk_criteria:ai-risk"}
        yield {**given, "assessor": "person:{assessor_id}", "assessed_on": "{today}", "trigger": "planned", **risk}


def _first_month(profile: Profile, catalog: Catalog) -> Iterator[_Record]:
    for one in sorted(profile.first_month, key=lambda found: found.due):
        given = {"kind": "control_implementation", "id": one.control.lower(), "title": catalog.controls[one.control].title}
        yield {**given, "owner": f"role:{one.owner}", "control": one.control, "how": one.how, "due_on": f"{{today+{one.due}}}"}


def _document(document: StarterDocument, common: Common, values: _Values) -> _Record:
    record: _Record = {"kind": "document", "id": document.id, "title": document.title, "type": document.type, "path": _path(document)}
    record |= {"owner": f"role:{document.owner}", "author": "person:{lead_id}", "version": "0.1", "of": document.of}
    return _one({**record, "retention": "3 years after it is replaced"}, common, values)


def _soa(profile: Profile, catalog: Catalog) -> Iterator[_Record]:
    """Write an entry for each Annex A control: necessary, with the profile's reason and the controls that count for it."""
    for name, why in profile.soa.items():
        ref = f"ISO42001:{name}"
        controls = [control.id for control, mapping in catalog.controls_for(ref) if mapping.relation is not Relation.INTERSECTS]
        entry = {"kind": "soa_entry", "id": name.lower(), "title": f"{name} {catalog.requirements[ref].title}", "requirement": ref}
        yield {**entry, "owner": "role:ai-governance-lead", "necessary": True, "justification": why, "controls": controls}


def _person_records(values: _Values) -> Iterator[_Record]:
    ids: dict[str, _Record] = {}
    for role, function in (
        ("lead", "Leads the AI management system"),
        ("top_manager", "Top management"),
        ("assessor", "Assesses AI risks"),
    ):
        if values[role]:
            record = ids.setdefault(values[f"{role}_id"], {"kind": "person", "id": values[f"{role}_id"], "title": values[role]})
            record["function"] = f"{record['function']}; {function[0].lower()}{function[1:]}" if "function" in record else function
    if values["lead_email"]:
        ids[values["lead_id"]]["email"] = values["lead_email"]
    yield from ids.values()


def _resolve_roles(records: list[_Record]) -> list[_Record]:
    """Let a reference to a role of the control library name the role that covers it here: the one with its name among its tags."""
    roles = [record for record in records if record["kind"] == "role"]
    covered = {f"role:{tag}": f"role:{role['id']}" for role in roles for tag in role.get("tags", ())}
    covered |= {f"role:{role['id']}": f"role:{role['id']}" for role in roles}
    return [_mapped(record, lambda text: covered.get(text, text)) for record in records]


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _mapped(one, change) for name, one in value.items()}
    if isinstance(value, list | tuple):
        changed = [_mapped(one, change) for one in value]
        return list(dict.fromkeys(changed)) if all(isinstance(one, str) for one in changed) else changed
    return change(value) if isinstance(value, str) else value
