"""Evidence that is uploaded: files of envelopes, read within bounds, taken in piece by piece."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from kybern.base import InputError, Place, canonical_json
from kybern.evidence import Refused, parse_envelope, parse_statement
from kybern.server.access.permissions import Permission
from kybern.server.store.evidence import Taken, take_evidence
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from django.core.files.uploadedfile import UploadedFile

    from kybern.server.access.actor import Actor

MAX_BYTES: Final = 16 << 20
MAX_PIECES: Final = 2_000


@dataclass(frozen=True)
class Outcome:
    """What became of a piece: where it stood, and what `take_evidence` said of it."""

    place: str
    taken: Taken


def envelopes_in(files: Sequence[UploadedFile]) -> list[tuple[str, bytes]]:
    """Read the envelopes of files: one a file, one a line, or a JSON array; each with where it stands.

    Raises `InputError` where there is none, or more than is read at once.
    """
    size = sum(file.size or 0 for file in files)
    if size > MAX_BYTES:
        raise InputError.one("too-large", _("The files are larger than 16 MiB together."), Place("upload"), _("Send them in parts."))
    found = [(place, data) for file in files for place, data in _split(str(file.name)[:120], file.read())]
    if not found:
        raise InputError.one("no-evidence", _("There is no envelope in what was sent."), Place("upload"), _("Choose a file."))
    if len(found) > MAX_PIECES:
        message = _("There are %d envelopes; at most %d are read at once.") % (len(found), MAX_PIECES)
        raise InputError.one("too-many", message, Place("upload"), _("Send them in parts."))
    return found


def _split(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    start = data.lstrip()[:1]
    if start == b"[":
        try:
            items = json.loads(data)
        except (ValueError, RecursionError):
            yield name, data
            return
        # An item of a list has no bytes of its own: it is kept as Kybern writes envelopes.
        yield from ((f"{name} [{at}]", canonical_json(item) + b"\n") for at, item in enumerate(items))
        return
    lines = [line for line in data.split(b"\n") if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith(b"{") for line in lines) and lines[0].rstrip().endswith(b"}"):
        yield from ((f"{name}:{at}", line.strip() + b"\n") for at, line in enumerate(lines, 1))
    elif data.strip():
        yield name, data


def take(who: Actor, found: Sequence[tuple[str, bytes]], now: datetime) -> list[Outcome]:
    """Take pieces in: those about records in units where the actor may, each with its outcome."""
    refused = {at: why for at, (_place, data) in enumerate(found) if (why := _not_granted(who, data)) is not None}
    kept = [at for at in range(len(found)) if at not in refused]
    taken = dict(zip(kept, take_evidence([found[at][1] for at in kept], now), strict=True))
    return [Outcome(place, refused.get(at) or taken[at]) for at, (place, _data) in enumerate(found)]


def _not_granted(who: Actor, envelope: bytes) -> Taken | None:
    """Refuse a piece about records of units that are not the actor's; what cannot be read is refused by who reads it."""
    units = who.where(Permission.EVIDENCE_WRITE)
    if root_unit() in units:
        return None
    try:
        refs = {subject.ref for subject in parse_statement(parse_envelope(envelope).payload).subjects}
    except Refused:
        return None
    known = dict(RecordRow.objects.filter(ref__in=refs).values_list("ref", "unit"))
    if all(known.get(ref) in units for ref in refs):
        return None
    return Taken("refused", rule="not-granted", reason=_("it is about records outside the units in which you may take in evidence"))
