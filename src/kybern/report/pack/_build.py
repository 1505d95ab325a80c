"""Building a pack: a pure function from an assessment and the bytes it was computed from to the bytes of the archive."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files as resources
from typing import Any, Final

from kybern.assessment import Assessment, absence_json, absences, to_json
from kybern.base import InputError, Place, Problem, canonical_json
from kybern.catalog import CatalogFolder
from kybern.evidence import Keyring, Refusal
from kybern.records import RecordSet
from kybern.report import html_report
from kybern.report.pack import verify
from kybern.workspace import parse_records

README: Final = "README.txt"
LOG_README: Final = "README-log.txt"
VERIFIER: Final = "verify.py"
REPORT: Final = "report.html"
_OVERHEAD: Final = 80
"""Bytes that the archive needs for a file beside its name, twice, and content."""
SETTINGS: Final = "kybern.yaml"
KEYS: Final = "keys.yaml"


@dataclass(frozen=True)
class Inputs:
    """What a pack is made of.

    `envelopes` holds the bytes of each accepted piece of evidence by its id. `settings` and `records` are the bytes of `kybern.yaml`
    and of the record files by their path in the workspace; None leaves the records out of the pack, with the report on them.
    `version` is that of the Kybern which makes the pack.
    """

    assessment: Assessment
    refused: Sequence[Refusal]
    frameworks: Sequence[str]
    keys: bytes | None
    envelopes: Mapping[str, bytes]
    version: str
    settings: bytes = b""
    records: Mapping[str, bytes] | None = None
    log: Mapping[str, Any] | None = None
    """The log's part in the assessment, where the records are those that were applied."""
    erasures: Mapping[str, bytes] = field(default_factory=dict)
    """Receipts of erasures, by their names in the pack."""
    proofs: Mapping[str, bytes] = field(default_factory=dict)
    """What the log shows: files below `proof/`, and `authorities.yaml`, by their names in the pack."""
    numbers: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The numbers that sources which count themselves have in the log."""
    catalogs: Sequence[CatalogFolder] = ()
    """Catalogs of the organisation's own that the assessment was computed with; they go where the records go."""


def build(inputs: Inputs) -> bytes:
    """Write the pack: the same inputs give the same bytes.

    The verifier that goes into the pack looks at it first. Raises `InputError` for a pack it would not accept.
    """
    files = files_of(inputs)
    faults = _faults(files)
    if not faults and inputs.records is not None and records_of(inputs.records).digest != inputs.assessment.records.digest:
        faults = ["the record files are not those the assessment was computed from"]
    if faults:
        hint = "If a file changed meanwhile, try again."
        raise InputError([Problem("bad-pack", f"The pack would not hold: {one}.", Place("kybern"), hint) for one in faults])
    return b"".join(verify.chunks(files))


def _faults(files: Mapping[str, bytes]) -> list[str]:
    """Look at the files as the verifier in the pack will."""
    size = sum(len(name.encode()) * 2 + len(data) + _OVERHEAD for name, data in files.items())
    if size > verify.MAX_BYTES - _OVERHEAD:
        return [f"it has more than {verify.MAX_BYTES // 2**20} MiB"]
    try:
        verify.check_names(list(files))
        return verify.check(files).failed
    except verify.NoPack as error:
        return [str(error)]


def records_of(files: Mapping[str, bytes]) -> RecordSet:
    """Read the records of the files below `records/`, in the order of their names; `InputError` for what is none."""
    found = [record for name in sorted(files) if name.startswith("records/") for record in parse_records(files[name], name)]
    try:
        return RecordSet(found)
    except ValueError as error:
        raise InputError.one("duplicate-id", f"{error}.", Place("records"), "Keep one.") from None


def files_of(inputs: Inputs) -> dict[str, bytes]:
    """Write every file of the pack, by name. Raises `InputError` if the keyring cannot be read."""
    assessment = inputs.assessment
    stated = to_json(assessment, inputs.frameworks, None, inputs.refused, inputs.log)
    files = {
        verify.ASSESSMENT: canonical_json(stated),
        verify.REFUSED: canonical_json(stated["refused"]),
        VERIFIER: verifier(),
        **{f"{verify.EVIDENCE}{identity}{verify.SUFFIX}": data for identity, data in inputs.envelopes.items()},
        **_keys(inputs.keys),
        **_records(inputs),
        **{f"{verify.ERASURES}{name}": data for name, data in inputs.erasures.items()},
        **inputs.proofs,
    }
    files[verify.DOCUMENTS] = _documents(files)
    files[README] = readme(inputs.version, with_records=inputs.records is not None, proofs=inputs.proofs)
    return files | _manifest(files, stated, inputs.version)


