"""The tables of docs/handbook/rule-library.md, made from the rules that ship. Run it to write the page anew."""

from __future__ import annotations

import re
from pathlib import Path

from policy_library import PROFILES, SCHEMA, WHOLE

from kybern.base.yaml import read_yaml
from kybern.policy import shipped_rules

PAGE = Path(__file__).parents[2] / "docs" / "handbook" / "rule-library.md"
BEGIN = "<!-- Made by tests/policy/library_page.py from src/kybern/policy/library. Change the rules, and run it. -->\n"


def tables() -> str:
    """Write a section for each file, with a row for each rule."""
    return "".join(_section(data, name) for name, data in shipped_rules().items())


def _section(data: bytes, name: str) -> str:
    first = data.decode().splitlines()[0].removeprefix("# Rules that ship: ")
    title, theme = Path(name).stem.capitalize(), first.split(". ")[0].rstrip(".")
    [document] = read_yaml(data, name)
    assert isinstance(document.value, list)
    rules = [WHOLE.by_id[str(entry["id"])] for entry in document.value if isinstance(entry, dict)]
    rows = "".join(
        f"| `{rule.id}` | {rule.spec.title} | {rule.effect.value} | {', '.join(rule.spec.applies_to)} "
        f"| {', '.join(rule.spec.controls)} | {', '.join(rule.spec.profiles)} |\n"
        for rule in rules
    )
    head = "| rule | says | effect | at | controls | profiles |\n|---|---|---|---|---|---|\n"
    return f"\n### {title}\n\n{theme[0].upper()}{theme[1:]}.\n\n{head}{rows}"


def page(old: str) -> str:
    """Put the tables, and the counts in the text, into the page."""
    head = old.partition(BEGIN)[0]
    return re.sub(r"\d+ rules ship", f"{len(WHOLE.rules)} rules ship", head) + BEGIN + tables()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE.name}: {len(WHOLE.rules)} rules, {len(PROFILES)} profiles, over {SCHEMA.ref}")  # noqa: T201 - a script
