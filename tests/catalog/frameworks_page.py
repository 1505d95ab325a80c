"""Counts what is shipped into the tables of docs/handbook/frameworks.md.

The test beside this file compares; `python tests/catalog/frameworks_page.py` writes the tables anew after a change of the catalog.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from kybern.catalog import Catalog, Confidence, Framework, load_catalog

PAGE = Path(__file__).parents[2] / "docs" / "handbook" / "frameworks.md"
BEGIN, END = "<!-- counted from the files: begin -->", "<!-- counted from the files: end -->"
ORDER = ("law", "standard", "framework", "principles", "taxonomy", "bibliography")


def tables(catalog: Catalog) -> str:
    """Write both tables: what each framework is and how much of it there is; where it comes from and whose it is."""
    frameworks = sorted(catalog.frameworks.values(), key=lambda found: (ORDER.index(found.nature), found.id))
    counted = [(*_what(one), _where(one), str(len(one.requirements)), str(len(catalog.leaves(one.id))), _sure(one)) for one in frameworks]
    origin = [(f"`{one.id}`", one.publisher, one.source, str(one.status_date), one.rights) for one in frameworks]
    head = ("framework", "what it is", "edition", "nature", "where", "entries", "of them ask", "how sure")
    return f"{_table(head, counted)}\n\n{_table(('framework', 'publisher', 'source', 'checked', 'rights'), origin)}"


def _what(framework: Framework) -> tuple[str, ...]:
    return f"`{framework.id}`", framework.title, framework.edition, framework.nature


def _where(framework: Framework) -> str:
    return ", ".join(framework.jurisdictions) or "–"


def _sure(framework: Framework) -> str:
    """Count the entries by confidence, the surest first."""
    counts = Counter(entry.confidence for entry in framework.requirements)
    return ", ".join(f"{counts[level]} {level}" for level in Confidence if counts[level])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def split(page: str) -> tuple[str, str, str]:
    """Part the page into what stands before the tables, the tables, and what stands after them."""
    before, _, rest = page.partition(f"{BEGIN}\n")
    inside, end, after = rest.partition(f"{END}\n")
    if not end:
        msg = f"the page lacks its marks {BEGIN} and {END}"
        raise ValueError(msg)
    return before, inside, after


def rewrite(page: Path, inside: str) -> None:
    """Write a page anew with other tables between its marks."""
    above, _, below = split(page.read_text(encoding="utf-8"))
    page.write_text(f"{above}{BEGIN}\n{inside}\n{END}\n{below}", encoding="utf-8")


if __name__ == "__main__":
    rewrite(PAGE, tables(load_catalog()))
