"""Load and index every catalog: from the sources, and from the compiled form.

    python benchmarks/catalog.py                      # the shipped catalog
    python benchmarks/catalog.py --full               # filled up to the full size with frameworks made for it
    python benchmarks/catalog.py --full --json

Full size means at least 2,000 entries, 1,200 crosswalk rows and 200 controls. What is missing is made in a folder of its own and read
through the public loader, as a user's catalog is. Time is CPU seconds of this process: the best of several, for a machine that is shared.
Importing the room is told apart: it is paid once by every command, whatever it loads.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

started = time.process_time()
from kybern.catalog import Catalog, load_catalog  # noqa: E402

IMPORTED = time.process_time() - started

ENTRIES, ROWS, CONTROLS = 2_000, 1_200, 200
SENTENCE = "The organisation finds out what this asks, decides who does it by when, does it, and keeps what shows that it was done. "


def fill(folder: Path, entries: int, rows: int, controls: int) -> None:
    """Make a framework, a crosswalk to it and controls for it, of the length that real ones have."""
    for name in ("frameworks", "controls", "crosswalks"):
        (folder / name).mkdir(parents=True)
    (folder / "frameworks" / "made.yaml").write_text(_framework(entries), encoding="utf-8")
    (folder / "controls" / "made.yaml").write_text("".join(map(_control, range(controls))), encoding="utf-8")
    (folder / "crosswalks" / "made.yaml").write_text(_crosswalk(rows), encoding="utf-8")


def _framework(entries: int) -> str:
    head = 'id: MADE\ntitle: Made\nedition: "1"\npublisher: bench\nsource: bench\nstatus_date: "2026-11-23"\nrights: none\nrequirements:\n'
    return head + "".join(
        f'  - id: "{number}"\n    kind: article\n    title: Duty number {number} of the law\n    layer: L1\n    bound: [provider]\n'
        f"    statement: >-\n      {SENTENCE * 2}{number}\n"
        f'    dates:\n      - {{since: "2027-12-02", route: annex-iii, enacted: "2026-07-27", basis: Art 113}}\n'
        for number in range(entries)
    )


def _control(number: int) -> str:
    return (
        f"- id: {chr(65 + number // 100)}XX-{number % 100:02}\n  layer: L1\n  title: Control {number}\n  statement: {SENTENCE}\n"
        f"  why: {SENTENCE}\n  owner_role: owner\n  cadence: P365D\n  applies_to: [organization]\n"
        f'  satisfies: [{{requirement: "MADE:{number}"}}]\n'
        f"  checks:\n    - {{type: evidence, id: a, title: A, predicate: document, topic: t{number}}}\n"
        f"    - {{type: records, id: b, title: B, kind: policy}}\n"
    )


def _crosswalk(rows: int) -> str:
    head = 'id: made\nsource_framework: MADE\ntarget_framework: MADE\nstatus_date: "2026-11-23"\nbases: {made: Made.}\nrows:\n'
    return head + "".join(
        f'  - {{source: "MADE:{number}", target: "MADE:{number}", relation: equal, confidence: low, basis: made}}\n'
        for number in range(rows)
    )


def use(catalog: Catalog) -> None:
    """Build every index."""
    for framework in catalog.frameworks:
        catalog.roots(framework)
        for ref in catalog.leaves(framework):
            catalog.controls_for(ref)


def best(of: int, run: Callable[[], object]) -> float:
    """Take the least CPU seconds of some runs."""

    def once() -> float:
        start = time.process_time()
        run()
        return time.process_time() - start

    return min(once() for _ in range(of))


def run(*, full: bool, repeat: int, folder: Path) -> dict[str, Any]:
    """Measure cold, which reads the sources and writes the compiled form, and warm."""
    shipped = load_catalog()
    also: list[Path] = []
    if full:
        also = [folder / "made"]
        rows = max(ROWS - sum(len(one.rows) for one in shipped.crosswalks), 1)
        controls = max(CONTROLS - len(shipped.controls), 1)
        fill(also[0], max(ENTRIES - len(shipped.requirements), rows, controls), rows, controls)
    cache = folder / "cache"
    sources = best(repeat, lambda: use(load_catalog(also=also)))
    load_catalog(also=also, cache=cache)
    warm = best(repeat * 3, lambda: use(load_catalog(also=also, cache=cache)))
    catalog = load_catalog(also=also, cache=cache)
    return {
        "frameworks": len(catalog.frameworks),
        "entries": len(catalog.requirements),
        "crosswalk_rows": sum(len(one.rows) for one in catalog.crosswalks),
        "controls": len(catalog.controls),
        "compiled_bytes": sum(file.stat().st_size for file in cache.iterdir()),
        "import_ms": IMPORTED * 1000,
        "sources_ms": sources * 1000,
        "warm_ms": warm * 1000,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="fill up to the full size")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(full=asked.full, repeat=asked.repeat, folder=Path(folder))
    if asked.json:
        json.dump(found, sys.stdout, indent=2)
        return
    for name, value in found.items():
        print(f"{name:<16}{value:>14,.1f}" if isinstance(value, float) else f"{name:<16}{value:>14,}")


if __name__ == "__main__":
    main()
