"""References in sentences of the core, told by the titles of what they name, as far as the reader may know of it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from kybern.records import Record
from kybern.server.access.models import User
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.live import standing_if_ready
from kybern.server.pages._sight import titles_of
from kybern.server.store.projection import root_unit
from kybern.server.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.server.access.actor import Actor

_REF: Final = re.compile(r"(?<![\w:-])([a-z_]+):[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")


@dataclass
class _Reader:
    who: Actor
    titles: dict[str, str | None] = field(default_factory=dict)

    @cached_property
    def root(self) -> int:
        """The unit at the top, asked for once a page."""
        return root_unit()

    def reads_all(self, ref: str) -> bool:
        """Tell whether the reader may know of every record of a kind, so that nothing has to be asked of the database."""
        sensitive = ref.partition(":")[0] in SENSITIVE_KINDS
        return self.who.may(Permission.RECORDS_READ, self.root) and (not sensitive or self.who.may(Permission.RECORDS_SENSITIVE, self.root))


_READER: ContextVar[_Reader | None] = ContextVar("kybern_reader_of_references", default=None)


@contextmanager
def read_by(who: Actor | None) -> Iterator[None]:
    """Say who reads what is rendered meanwhile: titles that they may not know of stay references."""
    token = _READER.set(None if who is None or who.user is None else _Reader(who))
    try:
        yield
    finally:
        _READER.reset(token)


def named(text: object) -> str:
    """Put titles for references: people plainly, all else in quotation marks. What the reader may not know of stays as it is."""
    said, reader = str(text), _READER.get()
    if reader is None or ":" not in said:
        return said
    return _REF.sub(lambda found: _title(reader, found[0]) if found[1] in Record.registry else found[0], said)


def title_of(ref: object) -> str:
    """Give the title that a reference stands for, else the reference."""
    plain, reader = str(ref), _READER.get()
    return plain if reader is None or _REF.fullmatch(plain) is None else _known(reader, plain) or plain


def _title(reader: _Reader, ref: str) -> str:
    title = _known(reader, ref)
    if title is None:
        return ref
    return title if ref.startswith(("person:", "role:")) else quoted(title)


def _known(reader: _Reader, ref: str) -> str | None:
    if ref not in reader.titles:
        reader.titles[ref] = _in_memory(reader.who, ref) if reader.reads_all(ref) else titles_of(reader.who, [ref]).get(ref)
        if reader.titles[ref] is None and ref.startswith("person:"):
            # Whoever works here signs as a person and need not be a record of one: history shows their name to everybody as well.
            found = User.objects.filter(handle=ref.removeprefix("person:")).first()
            reader.titles[ref] = None if found is None else str(found)
    return reader.titles[ref]


def _in_memory(who: Actor, ref: str) -> str | None:
    standing = standing_if_ready()
    record = None if standing is None else standing.records.get(ref)
    return titles_of(who, [ref]).get(ref) if record is None else record.title