def verifier() -> bytes:
    """Read the verifier that goes into every pack."""
    return resources("kybern.report.pack").joinpath(VERIFIER).read_bytes()


def readme(version: str, *, with_records: bool, proofs: Collection[str]) -> bytes:
    """Write what is here and how to check it, in plain words."""
    text, log = (resources("kybern.report.pack").joinpath(name).read_text(encoding="utf-8") for name in (README, LOG_README))
    stamps = sorted(name.removesuffix(".tsr") for name in proofs if name.endswith(".tsr"))
    named = {
        "@RECORDS@": _WITH if with_records else _WITHOUT,
        "@PROOF@": _LOGGED if proofs else _NOT_LOGGED,
        "@LOG@\n": f"\n{log}" if proofs else "",
        "@STAMPS@": "\n".join(_openssl(one) for one in stamps) or "       (there is no time-stamp in this pack)",
        "@VERSION@": version,
    }
    for name, value in named.items():
        text = text.replace(name, value)
    return text.encode()


_WITH: Final = """\
  report.html        the assessment as a page for people
  kybern.yaml        the settings of the workspace
  records/           what the organisation states, as it wrote it
  absence.json       what was due and did not come, and the numbers of sources that count themselves
  catalogs/          frameworks and controls of the organisation's own (not there if it has none)
  records.json       the same, one object a record; the SHA-256 of each object's canonical JSON is the
                     digest by which evidence names the record"""
_LOGGED: Final = """\
  proof/             what the evidence log shows: see 4 below
  authorities.yaml   the time-stamping authorities, as the organisation pinned them (not there if it has none)"""
_NOT_LOGGED: Final = """\
  The workspace had no evidence log when this pack was made: nothing here is proven to stand in one."""
_WITHOUT: Final = """\
  The records of the organisation and the report on them were left out of this pack. The evidence, the
  keys and the assessment still name people by the names of their records."""


def _openssl(stamp: str) -> str:
    """Write the command that verifies a time-stamp."""
    folder, _, authority = stamp.rpartition("/")
    trusted = f"-CAfile proof/authorities/{authority}.pem"
    return "\n".join(
        f"       openssl ts -verify {given} -in {stamp}.tsr {trusted}"
        for given in (f"-data {folder}/checkpoint", f"-queryfile {stamp}.tsq")
    )


def _keys(data: bytes | None) -> dict[str, bytes]:
    keyring = Keyring() if data is None else Keyring.from_yaml(data, KEYS)
    listed = {"keys": [key.model_dump(mode="json", exclude_none=True) for key in keyring]}
    return {verify.KEYS: canonical_json(listed)} | ({} if data is None else {KEYS: data})


def _records(inputs: Inputs) -> dict[str, bytes]:
    if inputs.records is None:
        return {}
    page = html_report(inputs.assessment, inputs.refused, inputs.version, inputs.frameworks)
    contents = {record.ref: record.content for record in inputs.assessment.records}
    own = {f"{folder}/{name}": data for folder in inputs.catalogs for name, data in folder.files.items()}
    return {
        **inputs.records,
        **own,
        SETTINGS: inputs.settings,
        verify.RECORDS: canonical_json(contents),
        verify.ABSENCE: _absence(inputs),
        REPORT: page.encode(),
    }


def _absence(inputs: Inputs) -> bytes:
    """List what was due and did not come, with what the log knows of sources that count themselves."""
    found = [absence_json(one) for one in absences(inputs.assessment, inputs.numbers, inputs.frameworks)]
    return canonical_json({"findings": found, "numbers": {name: _ranges(listed) for name, listed in inputs.numbers.items()}})


def _ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Write numbers as first and last of each run of them."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _documents(files: Mapping[str, bytes]) -> bytes:
    """List the documents of the evidence; what does not verify is left to the check of the whole."""
    try:
        pieces = verify.check_evidence(files, verify.read_keys(files[verify.KEYS]), verify.Findings())
    except verify.NoPack:
        pieces = {}
    return canonical_json(verify.documents(pieces))


def _manifest(files: Mapping[str, bytes], stated: Mapping[str, Any], version: str) -> dict[str, bytes]:
    listed = [{"path": name, "sha256": verify.sha256(files[name]), "size": len(files[name])} for name in sorted(files)]
    manifest = canonical_json(
        {
            "format": verify.FORMAT,
            "kybern": version,
            **{name: stated[name] for name in ("as_of", "digests", "frameworks", "organization")},
            "files": listed,
        }
    )
    return {verify.MANIFEST: manifest, verify.SUMS: verify.sums(manifest, listed)}
