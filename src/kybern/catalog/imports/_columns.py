"""What a spreadsheet of a framework holds: the fields of its head, and the columns of its requirements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

FRAMEWORK: Final = "Framework"
REQUIREMENTS: Final = "Requirements"
GUIDE: Final = "Guide"

Sort = Literal["text", "id", "list", "truth", "date", "choice"]


@dataclass(frozen=True, slots=True)
class Column:
    """A field as people fill it in."""

    name: str
    says: str
    sort: Sort = "text"
    needed: bool = False
    choices: tuple[str, ...] = ()
    width: int = 18


HEAD: Final = (
    Column("id", "The framework's name in Kybern: capital letters, digits, underscores. HOUSE_RULES", "id", needed=True),
    Column("title", "Its title.", needed=True),
    Column("edition", "Its edition or version.", "id", needed=True),
    Column("publisher", "Who publishes it.", needed=True),
    Column("source", "Where it is found: an address, a document.", needed=True),
    Column("status_date", "The day somebody last held this table against the source. 2026-11-23", "date", needed=True),
    Column("rights", "Whose text it is, and what may be done with it.", needed=True),
    Column("nature", "What it is.", "choice", choices=("law", "standard", "framework", "principles", "taxonomy", "bibliography")),
    Column("jurisdictions", "Where it is law, parted by semicolons: eu; us-ca", "list"),
)
COLUMNS: Final = (
    Column("id", "The entry's number: 1.1. Unique in this table.", "id", needed=True, width=12),
    Column("parent", "The number of the entry it lies under; empty for the topmost.", "id", width=12),
    Column("kind", "What it is: chapter, clause, article, control, rule. Lower case.", needed=True, width=12),
    Column("title", "A short title.", needed=True, width=34),
    Column("statement", "What it asks, in a sentence or two.", needed=True, width=70),
    Column("normative", "no for an entry that asks nothing of an organisation. Empty means yes.", "truth", choices=("yes", "no"), width=11),
    Column("layer", "The layer it belongs to.", "choice", choices=("L1", "L2", "L3", "L4", "L5", "L6", "L7"), width=8),
    Column("bound", "Who has to act, parted by semicolons: provider; deployer", "list"),
    Column("classes", "Risk classes or cases it is about, parted by semicolons.", "list"),
    Column("documented_information", "What has to be kept in writing.", width=30),
    Column("penalty", "The maximum penalty.", width=24),
    Column("since", "The day from which it binds. 2027-12-02", "date", width=12),
    Column("basis", "The provision that sets this day.", width=20),
    Column("cites", "Entries it refers to, parted by semicolons: ISO42001:6.1.2", "list", width=24),
    Column("confidence", "How sure you are of the row.", "choice", choices=("high", "medium", "low"), width=12),
    Column("note", "Anything else.", width=40),
)
