"""Write the digests of documents and data sets into their records, after the files were changed on purpose and reviewed.

Run: `python examples/meridian/pipeline/seal.py [--workspace DIR]`. The document control check of the pipeline fails until it is.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path

from fetch import cache_dir, credit_table
from table import MONITORING_ROWS

HERE = Path(__file__).resolve().parent


def dataset_digests(raw: bytes) -> dict[str, str]:
    """Digest each data set that lies in files: the two parts of the credit table, and the messages with the scenarios."""
    lines = raw.splitlines(keepends=True)
    own = (HERE / "messages.csv").read_bytes() + (HERE / "scenarios.yaml").read_bytes()
    parts = {"credit-applications": b"".join(lines[:-MONITORING_ROWS]), "credit-monitoring": b"".join(lines[-MONITORING_ROWS:])}
    return {name: hashlib.sha256(content).hexdigest() for name, content in (parts | {"redteam-cases": own}).items()}


def sealed(text: str, digests: dict[str, str]) -> str:
    """Put a digest into each record named by its id: over the old one, or after its version."""
    blocks = text.split("\n---\n")
    for index, block in enumerate(blocks):
        found = re.search(r"^id: (\S+)$", block, re.MULTILINE)
        if found and found.group(1) in digests:
            line = f"sha256: {digests[found.group(1)]}"
            replaced, count = re.subn(r"^sha256: .*$", line, block, flags=re.MULTILINE)
            blocks[index] = replaced if count else re.sub(r"^(version: .*)$", rf"\1\n{line}", block, count=1, flags=re.MULTILINE)
    return "\n---\n".join(blocks)


def main() -> None:
    """Seal documents and data sets of a workspace."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=HERE.parent)
    root: Path = parser.parse_args().workspace
    documents = root / "records" / "documents.yaml"
    text = documents.read_text(encoding="utf-8")
    paths = re.findall(r"^id: (\S+)\n(?:(?!---).*\n)*?path: (\S+)$", text, re.MULTILINE)
    digests = {name: hashlib.sha256((root / path).read_bytes()).hexdigest() for name, path in paths}
    documents.write_text(sealed(text, digests), encoding="utf-8")
    systems = root / "records" / "systems.yaml"
    parts = dataset_digests(credit_table(cache_dir()))
    systems.write_text(_datasets_only(systems.read_text(encoding="utf-8"), parts), encoding="utf-8")
    print(f"sealed {len(digests)} documents and {len(parts)} data sets")


def _datasets_only(text: str, digests: dict[str, str]) -> str:
    blocks = text.split("\n---\n")
    return "\n---\n".join(sealed(block, digests) if re.search(r"^kind: dataset$", block, re.MULTILINE) else block for block in blocks)


if __name__ == "__main__":
    main()
