"""The versions of a record as the log has them, found by the record's own term: nothing else of the log is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kybern.evidence import Refused
from kybern.evidence.applied import Applications, Blamed, Reader, Told, Version, blame, history, read_content
from kybern.evidence.log import term
from kybern.server.store.journal import DatabaseJournal
from kybern.server.store.keys import keyring
from kybern.server.store.records import DatabaseChanges, vault

if TYPE_CHECKING:
    from collections.abc import Mapping


class _OneRecord(Applications):
    """What was applied of one record."""

    def __init__(self, ref: str) -> None:
        """Read the entries of the record."""
        self.all = tuple(Version(index, leaf) for index, leaf in DatabaseJournal().found_by(term("ref", ref)))


@dataclass(frozen=True)
class RecordHistory:
    """The versions of a record, the oldest first, and where their contents are read."""

    told: tuple[Told, ...]
    reader: Reader

    def content(self, number: int) -> dict[str, Any] | None:
        """Give the content of a version, counted from 1; None where it was removed or cannot be had."""
        if not 0 < number <= len(self.told):
            return None
        try:
            data = self.reader.content(self.told[number - 1].version)
        except Refused:
            return None
        return None if data is None else read_content(data)

    def of_digest(self, digest: str) -> dict[str, Any] | None:
        """Give the content of the version that has this digest, the latest if there are several; None where it cannot be had."""
        from kybern.server.store.records import read_record

        for number in range(len(self.told), 0, -1):
            content = self.content(number)
            name = self.told[number - 1].version.leaf
            if content is not None and (name.digest == digest or (not name.digest and read_record(content).digest == digest)):
                return content
        return None

    def blame(self) -> tuple[Blamed, ...]:
        """Trace each field of the last version to the change that brought it."""
        return blame(self.told, self.reader)


def told_of(ref: str) -> RecordHistory:
    """Tell the versions of a record: who, when, why, what changed, and whether the signatures hold."""
    reader = Reader(DatabaseChanges(), vault())
    return RecordHistory(history(_OneRecord(ref), reader, keyring(), ref), reader)


def content_at(ref: str, digest: str) -> Mapping[str, Any] | None:
    """Give a record's content in the version of a digest; None where there is no such version, or it cannot be had."""
    return told_of(ref).of_digest(digest)
