"""Writes the table of topics in controls/README.md from the controls: which evidence they ask for, about what, how strong, how often.

The test beside this file compares; `python tests/catalog/topics_page.py` writes the table anew after a change of the library.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from frameworks_page import rewrite

from kybern.catalog import Catalog, Condition, Control, EvidenceCheck, Operator, PredicateType, days, load_catalog

PAGE = Path(__file__).parents[2] / "src" / "kybern" / "catalog" / "controls" / "README.md"
_SIGNS = {Operator.EQ: "=", Operator.NE: "≠", Operator.LT: "<", Operator.LE: "≤", Operator.GT: ">", Operator.GE: "≥"}


def table(catalog: Catalog) -> str:
    """Write one row for each predicate and topic, those of one predicate together."""
    found: defaultdict[tuple[PredicateType, str], list[tuple[Control, EvidenceCheck]]] = defaultdict(list)
    for control in catalog.controls.values():
        for check in control.checks:
            if isinstance(check, EvidenceCheck):
                found[check.predicate, str(check.topic)].append((control, check))
    order = list(PredicateType)
    rows = [_row(*key, found[key]) for key in sorted(found, key=lambda key: (order.index(key[0]), key[1]))]
    head = ("topic", "predicate", "about", "asks", "strength", "renewed", "controls")
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ("---",) * len(head), *rows))


def _row(predicate: PredicateType, topic: str, asked: list[tuple[Control, EvidenceCheck]]) -> tuple[str, ...]:
    pinned = " pinned" if any(check.pinned for _, check in asked) else ""
    ages = [days(check.max_age) for _, check in asked if check.max_age]
    return (
        f"`{topic}`",
        f"{predicate.value}{pinned}",
        _each(_about(control, check) for control, check in asked),
        _each(_said((*check.match, *check.require)) for _, check in asked),
        _each(check.min_strength.name.lower() for _, check in asked),
        f"P{min(ages)}D" if ages else "–",
        ", ".join(dict.fromkeys(control.id for control, _ in asked)),
    )


def _each(texts: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(texts)) or "–"


def _about(control: Control, check: EvidenceCheck) -> str:
    subjects = check.on or " or ".join(kind.value for kind in control.applies_to)
    return f"{subjects} ({_said(check.where)})" if check.where else subjects


def _said(conditions: Iterable[Condition]) -> str:
    return "; ".join(_one(condition) for condition in conditions) or "–"


def _one(condition: Condition) -> str:
    value = ", ".join(map(str, condition.value)) if isinstance(condition.value, list) else str(condition.value)
    value = value.lower() if isinstance(condition.value, bool) else value
    sign = _SIGNS.get(condition.operator, condition.operator.value.replace("_", " "))
    return f"{condition.field} {sign}" if condition.value is None else f"{condition.field} {sign} {value}"


if __name__ == "__main__":
    rewrite(PAGE, table(load_catalog()))
